// Missed runs of a schedule: made up for by one run where `catchUp` says so, and only under the same schedule.
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { NodeSchedule } from '../../../../nodes/runtime/node-schedule';
import type { Red } from '../../../../nodes/runtime/red';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOON = Date.UTC(2026, 4, 20, 12, 3);

/** Node-RED's settings, which outlive a process as far as `store` does. */
function runtime(store: Map<string, unknown>, available = true): Red {
  return {
    settings: {
      available: () => available,
      get: (name: string) => store.get(name),
      set: async (name: string, value: unknown) => {
        store.set(name, structuredClone(value));
        return Promise.resolve();
      },
    },
    log: { warn: assert.fail },
  } as unknown as Red;
}

let counter = 0;

describe('catching up after a downtime', () => {
  const store = new Map<string, unknown>();
  let id = '';
  let runs: string[] = [];

  /** An instance as the next start of Node-RED makes it: nothing is handed over but the settings. */
  function begin(more: Record<string, unknown> = {}, red = runtime(store)): NodeSchedule {
    const config = { schedule: '0 * * * *', scheduleTimeZone: 'UTC', catchUp: true, ...more };
    // Another hash stands for another process: what the old instance hands over in memory does not fit.
    const schedule = new NodeSchedule(red, id, `hash-${++counter}`, config, (at) =>
      runs.push(at.toISOString().slice(11, 16)),
    );
    schedule.start();
    return schedule;
  }

  beforeEach(() => {
    id = `node-${++counter}`;
    runs = [];
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: NOON });
  });
  afterEach(() => mock.timers.reset());

  /** The clock goes on while nothing runs. */
  function sleepFor(ms: number): void {
    mock.timers.setTime(Date.now() + ms);
  }

  it('runs once for all that was missed, at the newest of the times, and then as scheduled', () => {
    begin().stop(false);
    sleepFor(5 * HOUR);
    const again = begin();
    mock.timers.tick(1000);
    assert.deepEqual(runs, ['17:00']);
    mock.timers.tick(HOUR);
    assert.deepEqual(runs, ['17:00', '18:00']);
    again.stop(false);
    begin().stop(false);
    const third = begin();
    mock.timers.tick(1000);
    assert.deepEqual(runs, ['17:00', '18:00']);
    third.stop(true);
  });

  it('misses what was missed without it, at the first start, under another schedule, or once the node was deleted', () => {
    begin({ catchUp: false }).stop(false);
    sleepFor(5 * HOUR);
    begin().stop(false);
    sleepFor(5 * HOUR);
    begin({ schedule: '30 * * * *' }).stop(false);
    sleepFor(5 * HOUR);
    begin({ schedule: '30 * * * *' }).stop(true);
    const last = begin({ schedule: '30 * * * *' });
    mock.timers.tick(1000);
    assert.deepEqual(runs, []);
    assert.deepEqual(Object.keys(store.get('zfsFlowsSchedules') as object).includes(id), true);
    last.stop(true);
    assert.deepEqual(Object.keys(store.get('zfsFlowsSchedules') as object).includes(id), false);
  });

  it('does without settings', () => {
    const red = runtime(store, false);
    begin({}, red).stop(false);
    sleepFor(5 * HOUR);
    const again = begin({}, red);
    mock.timers.tick(HOUR);
    assert.deepEqual(runs, ['18:00']);
    again.stop(true);
  });
});
