// Who may start beside whom: the pure decision, on every mix of datasets, hosts and pools that fast-check comes up with.
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Claim, Place } from '../../../src/jobs/claims';
import { relation } from '../../../src/jobs/claims';
import { machineFacts } from '../../support/builders';
import type { QueueEntry } from '../../../src/jobs/queue';
import { decide } from '../../../src/jobs/queue';

const host = (id: string): Claim['host'] => ({
  id,
  label: id,
  facts: () => Promise.reject(new Error('not asked in a pure test')),
});

/** On a machine of its own for each boot id. */
const place = (pools: readonly string[], bootId: string): Place => ({
  machine: { platform: 'Linux', hostname: 'h', isRoot: true, machine: machineFacts({ bootId }) },
  pools,
});

function claim(connection: string, dataset: string, access: 'read' | 'write', pools?: readonly string[]): Claim {
  return { host: host(connection), dataset, access, place: pools === undefined ? null : place(pools, connection) };
}

const UNASKED = { place: undefined };

const anyClaim = fc.record({
  host: fc.constantFrom('h1', 'h2').map(host),
  dataset: fc.constantFrom('', 'p', 'p/a', 'p/a/b', 'p/aa', 'q', 'q/a'),
  access: fc.constantFrom('read' as const, 'write' as const),
  place: fc.oneof(
    fc.constantFrom(null, undefined),
    fc
      .tuple(fc.constantFrom(['111'], ['222'], ['111', '222'], []), fc.constantFrom('', 'boot1', 'boot2'))
      .map(([pools, bootId]) => place(pools, bootId)),
  ),
});

const anyQueue = fc
  .array(fc.record({ claims: fc.array(anyClaim, { maxLength: 3 }), group: fc.constantFrom('g1', 'g2', 'g3', 'g4') }), {
    maxLength: 8,
  })
  .map((entries): QueueEntry[] => entries.map((entry, index) => ({ ...entry, id: String(index) })));

const inTheWay = (a: QueueEntry, b: QueueEntry): boolean =>
  a.group === b.group || a.claims.some((mine) => b.claims.some((theirs) => relation(mine, theirs) !== 'free'));

describe('claims', () => {
  it('overlap as equal, ancestor or descendant, never by a common beginning of names', () => {
    const write = claim('h', 'tank/a', 'write');
    assert.equal(relation(write, claim('h', 'tank/a', 'read')), 'conflict');
    assert.equal(relation(write, claim('h', 'tank', 'read')), 'conflict');
    assert.equal(relation(write, claim('h', 'tank/a/b', 'read')), 'conflict');
    assert.equal(relation(write, claim('h', 'tank/aa', 'write')), 'free');
    assert.equal(relation(write, claim('h', '', 'read')), 'conflict');
  });

  it('let readers be together', () => {
    assert.equal(relation(claim('h', 'tank', 'read'), claim('h', 'tank/a', 'read')), 'free');
  });

  it('see one pool behind two connections, and two pools of one name', () => {
    const mine = claim('h1', 'tank/a', 'write', ['42']);
    assert.equal(relation(mine, claim('h2', 'tank/a', 'read', ['42'])), 'conflict');
    assert.equal(relation(mine, claim('h2', 'tank/a', 'read', ['43'])), 'free');
    assert.equal(relation(mine, { ...claim('h2', 'tank/a', 'read'), ...UNASKED }), 'unknown');
  });

  it('wait, in doubt: for a host that does not say what it is, and on a machine that nothing tells apart [B1]', () => {
    const mine = claim('h1', 'tank/a', 'write', ['42']);
    assert.equal(relation(mine, claim('h2', 'tank/a', 'read')), 'conflict');
    assert.equal(relation(mine, claim('h2', 'tank/b', 'read')), 'free');
    assert.equal(relation(mine, claim('h2', '', 'read')), 'free');
    // The pool was given another GUID since one of the two connections was asked.
    const again = { ...claim('h2', 'tank/a', 'write'), place: place(['43'], 'h1') };
    assert.equal(relation(mine, again), 'conflict');
    assert.equal(relation(mine, { ...again, dataset: 'tank/b' }), 'free');
  });

  it('see a pool among all of a host that is reached by another connection', () => {
    const mine = claim('h1', 'tank/a', 'write', ['42']);
    assert.equal(relation(mine, claim('h2', '', 'read', ['41', '42'])), 'conflict');
    assert.equal(relation(mine, claim('h2', '', 'read', ['41'])), 'free');
  });

  it('are related the same way in both directions', () => {
    fc.assert(fc.property(anyClaim, anyClaim, (a, b) => relation(a, b) === relation(b, a)));
  });
});

describe('the queue', () => {
  it('never starts two that are in each other’s way, nor more than the limit', () => {
    fc.assert(
      fc.property(anyQueue, fc.integer({ min: 1, max: 4 }), (entries, limit) => {
        // The running ones must be compatible to begin with: let the queue choose them.
        const running = decide([], entries.slice(0, 4), limit).start;
        const waiting = entries.filter((entry) => !running.includes(entry));
        const { start, blocked } = decide(running, waiting, limit);
        const together = [...running, ...start];
        assert.ok(together.length <= limit);
        together.forEach((a, i) => together.slice(i + 1).forEach((b) => assert.ok(!inTheWay(a, b))));
        assert.equal(start.length + blocked.size, waiting.length);
      }),
    );
  });

  it('lets nobody overtake one that is in its way', () => {
    fc.assert(
      fc.property(anyQueue, (entries) => {
        const { start } = decide([], entries, 100);
        for (const entry of start) {
          const earlier = entries.slice(0, entries.indexOf(entry));
          assert.ok(!earlier.some((other) => inTheWay(entry, other)));
        }
      }),
    );
  });

  it('always starts the first when nothing runs: no deadlock', () => {
    fc.assert(
      fc.property(anyQueue, (entries) => {
        const { start } = decide([], entries, 1);
        assert.deepEqual(start, entries.slice(0, 1));
      }),
    );
  });

  it('says for whom one waits, and on which dataset', () => {
    const running = { id: 'r', group: 'a', claims: [claim('h', 'tank', 'write')] };
    const reader = { id: 'w', group: 'b', claims: [claim('h', 'other', 'read'), claim('h', 'tank/x', 'read')] };
    const block = decide([running], [reader], 5).blocked.get(reader);
    assert.deepEqual(block, { reason: 'jobs', jobs: [{ entry: running, dataset: 'tank/x' }] });
    assert.deepEqual(decide([running], [{ ...reader, claims: [] }], 1).blocked.size, 1);
  });
});
