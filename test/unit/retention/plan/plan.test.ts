// The planner by example: every rule type, every guard, and the words in which it explains itself.
import assert from 'node:assert/strict';
import type { SnapshotRecord } from '../../../../src/zfs/records';
import { AUTO, DAY, HOUR, NOW, names, plan, reasonsOf, series, snap } from '../../../support/builders';

const doomed = (more: object): string[] => {
  const snapshots = [snap('x', 30 * DAY, more), snap('new', 0)];
  return names(plan({ snapshots }).destroy);
};

const pools = (free: number): ReadonlyMap<string, { free: number; size: number }> =>
  new Map([['tank', { free, size: 10_000 }]]);

const none = { maxDestroyFraction: 1, maxDestroyCount: 1_000_000 };

describe('retention plan: rules', () => {
  it('last keeps the newest by creation order and lists the others oldest first', () => {
    const snapshots = series(5).toReversed();
    const result = plan({ snapshots, rules: [{ type: 'last', count: 2 }] });
    assert.deepEqual(names(result.destroy), [
      'auto-2026-11-21_08-00',
      'auto-2026-11-21_09-00',
      'auto-2026-11-21_10-00',
    ]);
    assert.equal(reasonsOf(result, 'auto-2026-11-21_11-00'), 'kept: number 2 of the newest 2');
    assert.equal(reasonsOf(result, 'auto-2026-11-21_08-00'), 'goes: not among the newest 2 and no other rule keeps it');
  });

  it('orders by createtxg, whatever names and dates say', () => {
    const snapshots = [
      snap('z', 10, { createtxg: '9' }),
      snap('a', 5, { createtxg: '10' }),
      snap('m', 1, { createtxg: '2' }),
    ];
    assert.deepEqual(names(plan({ snapshots }).destroy), ['m', 'z']);
  });

  it('lets a snapshot go that is exactly as old as an age, and keeps one a second younger', () => {
    const snapshots = [
      snap('older', 14 * DAY + 1),
      snap('exact', 14 * DAY),
      snap('younger', 14 * DAY - 1),
      snap('new', 0),
    ];
    const result = plan({ snapshots, rules: [{ type: 'age', value: 14, unit: 'day' }] });
    assert.deepEqual(names(result.destroy), ['older', 'exact']);
    assert.equal(reasonsOf(result, 'older'), 'goes: older than 14 days and no other rule keeps it');
    assert.equal(reasonsOf(result, 'exact'), 'goes: exactly 14 days old and no other rule keeps it');
    assert.equal(reasonsOf(result, 'younger'), 'kept: younger than 14 days');
  });

  it('knows hour, day, week, month as 30 and year as 365 days', () => {
    for (const [unit, days] of [
      ['hour', 1 / 24],
      ['day', 1],
      ['week', 7],
      ['month', 30],
      ['year', 365],
    ] as const) {
      const snapshots = [snap('goes', days * DAY), snap('stays', days * DAY - 1), snap('new', 0)];
      assert.deepEqual(names(plan({ snapshots, rules: [{ type: 'age', value: 1, unit }] }).destroy), ['goes'], unit);
    }
  });

  it('every keeps the oldest of each of the newest buckets that have a snapshot', () => {
    const snapshots = series(50);
    const result = plan({ snapshots, rules: [{ type: 'every', period: 'day', count: 2 }], limits: none });
    assert.deepEqual(names(result.keep), ['auto-2026-11-20_00-00', 'auto-2026-11-21_00-00', 'auto-2026-11-21_12-00']);
    assert.equal(reasonsOf(result, 'auto-2026-11-20_00-00'), 'kept: oldest of day 2026-11-20 (2 of 2)');
    assert.match(
      reasonsOf(result, 'auto-2026-11-20_07-00'),
      /^goes: day 2026-11-20 is represented by auto-2026-11-20_00-00 /,
    );
    assert.match(reasonsOf(result, 'auto-2026-11-19_12-00'), /^goes: day 2026-11-19 is not among the newest 2 days /);
  });

  it('schedule keeps what the schedule made for its lifetime', () => {
    const midnight = {
      type: 'schedule',
      text: '0 0 * * *',
      value: 2,
      unit: 'day',
      matches: (d: Date) => d.getUTCHours() === 0,
    } as const;
    const result = plan({ snapshots: series(80), rules: [midnight], limits: none });
    assert.deepEqual(names(result.keep), ['auto-2026-11-20_00-00', 'auto-2026-11-21_00-00', 'auto-2026-11-21_12-00']);
    assert.match(
      reasonsOf(result, 'auto-2026-11-19_00-00'),
      /of the schedule 0 0 \* \* \*, but not younger than 2 days/,
    );
    assert.match(reasonsOf(result, 'auto-2026-11-21_11-00'), /not of the schedule/);
  });

  it('schedule also keeps what is of it by its name, where whoever takes the snapshots prunes', () => {
    const midnight = {
      type: 'schedule',
      text: '0 0 * * *',
      value: 2,
      unit: 'day',
      matches: (d: Date) => d.getUTCHours() === 0 && d.getUTCMinutes() === 0,
    } as const;
    // Made two minutes after the time in its name, an hour's snapshot in between, and one that is too old.
    const late = (day: number): SnapshotRecord =>
      snap(`auto-2026-11-${day}_00-00`, (21 - day) * 24 * HOUR + 12 * HOUR - 120);
    const snapshots = [late(18), late(20), snap('auto-2026-11-20_05-00', 31 * HOUR), late(21), snap('end', 1)];
    const scope = { all: true, schemas: [AUTO], regex: null };
    const given = { snapshots, scope, rules: [midnight], limits: none };
    assert.deepEqual(names(plan({ ...given, scheduleByName: true }).destroy), [
      'auto-2026-11-18_00-00',
      'auto-2026-11-20_05-00',
    ]);
    assert.deepEqual(names(plan(given).keep), ['auto-2026-11-21_00-00', 'end'], 'the newest of its schema');
  });

  it('regex keeps matching names', () => {
    const snapshots = [snap('keep-me', 9), snap('drop', 8), snap('new', 0)];
    assert.deepEqual(names(plan({ snapshots, rules: [{ type: 'regex', pattern: /^keep/ }] }).destroy), ['drop']);
  });

  it('source keeps what the source has, by GUID, and everything of a source that says nothing', () => {
    const snapshots = [snap('a', 3), snap('b', 2), snap('c', 1)];
    const rule = (guids: ReadonlySet<string> | null): Parameters<typeof plan>[0] => ({
      snapshots,
      rules: [{ type: 'source', label: 'nas:tank', guids: new Map([['tank/data', guids]]) }],
    });
    assert.deepEqual(names(plan(rule(new Set([snapshots[1]?.guid ?? '']))).destroy), ['a']);
    assert.deepEqual(names(plan(rule(null)).destroy), []);
    assert.deepEqual(
      names(plan({ ...rule(null), rules: [{ type: 'source', label: 'x', guids: new Map() }] }).destroy),
      [],
    );
  });

  it('says for several rules why none of them keeps', () => {
    const result = plan({
      snapshots: series(3),
      rules: [
        { type: 'last', count: 1 },
        { type: 'age', value: 1, unit: 'hour' },
      ],
    });
    assert.equal(
      reasonsOf(result, 'auto-2026-11-21_10-00'),
      'goes: no rule keeps it: not among the newest 1; older than 1 hour',
    );
  });

  it('ages by the date in the name on request, in scope of several schemas only where they agree', () => {
    const snapshots = [
      snap('auto-2026-11-01_00-00', 3),
      snap('auto-2026-11-20_00-00', 2),
      snap('auto-2026-11-21_00-00', 1),
    ];
    const scope = { all: false, schemas: [AUTO], regex: null };
    const age = { snapshots, scope, ageFrom: 'name', rules: [{ type: 'age', value: 7, unit: 'day' }] } as const;
    assert.deepEqual(names(plan(age).destroy), ['auto-2026-11-01_00-00']);
    const other = { text: 'other', read: (name: string) => (AUTO.read(name) ?? 0) + 60_000 };
    const torn = plan({ ...age, scope: { ...scope, schemas: [AUTO, other] } });
    assert.deepEqual(names(torn.destroy), []);
    assert.match(reasonsOf(torn, 'auto-2026-11-01_00-00'), /two naming schemas of the scope read different dates/);
  });
});

describe('retention plan: guards', () => {
  it('lets an ordinary snapshot go (so that the cases below can fail)', () => assert.deepEqual(doomed({}), ['x']));
  it('keeps a held one', () => assert.deepEqual(doomed({ userrefs: 1 }), []));
  it('keeps one with clones', () => assert.deepEqual(doomed({ clones: ['tank/c'] }), []));

  it('keeps one of which holds, clones or creation are not known', () => {
    for (const key of ['userrefs', 'clones', 'creation'] as const) {
      const record = snap('x', 30 * DAY);
      delete record[key];
      assert.deepEqual(names(plan({ snapshots: [record, snap('new', 0)] }).destroy), [], key);
    }
  });

  it('keeps one until org.truenas:destroy_at_*, and one whose date there cannot be read', () => {
    const key = 'org.truenas:destroy_at_0a1b2c3d';
    assert.deepEqual(doomed({ userProperties: { [key]: '2026-11-22' } }), []);
    assert.deepEqual(doomed({ userProperties: { [key]: '2026-11-21T12:00:01' } }), []);
    assert.deepEqual(doomed({ userProperties: { [key]: '2026-11-21T12:00:00' } }), ['x']);
    assert.deepEqual(doomed({ userProperties: { [key]: '2026-11-21T14:00:00+02:00' } }), ['x']);
    assert.deepEqual(doomed({ userProperties: { [key]: 'tomorrow' } }), []);
    assert.deepEqual(doomed({ userProperties: { 'org.truenas:other': '2099-01-01' } }), ['x']);
  });

  it('never destroys because of an expired property', () => {
    const snapshots = [
      snap('x', DAY, { userProperties: { 'org.truenas:destroy_at_1': '2020-01-01' } }),
      snap('new', 0),
    ];
    assert.deepEqual(names(plan({ snapshots, rules: [{ type: 'last', count: 5 }] }).destroy), []);
  });

  it('keeps keepAtLeast newest of the dataset and of each schema', () => {
    const scope = {
      all: false,
      schemas: [AUTO, { text: 'old-', read: (n: string) => (n.startsWith('old-') ? 0 : null) }],
      regex: /^m-/,
    };
    const snapshots = [
      snap('old-1', 9 * DAY),
      snap('old-2', 8 * DAY),
      snap('old-3', 7 * DAY),
      snap('m-1', 6 * DAY),
      ...series(3),
    ];
    const rules = [{ type: 'age', value: 1, unit: 'hour' }] as const;
    const result = plan({ snapshots, scope, rules, keepAtLeast: 2 });
    assert.deepEqual(names(result.destroy), ['old-1', 'm-1', 'auto-2026-11-21_10-00']);
    assert.equal(reasonsOf(result, 'old-2'), 'kept: among the newest 2 of schema old-');
  });

  it('keeps the newest whatever keepAtLeast says', () => {
    assert.deepEqual(names(plan({ snapshots: series(2), keepAtLeast: 0 }).destroy), ['auto-2026-11-21_11-00']);
  });

  it('does not let a snapshot dated in the future push others out of their tier', () => {
    const scope = { all: false, schemas: [AUTO], regex: null };
    const snapshots = [
      snap('auto-2026-11-21_10-00', 30),
      snap('auto-2099-01-01_00-00', 20),
      snap('auto-2026-11-21_11-00', 10),
    ];
    const result = plan({ snapshots, scope, ageFrom: 'name', rules: [{ type: 'every', period: 'day', count: 1 }] });
    assert.deepEqual(names(result.destroy), []);
    assert.match(reasonsOf(result, 'auto-2099-01-01_00-00'), /dated in the future/);
  });
});

describe('retention plan: free space', () => {
  const base = { snapshots: series(6), rules: [{ type: 'last', count: 1 }], limits: none } as const;

  it('does nothing while there is enough', () => {
    const result = plan({ ...base, minFree: { percent: 10 }, pools: pools(1000) });
    assert.deepEqual(names(result.destroy), []);
    assert.match(reasonsOf(result, 'auto-2026-11-21_07-00'), /^kept: pool tank has 1000 B free, not less than 1000 B$/);
  });

  it('takes the oldest until it is reached', () => {
    const result = plan({ ...base, minFree: { bytes: 3000 }, pools: pools(1000) });
    assert.deepEqual(names(result.destroy), ['auto-2026-11-21_07-00', 'auto-2026-11-21_08-00']);
    assert.match(reasonsOf(result, 'auto-2026-11-21_09-00'), /destroying older ones is expected to leave 2.9 KiB free/);
  });

  it('keeps everything on a pool of which nothing is known', () => {
    assert.deepEqual(names(plan({ ...base, minFree: { bytes: 3000 } }).destroy), []);
  });
});

describe('retention plan: clock', () => {
  it('holds everything when another clock disagrees or the time is not known', () => {
    const now = NOW * 1000;
    const held = (clock: object): string[] =>
      names(plan({ snapshots: series(3), clock: { now, hosts: new Map(), jump: 0, ...clock } }).destroy);
    assert.equal(held({}).length, 2);
    assert.equal(held({ hosts: new Map([['nas', now + 200_000]]) }).length, 2);
    assert.equal(held({ hosts: new Map([['nas', now + 301_000]]) }).length, 0);
    assert.equal(held({ hosts: new Map([['nas', NaN]]) }).length, 0);
    assert.equal(held({ now: NaN }).length, 0);
  });
});
