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
    // A schema and an expression name what either names.
    assert.deepEqual(by({ schemas: [AUTO], regex: /^zrepl_/ }), ['auto-2026-01-01_00-00', 'zrepl_1']);
    const nothing = plan({ snapshots, scope: { all: false, schemas: [], regex: null } });
    assert.deepEqual(nothing.warnings, ['the scope names nothing, so nothing can be deleted']);
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
      { type: 'age', value: 3, unit: 'days' },
      { type: 'every', period: 'minute', count: 3 },
      { type: 'schedule', cron: '61 * * * *', value: 1, unit: 'day' },
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

  it('rule 4: never deletes held, cloned, or half-received ones, nor what somebody is said to need', () => {
    const snapshots = [
      snap('held', 5, { userrefs: 1 }),
      snap('cloned', 4, { clones: ['tank/c'] }),
      snap('base', 3, { clones: ['tank/data/%recv'] }),
      snap('needed', 2),
      snap('z', 1),
    ];
    const needed = new Map([['tank/data', new Map([[guid(snapshots[3]), ['a partial receive here needs it']]])]]);
    const result = plan({ snapshots, neededElsewhere: needed });
    assert.deepEqual(names(result.destroy), []);
    assert.match(reasonsOf(result, 'base'), /a partial receive is based on it/);
    assert.match(reasonsOf(result, 'needed'), /a partial receive here needs it/);
    // What ZFS did not say is no "none".
    const { userrefs: _, ...unheld } = snap('holds unknown', 4);
    const { clones: __, ...uncloned } = snap('clones unknown', 3);
    assert.deepEqual(gone({ snapshots: [unheld, uncloned, snap('free', 2), snap('z', 1)] }), ['free']);
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
    // Whatever its age and its name, and as many as are asked for; never none.
    const old = ['x', 'y', 'z'].map((name, index) => snap(name, (900 - index) * DAY));
    const least = (keepAtLeast: number): string[] =>
      gone({ snapshots: old, rules: [{ type: 'age', value: 1, unit: 'hour' }], keepAtLeast });
    assert.deepEqual([least(2), least(1), least(0)], [['x'], ['x', 'y'], ['x', 'y']]);
    assert.deepEqual(gone({ snapshots, scope, rules: [{ type: 'age', value: 1, unit: 'hour' }], keepAtLeast: 2 }), []);
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
    // Which pool was listed is not known: then the bookmarks may be another's.
    const unknown = { ...live, poolGuid: '' };
    assert.deepEqual(goneBeside(all, [marker(all[1], destinationId('77', 'tank/copy'))], [unknown]), ['a']);
  });

  it('rule 6: keeps what both of two targets need that are one destination by their pools, if both are named [B1]', () => {
    const all = letters('abcdef');
    const twin = (label: string, has: number[]): Destination =>
      destination({ label, guids: new Set(has.map((index) => guid(all[index]))) });
    const ahead = twin('a', [0, 1, 4]);
    const behind = twin('b', [0, 1]);
    const id = destinationId('77', 'tank/copy');
    const marks = [0, 1, 4].map((index) => marker(all[index], id));
    assert.deepEqual(goneBeside(all, marks, [ahead, behind]), ['a']);
    // Away: the bookmarks may all be those of the one that is here, so everything stays.
    assert.deepEqual(goneBeside(all, marks, [ahead, { ...behind, state: 'offline', poolGuid: '' }]), []);
    // Not named: nothing says that there are two (docs/decisions/0002-marks.md).
    assert.deepEqual(goneBeside(all, marks, [ahead]), ['a', 'b', 'c', 'd']);
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
    const missing = 'nas2:tank/copy does not exist';
    assert.deepEqual(goneBeside(all, [], [destination({ guids: new Set(['1']) })]), []);
    assert.deepEqual(goneBeside(all, [], [destination({ state: 'missing' })]), []);
    assert.equal(
      neededElsewhere(all, [], [destination({ state: 'missing' })]).keepAll,
      `${missing}, so all of it is unsent`,
    );
    // Even where a bookmark says what it had: it is to receive all of it again.
    assert.deepEqual(goneBeside(all, [base], [destination({ state: 'missing' })]), []);
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
    // A name that two schemas read as different dates says none.
    const other = { text: 'auto-%Y-%d-%m_%H-%M', read: (name: string) => (AUTO.read(name) ?? NaN) + DAY };
    const both = { ...scope, schemas: [AUTO, other] };
    assert.deepEqual(gone({ snapshots: snapshots.slice(2), scope: both, ageFrom: 'name' }), []);
    assert.deepEqual(gone({ snapshots: snapshots.slice(2), scope: both }), ['auto-2026-01-01_00-00']);
    // One of the future takes no place from the others.
    const today = [
      snap('auto-2026-11-21_03-00', 9),
      snap('auto-2026-11-21_04-00', 8),
      snap('auto-2099-01-01_00-00', 7),
    ];
    const days = [{ type: 'every', period: 'day', count: 1 }] as const;
    assert.deepEqual(gone({ snapshots: today, scope, ageFrom: 'name', rules: days }), ['auto-2026-11-21_04-00']);
  });

  it('rule 11: deletes nothing while the clock looks wrong', () => {
    const snapshots = letters('abc');
    const at = (now: number, hosts: [string, number][] = []): string[] =>
      gone({ snapshots, clock: { now, hosts: new Map(hosts), jump: 0 } });
    const now = NOW * 1000;
    assert.deepEqual(at(now), ['a', 'b']);
    assert.deepEqual(at(now - HOUR * 1000 - 301_000), []);
    assert.deepEqual(at(now, [['nas', now - 301_000]]), []);
    assert.deepEqual(at(now, [['nas', now + 301_000]]), []);
    assert.deepEqual(at(now, [['nas', now - 299_000]]), ['a', 'b']);
    assert.deepEqual([at(NaN), at(now, [['nas', NaN]])], [[], []]);
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
    // Today's, and the first of each of the six days before the pause.
    const days = result.keep.map(({ record: { creation = 0 } }) =>
      new Date(creation * 1000).toISOString().slice(0, 13),
    );
    assert.equal(days.pop(), '2026-11-21T12');
    assert.deepEqual(
      days,
      ['2026-04-30', '2026-05-01', '2026-05-02', '2026-05-03', '2026-05-04', '2026-05-05'].map((day) => `${day}T00`),
    );
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
    // Only below it, and no more than it takes; of a pool that says nothing, nothing.
    const by = (free: number, wanted: object): string[] =>
      gone({ snapshots, minFree: wanted as typeof minFree, pools: new Map([['tank', { free, size: 10_000 }]]) });
    assert.deepEqual(by(5000, { bytes: 5000 }), []);
    assert.deepEqual(by(4999, { bytes: 5000 }), ['b']);
    assert.deepEqual(by(4999, { percent: 50 }), ['b']);
    assert.deepEqual(by(5000, { percent: 50 }), []);
    const enough = plan({ snapshots, minFree: { bytes: 512 }, pools: new Map([['tank', { free: 512, size: 1024 }]]) });
    assert.equal(reasonsOf(enough, 'b'), 'kept: pool tank has 512 B free, not less than 512 B');
    assert.deepEqual(gone({ snapshots, minFree, pools: new Map([['other', { free: 0, size: 1 }]]) }), []);
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
    // Whoever mirrors a source has another idea of few.
    assert.equal(tripped(4, 1, { fractionAbove: 2 }), 1);
    assert.equal(tripped(2, 1, { fractionAbove: 2, maxDestroyFraction: 0.4 }), 0);
    // The share is of each dataset, the count of all of them.
    const two = [...series(5), ...series(5, HOUR, { dataset: 'tank/other' })];
    const limits = { maxDestroyFraction: 1, maxDestroyCount: 7 };
    assert.match(plan({ snapshots: two, limits }).breaker.join(), /^8 snapshots would go in all, more than 7$/);
    const uneven = [...series(20), ...series(100, HOUR, { dataset: 'tank/other' })];
    const rules = [{ type: 'last', count: 60 }] as const;
    assert.deepEqual(plan({ snapshots: uneven, rules }).breaker, []);
    const keep9 = plan({ snapshots: uneven, rules: [{ type: 'last', count: 9 }] }).breaker;
    assert.deepEqual(keep9.length, 2);
  });
});
