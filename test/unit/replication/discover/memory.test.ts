// What a look at both sides says of what is kept of them.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  changedSince,
  filled,
  marksOf,
  NameHashes,
  structureOf,
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
  const rest = { readonly: false, compression: 'off', mounted: false, userProperties: {} };
  return { name, type: 'filesystem', guid: `9${name.length}`, snapshotsChanged, ...plain, ...sizes, ...rest, ...more };
}

function snapshot(of: string, name: string, createtxg: number): SnapshotRecord {
  return { dataset: of, kind: 'snapshot', name, guid: String(createtxg + 100), createtxg: String(createtxg) };
}

function looks(source: DatasetRecord[], target: DatasetRecord[]): Looks {
  const rest = { missing: [], plain: true };
  return {
    source: { datasets: source, bookmarks: [], snapshots: [], ...rest },
    target: { datasets: target, bookmarks: [], snapshots: [], ...rest },
  };
}

const before = looks([dataset('a', '10'), dataset('a/x', '10')], [dataset('b', '11'), dataset('b/x', '11')]);
const copyOf = (name: string): string => name.replace(/^a/, 'b');

const marks = {
  sources: marksOf(before.source.datasets, []),
  targets: marksOf(before.target.datasets, null),
};
const memory: Memory = {
  notes: '',
  plain: { source: true, target: true },
  structure: structureOf(before),
  fullAt: 0,
  clocks: [],
  sources: new Map([...marks.sources].map(([name, mark]) => [name, { mark, snapshots: [snapshot(name, 's', 1)] }])),
  targets: new Map(
    [...marks.targets].map(([name, mark]) => {
      return [name, { mark, snapshots: [snapshot(name, 's', 1)], names: NameHashes.of([{ name: 's' }]) }];
    }),
  ),
};

function changes(now: Looks): { sources: string[]; targets: string[] } | null {
  const changed = changedSince(memory, now, copyOf);
  return changed && { sources: [...changed.sources], targets: [...changed.targets] };
}

describe('what is kept of both sides', () => {
  it('holds good where all is as it was', () => {
    assert.deepEqual(changes(before), { sources: [], targets: [] });
  });

  it('of a source that has changed is listed again, and not its copy', () => {
    const now = looks([dataset('a', '10'), dataset('a/x', '20')], before.target.datasets);
    assert.deepEqual(changes(now), { sources: ['a/x'], targets: [] });
  });

  it('of a copy that has changed is listed again, with its source', () => {
    for (const change of [{ snapshotsChanged: '12' }, { written: 1 }, { receiveResumeToken: '1-x' }]) {
      const now = looks(before.source.datasets, [dataset('b', '11'), dataset('b/x', '11', change)]);
      assert.deepEqual(changes(now), { sources: ['a/x'], targets: ['b/x'] }, JSON.stringify(change));
    }
  });

  it('is of no use where datasets came, went, or have another origin', () => {
    for (const target of [[dataset('b', '11')], [dataset('b', '11'), dataset('b/x', '11', { origin: 'b@s' })]]) {
      assert.equal(changes(looks(before.source.datasets, target)), null);
    }
  });

  it('takes the place of what was not listed', () => {
    const now = looks([dataset('a', '10'), dataset('a/x', '20')], before.target.datasets);
    now.source.snapshots.push(snapshot('a/x', 't', 2));
    const changed = changedSince(memory, now, copyOf);
    assert.ok(changed);
    const { source, target } = filled(memory, now, changed);
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
        const hashes = NameHashes.of(named);
        return some.every((name) => hashes.mayHave(name)) && !hashes.mayHave(other);
      }),
    );
  });
});
