// A simulated year of hourly runs with tiers, in several zones, against an oracle that knows the calendar in another
// way: it formats each instant with `Intl` and compares texts; it never computes an offset or a bucket number.
import assert from 'node:assert/strict';
import { planRetention } from '../../../../src/retention/plan/plan';
import type { SnapshotRecord } from '../../../../src/zfs/records';
import { HOUR, input } from '../../../support/builders';

const TIERS = [
  ['hour', 24],
  ['day', 7],
  ['week', 4],
  ['month', 12],
] as const;

type Labels = Record<'hour' | 'day' | 'week' | 'month', string>;

/** What the calendar on the wall calls an instant. The week is named by walking back, day by day, to a Monday. */
function labeller(timeZone: string): (ms: number) => Labels {
  const hour = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'long' });
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  return (ms) => {
    const date = day.format(ms);
    const walk = new Date(`${date}T12:00:00Z`);
    while (walk.getUTCDay() !== 1) walk.setUTCDate(walk.getUTCDate() - 1);
    // `timeStyle: long` ends in the zone's abbreviation or offset, which tells the two halves of a repeated hour apart.
    const text = hour.format(ms).replace(/:\d\d:\d\d /, ' ');
    return { hour: text, day: date, week: walk.toISOString().slice(0, 10), month: date.slice(0, 7) };
  };
}

/** Snapshots (oldest first) that the tiers keep: walking from the newest back, the last seen of each new label. */
function oracle(alive: readonly { ms: number; labels: Labels }[]): Set<number> {
  const kept = new Set<number>();
  for (const [tier, count] of TIERS) {
    const found: { label: string; ms: number }[] = [];
    for (const { ms, labels } of alive.toReversed()) {
      const current = found.at(-1);
      if (current?.label === labels[tier]) current.ms = ms;
      else if (found.length < count) found.push({ label: labels[tier], ms });
      else break;
    }
    for (const { ms } of found) kept.add(ms);
  }
  const newest = alive.at(-1);
  if (newest) kept.add(newest.ms);
  return kept;
}

function simulate(timeZone: string, start: number, hours: number, pause: (hour: number) => boolean): number[] {
  const label = labeller(timeZone);
  let alive: { ms: number; labels: Labels; record: SnapshotRecord }[] = [];
  for (let hour = 0; hour < hours; hour++) {
    if (pause(hour)) continue;
    const ms = start + hour * HOUR * 1000;
    const record: SnapshotRecord = {
      dataset: 'tank/data',
      kind: 'snapshot',
      name: `s${hour}`,
      guid: String(hour + 1),
      createtxg: String(hour + 1),
      creation: ms / 1000,
      userrefs: 0,
      clones: [],
    };
    alive.push({ ms, labels: label(ms), record });
    const { destroy } = planRetention(
      input({
        snapshots: alive.map((one) => one.record),
        rules: TIERS.map(([period, count]) => ({ type: 'every', period, count })),
        timeZone,
        clock: { now: ms + 1000, hosts: new Map(), jump: 0 },
      }),
    );
    const expected = oracle(alive);
    const gone = new Set(destroy.map(({ record: { guid } }) => guid));
    const left = alive.filter((one) => !gone.has(one.record.guid));
    assert.deepEqual(
      left.map((one) => one.ms),
      [...expected].toSorted((a, b) => a - b),
      `${timeZone}, hour ${hour}`,
    );
    alive = left;
  }
  return alive.map((one) => one.ms);
}

const never = (): boolean => false;

describe('retention: a year of hourly runs', () => {
  const cases = [
    ['UTC', '2026-01-01T00:00:00Z'],
    ['Europe/Zurich', '2025-12-31T23:00:00Z'],
    ['America/New_York', '2026-01-01T05:00:00Z'],
    ['Australia/Lord_Howe', '2026-01-01T00:00:00Z'],
  ] as const;
  for (const [zone, start] of cases) {
    it(`keeps exactly what the tiers say in ${zone} [C1 59]`, () => {
      const left = simulate(zone, Date.parse(start), 8760, never);
      // 24 hours, 7 days, 4 weeks and 12 months, less those that serve several tiers.
      assert.ok(left.length >= 24 + 6 + 2 + 11 && left.length <= 24 + 7 + 4 + 12, String(left.length));
    });
  }

  it('holds the same through pauses of days and weeks', () => {
    simulate('Europe/Zurich', Date.parse('2026-02-01T00:00:00Z'), 4000, (hour) => hour % 700 > 420 || hour % 50 > 40);
  });

  it('keeps 73 hours, 3 days and 1 month around the end of summer time [C1 59]', () => {
    const start = Date.parse('2026-10-23T22:00:00Z');
    const records = Array.from({ length: 73 }, (_, hour) => ({
      dataset: 'tank/data',
      kind: 'snapshot' as const,
      name: `s${hour}`,
      guid: String(hour + 1),
      createtxg: String(hour + 1),
      creation: start / 1000 + hour * HOUR,
      userrefs: 0,
      clones: [],
    }));
    const kept = (period: 'hour' | 'day' | 'month'): number =>
      planRetention(
        input({
          snapshots: records,
          rules: [{ type: 'every', period, count: 100 }],
          timeZone: 'Europe/Zurich',
          clock: { now: start + 80 * HOUR * 1000, hosts: new Map(), jump: 0 },
        }),
      ).keep.filter(({ reasons }) => reasons.some((reason) => reason.startsWith('kept: oldest of'))).length;
    assert.deepEqual([kept('hour'), kept('day'), kept('month')], [73, 3, 1]);
  });
});
