// The safety rules of the design (retention.md), by number: those that the pure planner decides. Those that need real
// pools are in test/zfs/retention/rules.test.ts.
import assert from 'node:assert/strict';
import { parsePolicy } from '../../../../src/retention/read-policy';
import { neededElsewhere, type Destination } from '../../../../src/retention/plan/needed-elsewhere';
import { bookmarkName, destinationId } from '../../../../src/zfs/marks';
import type { SnapshotRecord } from '../../../../src/zfs/records';
import { AUTO, DAY, HOUR, NOW, names, plan, reasonsOf, series, snap } from '../../../support/builders';

const guid = (record: SnapshotRecord | undefined): string => record?.guid ?? '';
const gone = (more: Parameters<typeof plan>[0]): string[] => names(plan(more).destroy);

const destination = (more: Partial<Destination>): Destination => ({
  label: 'nas2:tank/copy',
  dataset: 'tank/copy',
  state: 'live',
  poolGuid: '77',
  guids: new Set(),
  partial: [],
  ...more,
});

const marker = (of: SnapshotRecord | undefined, dstId: string, tentative = false): SnapshotRecord => ({
  ...snap('x', 0),
  kind: 'bookmark',
  name: bookmarkName(dstId, guid(of), tentative),
  guid: guid(of),
  createtxg: of?.createtxg ?? '0',
});

/** What goes of `snapshots` (keep rule: the newest alone) when these bookmarks and destinations are known. */
function goneBeside(snapshots: SnapshotRecord[], bookmarks: SnapshotRecord[], destinations: Destination[]): string[] {
  const { reasons, keepAll } = neededElsewhere(snapshots, bookmarks, destinations);
  return gone({
    snapshots,
    neededElsewhere: new Map([['tank/data', reasons]]),
    keepAll: keepAll === null ? new Map() : new Map([['tank/data', keepAll]]),
  });
}

const letters = (text: string): SnapshotRecord[] =>
  Array.from(text).map((name, index) => snap(name, (text.length - index) * HOUR));

describe('retention rules decided by the plan', () => {
  it('rule 1: deletes only what the scope names; an empty scope names nothing, scope.all everything', () => {
    const snapshots = [
      snap('manual', 5),
      snap('auto-2026-01-01_00-00', 4),
      snap('zrepl_1', 3),
      snap('auto-2026-01-02_00-00', 2),
      snap('end', 1),
    ];
    const by = (scope: object): string[] =>
      gone({ snapshots, scope: { all: false, schemas: [], regex: null, ...scope } });
    assert.deepEqual(by({}), []);
    assert.deepEqual(by({ schemas: [AUTO] }), ['auto-2026-01-01_00-00']);
    assert.deepEqual(by({ regex: /^zrepl_|^manual/ }), ['manual']);
    assert.deepEqual(by({ all: true }), ['manual', 'auto-2026-01-01_00-00', 'zrepl_1', 'auto-2026-01-02_00-00']);
  });

  it('rule 2: any keep rule keeps, none deletes nothing, and one that cannot be read stops', () => {
    const snapshots = letters('abcdef');
    assert.deepEqual(
      gone({
        snapshots,
        rules: [
          { type: 'last', count: 2 },
          { type: 'regex', pattern: /^b/ },
        ],
      }),
      ['a', 'c', 'd'],
    );
    assert.deepEqual(gone({ snapshots, rules: [] }), []);
    for (const rule of [
      {},
      null,
      'last',
      { type: 'lsat', count: 1 },
      { type: 'last', count: '3' },
      { type: 'last', count: 3, unit: 'day' },
      { type: 'regex', pattern: '[' },
    ]) {
      assert.throws(() => parsePolicy({ policy: { keep: [{ type: 'last', count: 1 }, rule] } }), {
        code: 'INVALID_OPTIONS',
        field: 'policy',
      });
    }
  });

  it('rule 3: a snapshot is its GUID; the same name or GUID elsewhere protects nothing', () => {
    const a = snap('a', 9, { guid: '1' });
    const other = snap('a', 9, { guid: '1', dataset: 'tank/other' });
    const snapshots = [a, snap('b', 1), other, snap('b', 1, { dataset: 'tank/other' })];
    const needed = new Map([['tank/data', new Map([['1', ['needed']]])]]);
    assert.deepEqual(
      plan({ snapshots, neededElsewhere: needed }).destroy.map(({ record }) => record.dataset),
      ['tank/other'],
    );
  });

  it('rule 4: never deletes held, cloned, or half-received ones, nor those that a job is using', () => {
    const snapshots = [
      snap('held', 5, { userrefs: 1 }),
      snap('cloned', 4, { clones: ['tank/c'] }),
      snap('base', 3, { clones: ['tank/data/%recv'] }),
      snap('used', 2),
      snap('z', 1),
    ];
    const needed = new Map([['tank/data', new Map([[guid(snapshots[3]), ['in use by a running replication']]])]]);
    const result = plan({ snapshots, neededElsewhere: needed });
    assert.deepEqual(names(result.destroy), []);
    assert.match(reasonsOf(result, 'base'), /a partial receive is based on it/);
    assert.match(reasonsOf(result, 'used'), /in use by a running replication/);
  });

  it('rule 5: never deletes the newest of the dataset and of each schema', () => {
    const scope = {
      all: false,
      schemas: [AUTO, { text: 'w', read: (n: string) => (n.startsWith('w') ? 0 : null) }],
      regex: null,
    };
    const snapshots = [snap('w1', 900 * DAY), snap('w2', 800 * DAY), ...series(2), snap('foreign', 0)];
    const result = plan({ snapshots, scope, rules: [{ type: 'age', value: 1, unit: 'hour' }] });
    assert.deepEqual(names(result.destroy), ['w1', 'auto-2026-11-21_11-00']);
    assert.equal(reasonsOf(result, 'w2'), 'kept: newest of schema w');
  });

  it('rule 6: keeps the last snapshot shared with each known destination, live or away', () => {
    const all = letters('abcdef');
    const live = destination({ guids: new Set([guid(all[1]), guid(all[3])]) });
    assert.deepEqual(goneBeside(all.slice(0, 4), [], [live]), ['a', 'b', 'c']);
    const id = destinationId('88', 'usb/copy');
    const away = destination({ state: 'offline', dataset: 'usb/copy', label: 'usb:usb/copy', poolGuid: '' });
    const marks = [marker(all[0], id), marker(all[2], id)];
    assert.deepEqual(goneBeside(all, marks, [away]), ['a', 'b']);
    // Also one that nobody named: its bookmarks are known.
    assert.deepEqual(goneBeside(all, marks, []), ['a', 'b']);
    // Away and nothing known: everything stays. The bookmarks of another destination say nothing about this one.
    assert.deepEqual(goneBeside(all, [], [away]), []);
    assert.deepEqual(goneBeside(all, [marker(all[2], destinationId('77', 'tank/other'))], [away]), []);
    // Nor do those of a disk that is here, for one with the same path that is not.
    const here = destination({ guids: new Set([guid(all[5])]) });
    const ofHere = marker(all[5], destinationId('77', 'tank/copy'));
    assert.deepEqual(goneBeside(all, [ofHere], [here, away]), []);
    assert.deepEqual(goneBeside(all, [ofHere, ...marks], [here, away]), ['a', 'b']);
    assert.deepEqual(goneBeside(all, marks, [away, { ...away, label: 'usb3' }]), []);
  });

  it('rule 6: a live listing outweighs older bookmarks of the same destination, and no others', () => {
    const all = letters('abcdef');
    const live = destination({ guids: new Set([guid(all[4])]) });
    assert.deepEqual(goneBeside(all, [marker(all[1], destinationId('77', 'tank/copy'))], [live]), ['a', 'b', 'c', 'd']);
    assert.deepEqual(goneBeside(all, [marker(all[1], destinationId('78', 'tank/copy'))], [live]), ['a']);
  });

  it('rule 7: keeps what a destination has not received yet', () => {
    const all = letters('abcdefgh');
    const live = destination({ guids: new Set([guid(all[2])]) });
    assert.deepEqual(goneBeside(all, [], [live]), ['a', 'b']);
    // The base may live on as a bookmark only.
    const base = marker(all[2], destinationId('77', 'tank/copy'));
    const without = all.filter((_, index) => index !== 2);
    assert.deepEqual(goneBeside(without, [base], [live]), ['a', 'b']);
    assert.deepEqual(goneBeside(without, [base], []), ['a', 'b']);
    // Nothing shared, or not there at all: all of it is unsent.
    assert.deepEqual(goneBeside(all, [], [destination({ guids: new Set(['1']) })]), []);
    assert.deepEqual(goneBeside(all, [], [destination({ state: 'missing' })]), []);
    // What a partial receive began with or leads to.
    const partial = destination({ guids: new Set([guid(all[7])]), partial: [guid(all[0])] });
    assert.deepEqual(goneBeside(all, [], [partial]), ['b', 'c', 'd', 'e', 'f', 'g']);
    assert.deepEqual(goneBeside(all, [marker(all[3], destinationId('9', 'x/y'), true)], []), [
      'a',
      'b',
      'c',
      'e',
      'f',
      'g',
    ]);
  });

  it('rule 8: keeps what is dated in the future or cannot be dated', () => {
    const scope = { all: true, schemas: [AUTO], regex: null };
    const snapshots = [
      snap('auto-2099-01-01_00-00', 9),
      snap('undated', 8),
      snap('auto-2026-01-01_00-00', 7),
      snap('auto-2026-01-02_00-00', 1),
    ];
    assert.deepEqual(gone({ snapshots, scope, ageFrom: 'name' }), ['auto-2026-01-01_00-00']);
    const { creation: _, ...undated } = snap('u', 0, { createtxg: '1' });
    assert.deepEqual(gone({ snapshots: [undated, snap('ahead', -100, { createtxg: '2' }), snap('b', 50)] }), []);
  });

  it('rule 11: deletes nothing while the clock looks wrong', () => {
    const snapshots = letters('abc');
    const at = (now: number, hosts: [string, number][] = []): string[] =>
      gone({ snapshots, clock: { now, hosts: new Map(hosts), jump: 0 } });
    const now = NOW * 1000;
    assert.deepEqual(at(now), ['a', 'b']);
    assert.deepEqual(at(now - HOUR * 1000 - 301_000), []);
    assert.deepEqual(at(now, [['nas', now - 301_000]]), []);
    // A foreign snapshot's creation is evidence too.
    assert.deepEqual(gone({ snapshots: [...snapshots, snap('x', -301, { dataset: 'tank/other' })] }), []);
  });

  it('rule 12: tiers count buckets that have a snapshot, so a pause empties none', () => {
    const before = series(240).map((record) => ({ ...record, creation: (record.creation ?? 0) - 200 * DAY }));
    const result = plan({
      snapshots: [...before, snap('today', 0)],
      rules: [{ type: 'every', period: 'day', count: 7 }],
    });
    assert.equal(result.keep.length, 7);
  });

  it('rule 13: buckets follow the calendar of the zone, and their oldest snapshot stays the one kept', () => {
    const rules = [{ type: 'every', period: 'day', count: 3 }] as const;
    const all = series(72);
    let alive: SnapshotRecord[] = [];
    const representatives = new Set<string>();
    for (const record of all) {
      alive.push(record);
      const now = (record.creation ?? 0) * 1000;
      const clock = { now, hosts: new Map(), jump: 0 };
      const { destroy, keep } = plan({ snapshots: alive, rules, timeZone: 'America/New_York', clock });
      for (const { record: dead, reasons } of destroy) {
        if (representatives.has(dead.name)) assert.match(reasons.join(), /is not among the newest 3 days/);
      }
      for (const item of keep)
        if (item.reasons.some((text) => text.includes('oldest of'))) representatives.add(item.record.name);
      const dead = new Set(destroy.map(({ record: { name } }) => name));
      alive = alive.filter(({ name }) => !dead.has(name));
    }
    assert.equal(representatives.size, 4);
    // Midnight in New York is 05:00 UTC.
    assert.deepEqual(
      alive.map(({ name }) => name.slice(-5)),
      ['05-00', '05-00', '05-00', '12-00'],
    );
  });

  it('rule 14: a snapshot may serve several tiers; free space takes the oldest first and never what is guarded [C1 67]', () => {
    const rules = [
      { type: 'every', period: 'day', count: 2 },
      { type: 'every', period: 'month', count: 2 },
    ] as const;
    const result = plan({ snapshots: [snap('first', 20 * DAY), snap('mid', 19 * DAY), snap('new', 0)], rules });
    assert.match(reasonsOf(result, 'first'), /oldest of month 2026-11/);
    assert.match(reasonsOf(result, 'new'), /oldest of day 2026-11-21[^]*newest of the dataset/);
    const minFree = { bytes: 1e9 };
    const pools = new Map([['tank', { free: 0, size: 1e10 }]]);
    const snapshots = [snap('a', 5, { userrefs: 1 }), snap('b', 4), snap('c', 3), snap('z', 0)];
    assert.deepEqual(gone({ snapshots, minFree, pools }), ['b', 'c']);
  });

  it('rule 15: the source lets go snapshot by snapshot, by GUID, and never by vanishing', () => {
    const snapshots = letters('abcd');
    const by = (guids: ReadonlySet<string> | null): string[] =>
      gone({ snapshots, rules: [{ type: 'source', label: 'nas:tank', guids: new Map([['tank/data', guids]]) }] });
    assert.deepEqual(by(new Set([guid(snapshots[1]), guid(snapshots[3])])), ['a', 'c']);
    assert.deepEqual(by(null), []);
    const shrunken = series(20);
    const rules = [
      { type: 'source', label: 's', guids: new Map([['tank/data', new Set([guid(shrunken[19])])]]) },
    ] as const;
    assert.match(
      plan({ snapshots: shrunken, rules }).breaker.join(),
      /19 of the 20 snapshots in scope of tank\/data would go/,
    );
  });

  it('rule 19: more than the share or the count trips the breaker, few snapshots alone do not', () => {
    const tripped = (count: number, keep: number, limits = {}): number =>
      plan({
        snapshots: series(count),
        rules: [{ type: 'last', count: keep }],
        limits: { maxDestroyFraction: 0.5, maxDestroyCount: 1000, ...limits },
      }).breaker.length;
    assert.equal(tripped(12, 6), 0);
    assert.equal(tripped(12, 5), 1);
    assert.equal(tripped(10, 1), 0);
    assert.equal(tripped(11, 1), 1);
    assert.equal(tripped(20, 15, { maxDestroyCount: 5 }), 0);
    assert.equal(tripped(20, 15, { maxDestroyCount: 4 }), 1);
    assert.equal(tripped(20, 1, { maxDestroyFraction: 1 }), 0);
  });
});
