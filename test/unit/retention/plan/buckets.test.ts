// Calendar buckets: zones, weeks from Monday, and both daylight-saving changes.
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { bucketLabel, bucketOf } from '../../../../src/retention/plan/buckets';
import type { BucketPeriod } from '../../../../src/retention/plan/policy';

const at = (text: string): number => Date.parse(text);
const distinct = (period: BucketPeriod, zone: string, from: string, hours: number): number =>
  new Set(Array.from({ length: hours }, (_, hour) => bucketOf(period, at(from) + hour * 3_600_000, zone))).size;

describe('retention buckets', () => {
  it('puts an instant into the bucket of its zone', () => {
    const instant = at('2026-11-21T23:30:00Z');
    assert.equal(bucketLabel('day', instant, 'UTC'), 'day 2026-11-21');
    assert.equal(bucketLabel('day', instant, 'Europe/Zurich'), 'day 2026-11-22');
    assert.equal(bucketLabel('hour', instant, 'Asia/Kolkata'), 'hour 2026-11-22 05:00');
    assert.equal(bucketLabel('month', at('2026-12-31T23:30:00Z'), 'Europe/Zurich'), 'month 2027-01');
    assert.equal(bucketLabel('year', at('2026-12-31T23:30:00Z'), 'Europe/Zurich'), 'year 2027');
    assert.equal(bucketLabel('year', at('2026-12-31T23:30:00Z'), 'America/New_York'), 'year 2026');
  });

  it('begins a week on Monday', () => {
    assert.equal(bucketLabel('week', at('2026-11-22T23:59:59Z'), 'UTC'), 'week of 2026-11-16');
    assert.equal(bucketLabel('week', at('2026-11-23T00:00:00Z'), 'UTC'), 'week of 2026-11-23');
    assert.equal(bucketLabel('week', at('2026-11-22T23:30:00Z'), 'Europe/Zurich'), 'week of 2026-11-23');
    assert.equal(
      bucketOf('week', at('2027-01-01T00:00:00Z'), 'UTC'),
      bucketOf('week', at('2026-12-28T00:00:00Z'), 'UTC'),
    );
  });

  it('counts the repeated hour twice and the skipped one never', () => {
    // Three days around the end of summer time have 73 hours, around its beginning 71 (as in sanoid's test).
    assert.equal(distinct('hour', 'Europe/Zurich', '2026-10-23T22:00:00Z', 73), 73);
    assert.equal(distinct('day', 'Europe/Zurich', '2026-10-23T22:00:00Z', 73), 3);
    assert.equal(distinct('day', 'Europe/Zurich', '2026-03-27T23:00:00Z', 71), 3);
    assert.equal(distinct('hour', 'Europe/Zurich', '2026-03-27T23:00:00Z', 71), 71);
    // Lord Howe Island moves by half an hour, so its day has 24.5 hours: three days end 30 minutes later.
    assert.equal(distinct('day', 'Australia/Lord_Howe', '2026-04-03T13:00:00Z', 73), 3);
    assert.equal(distinct('day', 'Australia/Lord_Howe', '2026-04-03T13:00:00Z', 74), 4);
  });

  it('is monotonous in time within every zone and period', () => {
    const zone = fc.constantFrom(
      'UTC',
      'Europe/Zurich',
      'America/St_Johns',
      'Asia/Kathmandu',
      'Pacific/Apia',
      'Australia/Lord_Howe',
    );
    const period = fc.constantFrom<BucketPeriod>('hour', 'day', 'week', 'month', 'year');
    const time = fc.integer({ min: 0, max: at('2060-01-01T00:00:00Z') / 60_000 });
    fc.assert(
      fc.property(zone, period, time, fc.nat(100_000), (tz, kind, minute, later) => {
        const first = bucketOf(kind, minute * 60_000, tz);
        const second = bucketOf(kind, (minute + later) * 60_000, tz);
        // A clock set back can repeat part of a day, never of a bucket before it; hours are told apart by the instant.
        assert.ok(second >= first - (kind === 'hour' ? 3_600_000 : 0), `${tz} ${kind} ${minute} ${later}`);
      }),
      { numRuns: 500 },
    );
  });
});
