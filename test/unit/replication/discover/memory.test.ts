// What a look at both sides says of what is kept of them.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  changedSince,
  filled,
  marksOf,
  NameHashes,
  newestOf,
  newestOfYoung,
  structureOf,
  type KeptCopy,
  type Looks,
  type Memory,
} from '../../../../src/replication/discover/memory';
import type { DatasetRecord, SnapshotRecord } from '../../../../src/zfs/records';

function dataset(name: string, snapshotsChanged: string, more: Partial<DatasetRecord> = {}): DatasetRecord {
  const plain = {
    origin: '',
    receiveResumeToken: '',
    encryption: 'off',
    encryptionRoot: '',
    keyStatus: '',
    keySalt: '',
  };
  const sizes = { used: 0, usedByDataset: 0, referenced: 0, written: 0 };
  const rest = { readonly: false, compression: 'off', mounted: false, userProperties: {}, newestSnapshot: 's' };
  return { name, type: 'filesystem', guid: `9${name.length}`, snapshotsChanged, ...plain, ...sizes, ...rest, ...more };
}

function snapshot(of: string, name: string, createtxg: number): SnapshotRecord {
  return { dataset: of, kind: 'snapshot', name, guid: String(createtxg + 100), createtxg: String(createtxg) };
}

function looks(source: DatasetRecord[], target: DatasetRecord[]): Looks {
  const rest = { bookmarks: [], missing: [], plain: true };
  const named = target.map(({ name }) => snapshot(name, 's', 1));
  return {
    source: { datasets: source, snapshots: [], named: [], ...rest },
    target: { datasets: target, snapshots: [], named, ...rest },
  };
}

const before = looks([dataset('a', '10'), dataset('a/x', '10')], [dataset('b', '11'), dataset('b/x', '11')]);
const copyOf = (name: string): string => name.replace(/^a/, 'b');

function memoryOf(as: (name: string) => KeptCopy['as']): Memory {
  const marks = marksOf(before.source.datasets, []);
  const copy = (name: string): KeptCopy => {
    return { as: as(name), snapshots: [snapshot(name, 's', 1)], names: NameHashes.of([{ name: 's' }]) };
  };
  return {
    notes: '',
    plain: { source: true, target: true },
    structure: structureOf(before),
    fullAt: 0,
    clocks: [],
    unsettled: new Set(),
    sources: new Map([...marks].map(([name, mark]) => [name, { mark, snapshots: [snapshot(name, 's', 1)] }])),
    targets: new Map(['b', 'b/x'].map((name) => [name, copy(name)])),
  };
}

const marked = memoryOf((name) => ({ mark: marksOf(before.target.datasets, null).get(name) ?? '' }));
const young = memoryOf(() => ({ at: 11 }));

function changes(memory: Memory, now: Looks): { sources: string[]; targets: string[] } | null {
  const changed = changedSince(memory, now, copyOf);
  return changed && { sources: [...changed.sources], targets: [...changed.targets] };
}

describe('what is kept of both sides', () => {
  it('holds good where all is as it was', () => {
    assert.deepEqual(changes(marked, before), { sources: [], targets: [] });
  });

  it('of a source that has changed is listed again, and not its copy', () => {
    const now = looks([dataset('a', '10'), dataset('a/x', '20')], before.target.datasets);
    for (const memory of [marked, young]) assert.deepEqual(changes(memory, now), { sources: ['a/x'], targets: [] });
  });

  it('of a copy that has changed is listed again, with its source', () => {
    for (const change of [
      { snapshotsChanged: '12' },
      { newestSnapshot: 't' },
      { written: 1 },
      { receiveResumeToken: '1-x' },
    ]) {
      const now = looks(before.source.datasets, [dataset('b', '11'), dataset('b/x', '11', change)]);
      for (const memory of [marked, young])
        assert.deepEqual(changes(memory, now), { sources: ['a/x'], targets: ['b/x'] }, JSON.stringify(change));
    }
  });

  it('of a copy that is young holds good without a fingerprint, and for nothing that ZFS noted later', () => {
    assert.deepEqual(changes(young, before), { sources: [], targets: [] });
    const earlier = looks(before.source.datasets, [dataset('b', '9', { readonly: true }), dataset('b/x', '11')]);
    assert.deepEqual(changes(young, earlier), { sources: [], targets: [] });
    const unknown = looks(before.source.datasets, [dataset('b', ''), dataset('b/x', '11')]);
    assert.deepEqual(changes(young, unknown), { sources: ['a'], targets: ['b'] });
  });

  it('of a copy that is young does not hold good for another newest snapshot of its name', () => {
    assert.deepEqual(newestOfYoung(young), ['b@s', 'b/x@s']);
    assert.deepEqual(newestOfYoung(marked), []);
    const { source, target } = before;
    for (const named of [[snapshot('b', 's', 2), snapshot('b/x', 's', 1)], [snapshot('b/x', 's', 1)]])
      assert.deepEqual(changes(young, { source, target: { ...target, named } }), { sources: ['a'], targets: ['b'] });
  });

  it('is of no use where datasets came, went, or have another origin', () => {
    for (const target of [[dataset('b', '11')], [dataset('b', '11'), dataset('b/x', '11', { origin: 'b@s' })]]) {
      assert.equal(changes(marked, looks(before.source.datasets, target)), null);
    }
  });

  it('takes the place of what was not listed', () => {
    const now = looks([dataset('a', '10'), dataset('a/x', '20')], before.target.datasets);
    now.source.snapshots.push(snapshot('a/x', 't', 2));
    const changed = changedSince(marked, now, copyOf);
    assert.ok(changed);
    const { source, target } = filled(marked, now, changed);
    assert.deepEqual(source.snapshots, [snapshot('a', 's', 1), snapshot('a/x', 't', 2)]);
    assert.deepEqual(target.snapshots, [snapshot('b', 's', 1), snapshot('b/x', 's', 1)]);
  });
});

describe('hashes of names', () => {
  it('miss none of them, and hardly ever find another', () => {
    const names = fc.uniqueArray(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(names, ([other = '', ...some]) => {
        const named = some.map((name) => ({ name }));
        const hashes = NameHashes.of(named.slice(0, 5)).with(named.slice(5));
        return some.every((name) => hashes.mayHave(name)) && !hashes.mayHave(other);
      }),
    );
  });
});

describe('the newest snapshots', () => {
  it('are the last ones by transaction group, oldest first, each once, and those with a bookmark', () => {
    const all = Array.from({ length: 40 }, (_, index) => snapshot('b', `s${index}`, index + 1));
    assert.deepEqual(newestOf([...all.toReversed(), ...all], new Set()), all.slice(-24));
    assert.deepEqual(newestOf(all, new Set(['103', '138'])), [all[2], ...all.slice(-24)]);
  });
});
