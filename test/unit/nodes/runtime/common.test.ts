// The parts of the nodes that need no Node-RED: migration, status line and texts, control messages, hosts in use.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeStatus } from 'node-red';
import { controlOf } from '../../../../nodes/runtime/control-message';
import { HostPool } from '../../../../nodes/runtime/host-leases';
import { migrate } from '../../../../nodes/runtime/migrate';
import { StatusLine } from '../../../../nodes/runtime/status-line';
import { errorText, sizeText, statusOf, type TaskState } from '../../../../nodes/runtime/status-text';
import { invalidOption, ZfsFlowError } from '../../../../src/base/errors';
import type { Host } from '../../../../src/host/host';

describe('migration of configurations', () => {
  const steps = {
    1: (config: object) => ({ ...config, two: true }),
    2: (config: object) => ({ ...config, three: 'two' in config }),
  };

  it('goes step by step from any version to the last, and changes nothing in place', () => {
    const old = Object.freeze({ name: 'x' });
    assert.deepEqual(migrate(old, steps, 3), { name: 'x', two: true, three: true, version: 3 });
    assert.deepEqual(migrate({ version: 2 }, steps, 3), { version: 3, three: false });
    assert.deepEqual(migrate({ version: 3, a: 1 }, steps, 3), { version: 3, a: 1 });
  });

  it('takes a missing version for the first', () => {
    assert.deepEqual(migrate({}), { version: 1 });
  });

  it('refuses what it cannot know', () => {
    for (const version of [2, 0, -1, 1.5, 'x', null]) {
      assert.throws(() => migrate({ version }), { code: 'INVALID_OPTIONS', field: 'version' });
    }
  });
});

describe('the status line', () => {
  it('shows the first at once, then at most one per interval, the latest, and nothing twice', async () => {
    const shown: (string | undefined)[] = [];
    const line = new StatusLine((status) => shown.push(status.text), 60);
    for (const text of ['a', 'b', 'c']) line.set({ text });
    assert.deepEqual(shown, ['a']);
    await delay(90);
    assert.deepEqual(shown, ['a', 'c']);
    line.set({ text: 'd' });
    line.set({ text: 'c' });
    await delay(90);
    assert.deepEqual(shown, ['a', 'c']);
    line.set({ text: 'e' });
    line.set({ text: 'f' });
    line.close();
    line.set({ text: 'g' });
    await delay(90);
    assert.deepEqual(shown, ['a', 'c', 'e']);
  });

  it('clears what a former instance left, unless a run was shown meanwhile', async () => {
    const shown: NodeStatus[] = [];
    const idle = new StatusLine((status) => shown.push(status), 30);
    idle.begin({});
    await delay(60);
    assert.deepEqual(shown, [{}]);
    const busy = new StatusLine((status) => shown.push(status), 30);
    busy.begin({});
    busy.set({ text: 'running' });
    await delay(90);
    assert.deepEqual(shown, [{}, { text: 'running' }]);
  });
});

describe('status texts', () => {
  const t = (key: string, values: Record<string, unknown> = {}): string => [key, ...Object.values(values)].join(' ');
  const state = (more: Partial<TaskState>): TaskState => ({
    off: false,
    problem: undefined,
    jobs: [],
    last: undefined,
    next: null,
    timeZone: 'UTC',
    ...more,
  });
  const job = { jobId: '1', state: 'running' as const, createdAt: '' };
  const next = new Date('2026-11-22T03:00:00Z');

  it('put what runs before what ended, and disabled before all', () => {
    const last = { ok: true, text: 'done' };
    const waiting = { ...job, state: 'waiting' as const, waitingFor: 'x (tank)' };
    const texts: [Partial<TaskState>, NodeStatus][] = [
      [{}, {}],
      [{ next }, { fill: 'grey', shape: 'dot', text: 'next 2026-11-22 03:00' }],
      [
        { last, next },
        { fill: 'green', shape: 'dot', text: 'done · next 2026-11-22 03:00' },
      ],
      [{ last: { ok: false, text: 'busy' } }, { fill: 'red', shape: 'ring', text: 'busy' }],
      [
        { problem: invalidOption('schedule', ''), last },
        { fill: 'red', shape: 'ring', text: 'invalidSchedule' },
      ],
      [
        { jobs: [waiting], last },
        { fill: 'yellow', shape: 'ring', text: 'waiting x (tank)' },
      ],
      [
        { jobs: [job, waiting], last },
        { fill: 'blue', shape: 'dot', text: 'more running 1' },
      ],
      [
        { jobs: [job], off: true },
        { fill: 'grey', shape: 'ring', text: 'disabled' },
      ],
    ];
    for (const [given, expected] of texts) assert.deepEqual(statusOf(state(given), t), expected);
  });

  it('show progress in percent and bytes per second', () => {
    const event = { event: 'progress', level: 'info', message: '', time: '', jobId: '1', task: '' } as const;
    const progress = { ...event, percent: 42.9, rate: 12.5 * 2 ** 20 };
    assert.equal(statusOf(state({ jobs: [{ ...job, progress }] }), t).text, 'progress 42 12.5 MiB');
  });

  it('name an error in a word or two', () => {
    assert.equal(errorText(new ZfsFlowError('CONNECTION_REFUSED', 'long text')), 'connection refused');
    assert.equal(errorText(invalidOption('datasets', 'long text')), 'invalid options: datasets');
  });

  it('write sizes as people read them', () => {
    const sizes: [number, string][] = [
      [0, '0 B'],
      [1023, '1023 B'],
      [1024, '1.0 KiB'],
      [150 * 2 ** 20, '150 MiB'],
      [2 ** 31, '2.0 GiB'],
    ];
    for (const [bytes, text] of sizes) assert.equal(sizeText(bytes), text);
  });
});

describe('control messages', () => {
  const of = (more: object): ReturnType<typeof controlOf> => controlOf({ _msgid: 'x', ...more });

  it('are told from those that ask for a run', () => {
    for (const run of [{}, { payload: { action: 'cancel' } }, { control: null }, { reset: false }]) {
      assert.equal(of(run), undefined);
    }
    assert.deepEqual(of({ reset: true }), { action: 'cancel', jobId: undefined });
    assert.deepEqual(of({ control: { action: 'cancel', jobId: 'a' } }), { action: 'cancel', jobId: 'a' });
    const limit = of({ control: { action: 'speedLimit', bytesPerSecond: '10M' } });
    assert.deepEqual(limit, { action: 'speedLimit', bytesPerSecond: 10 * 2 ** 20 });
  });

  it('start nothing when they are not understood', () => {
    const odd = ['stop', 5, [], {}, { action: 'x' }, { action: 'cancel', jobId: 5 }, { action: 'release' }];
    for (const control of [...odd, { action: 'speedLimit', bytesPerSecond: -1 }]) {
      assert.equal(of({ control })?.action, 'unknown', JSON.stringify(control));
    }
  });
});

describe('hosts in use', () => {
  it('are made once, when first asked for, and closed when nobody uses them any more', async () => {
    const log: string[] = [];
    const pool = new HostPool(20);
    const make = (): Host => {
      log.push('made');
      const close = (): Promise<void> => {
        log.push('closed');
        return Promise.reject(new Error('not cleanly'));
      };
      return { close } as unknown as Host;
    };
    const node = pool.lease('k', make);
    assert.deepEqual(log, []);
    const job = pool.lease('k', make);
    assert.equal(job.host, node.host);
    node.release();
    node.release();
    await delay(50);
    assert.deepEqual(log, ['made'], 'a job still uses it');
    job.release();
    const successor = pool.lease('k', make);
    await delay(50);
    assert.equal(successor.host, job.host, 'taken up again in time');
    successor.release();
    await delay(50);
    assert.deepEqual(log, ['made', 'closed']);
    assert.notEqual(pool.lease('k', make).host, node.host);
  });
});
