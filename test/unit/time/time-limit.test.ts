// Dates and durations of `newerThan` and `olderThan`.
import assert from 'node:assert/strict';
import { timeLimit } from '../../../src/time/time-limit';

const NOW = new Date('2024-06-15T12:00:00Z');

const limit = (text: string, zone = 'UTC'): string | null => {
  const instant = timeLimit(text, 'newerThan', zone, NOW);
  return instant === null ? null : new Date(instant).toISOString();
};

describe('timeLimit', () => {
  it('takes nothing for no limit', () => {
    assert.equal(limit(''), null);
    assert.equal(limit('  '), null);
  });

  const durations: [string, string][] = [
    ['30s', '2024-06-15T11:59:30.000Z'],
    ['90m', '2024-06-15T10:30:00.000Z'],
    ['12h', '2024-06-15T00:00:00.000Z'],
    ['7d', '2024-06-08T12:00:00.000Z'],
    ['7 days', '2024-06-08T12:00:00.000Z'],
    ['1 Day', '2024-06-14T12:00:00.000Z'],
    ['2w', '2024-06-01T12:00:00.000Z'],
    ['1mo', '2024-05-16T12:00:00.000Z'],
    ['1y', '2023-06-16T12:00:00.000Z'],
    ['1.5h', '2024-06-15T10:30:00.000Z'],
  ];
  for (const [text, date] of durations) {
    it(`reads ${text} back from now`, () => {
      assert.equal(limit(text), date);
    });
  }

  const dates: [string, string, string][] = [
    ['2024-01-02', 'UTC', '2024-01-02T00:00:00.000Z'],
    ['2024-01-02', 'Europe/Berlin', '2024-01-01T23:00:00.000Z'],
    ['2024-01-02T03:04', 'America/New_York', '2024-01-02T08:04:00.000Z'],
    ['2024-01-02 03:04:05', 'UTC', '2024-01-02T03:04:05.000Z'],
    ['2024-01-02T03:04:05.6Z', 'Asia/Kolkata', '2024-01-02T03:04:05.600Z'],
    ['2024-01-02T03:04:05+05:30', 'UTC', '2024-01-01T21:34:05.000Z'],
    ['2024-01-02T03:04:05-0800', 'UTC', '2024-01-02T11:04:05.000Z'],
    ['2024-10-27T02:30', 'Europe/Berlin', '2024-10-27T00:30:00.000Z'],
  ];
  for (const [text, zone, date] of dates) {
    it(`reads ${text} in ${zone}`, () => {
      assert.equal(limit(text, zone), date);
    });
  }

  for (const text of ['7', 'd7', '7x', '-7d', '2024', '2024-1-2', '2024-02-30', '2024-01-01T25:00', 'now', '1e3d']) {
    it(`refuses ${text}`, () => {
      assert.throws(() => limit(text), { code: 'INVALID_OPTIONS', field: 'newerThan' });
    });
  }
});
