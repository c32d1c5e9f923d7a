// What the status below a node says: of jobs, of what ended, of what comes, and of errors and sizes in few words.
import assert from 'node:assert/strict';
import type { NodeStatus } from 'node-red';
import { errorText, sizeText, statusOf, type TaskState } from '../../../../nodes/runtime/status-text';
import { invalidOption, ZfsFlowError } from '../../../../src/base/errors';

describe('status texts', () => {
  const t = (key: string, values: Record<string, unknown> = {}): string => [key, ...Object.values(values)].join(' ');
  const state = (more: Partial<TaskState>): TaskState => ({
    off: false,
    paused: false,
    late: undefined,
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
      [{ problem: invalidOption('enabled', '') }, { fill: 'red', shape: 'ring', text: 'invalid options: enabled' }],
      [
        { jobs: [waiting], last },
        { fill: 'yellow', shape: 'ring', text: 'waiting x (tank)' },
      ],
      [
        { jobs: [job, waiting], last },
        { fill: 'blue', shape: 'dot', text: 'more running 1' },
      ],
      [
        { last, next, late: { since: '2026-11-21T02:00:00.000Z' } },
        { fill: 'red', shape: 'ring', text: 'late 2026-11-21 02:00 · next 2026-11-22 03:00' },
      ],
      [
        { last: { ok: false, text: 'busy' }, late: { since: '2026-11-21T02:00:00.000Z' } },
        { fill: 'red', shape: 'ring', text: 'late 2026-11-21 02:00 · busy' },
      ],
      [
        { last, paused: true },
        { fill: 'grey', shape: 'ring', text: 'paused' },
      ],
      [
        { jobs: [job], last, paused: true },
        { fill: 'blue', shape: 'dot', text: 'running' },
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
