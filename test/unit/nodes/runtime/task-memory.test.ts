// What is remembered of tasks over restarts: written seldom, read whatever is there, forgotten with the task.
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import type { Red } from '../../../../nodes/runtime/red';
import { describePause, pauseOf, TaskMemories } from '../../../../nodes/runtime/task-memory';
import type { Run } from '../../../../src/jobs/run-summary';

const run = (name: string, more: Partial<Run> = {}): Run => ({
  jobId: name,
  state: 'success',
  startedAt: '2026-11-26T00:00:00.000Z',
  endedAt: '2026-11-26T00:01:00.000Z',
  text: name,
  by: 'schedule',
  ...more,
});

/** Node-RED's settings, as far as they are used; `fail` makes the next writing fail. */
function nodeRed(stored: Record<string, unknown> = {}): {
  RED: Red;
  stored: Record<string, unknown>;
  writes: number[];
  warnings: string[];
  fail: () => void;
} {
  let failing = false;
  const [writes, warnings]: [number[], string[]] = [[], []];
  const settings = {
    available: () => true,
    get: (name: string) => stored[name],
    set: (name: string, value: unknown) => {
      writes.push(Date.now());
      if (failing) return Promise.reject(new Error('disk full'));
      stored[name] = value;
      return Promise.resolve();
    },
  };
  const RED = { settings, log: { warn: (text: string) => warnings.push(text) } } as unknown as Red;
  return { RED, stored, writes, warnings, fail: () => (failing = true) };
}

describe('the memory of tasks', () => {
  afterEach(() => mock.timers.reset());

  it('holds the last 20 runs and the last success, and finds them again after a restart', async () => {
    const { RED, stored } = nodeRed();
    const before = new TaskMemories();
    const memory = before.of(RED, 'n');
    for (let i = 1; i <= 25; i++)
      before.addRun(memory, run(`r${i}`, { endedAt: `2026-11-26T00:${i}:00.000Z` }), i <= 22);
    before.setPause(memory, { by: 'ann', at: '2026-11-26T01:00:00.000Z', note: 'disks' }, '');
    await before.save();
    const after = new TaskMemories().of(RED, 'n');
    assert.deepEqual(
      [after.runs.length, after.runs[0]?.jobId, after.lastSuccess],
      [20, 'r6', '2026-11-26T00:22:00.000Z'],
    );
    assert.deepEqual(after, memory);
    assert.equal(typeof stored['zfsFlowsTasks'], 'string');
  });

  it('is written soon after a change and then once in five seconds at most', () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
    const { RED, writes } = nodeRed();
    const memories = new TaskMemories(() => Date.now());
    const memory = memories.of(RED, 'n');
    for (let i = 0; i < 200; i++) {
      memories.addRun(memory, run('r'), true);
      mock.timers.tick(100);
    }
    assert.ok(writes.length >= 4 && writes.length <= 5, String(writes));
    assert.ok((writes[0] ?? Infinity) - 1_000_000 <= 200);
    mock.timers.tick(60_000);
    assert.ok(writes.length <= 6);
  });

  it('says when it cannot be written or read, and goes on', async () => {
    const { RED, warnings, fail } = nodeRed({ zfsFlowsTasks: '{broken' });
    const memories = new TaskMemories();
    const memory = memories.of(RED, 'n');
    assert.match(warnings[0] ?? '', /cannot be read/);
    fail();
    memories.addRun(memory, run('r'), true);
    await memories.save();
    assert.match(warnings.at(-1) ?? '', /disk full/);
    const odd = { a: null, b: 5, c: { runs: 'x' }, d: { since: '2026-01-01T00:00:00.000Z', runs: [], pauses: [] } };
    const other = nodeRed({ zfsFlowsTasks: JSON.stringify(odd) });
    const read = new TaskMemories();
    assert.deepEqual(['a', 'b', 'c', 'd'].map((id) => read.find(other.RED, id) !== undefined), [false, false, false, true]); // prettier-ignore
    assert.equal(new TaskMemories().find(nodeRed({ zfsFlowsTasks: 7 }).RED, 'a'), undefined);
  });

  it('takes nothing whose times are none: what counts with them later would end the process', () => {
    const fine = { since: '2026-11-26T00:00:00.000Z', runs: [], pauses: [] };
    const wrong = [
      { since: 'once' },
      { lastSuccess: 'never' },
      { base: '' },
      { schedule: { text: '', since: 'x' } },
      { pause: { by: 'ann', at: fine.since, until: 'soon' } },
      { alarm: { since: null, toldAt: 5 } },
    ];
    const kept = Object.fromEntries(wrong.map((part, index) => [`wrong${index}`, { ...fine, ...part }]));
    const { RED } = nodeRed({ zfsFlowsTasks: JSON.stringify({ fine, ...kept }) });
    const memories = new TaskMemories();
    assert.deepEqual(memories.find(RED, 'fine'), fine);
    for (const id of Object.keys(kept)) assert.equal(memories.find(RED, id), undefined, id);
  });

  it('waits two seconds at most for a disk that does not answer', async () => {
    const { RED } = nodeRed();
    (RED.settings as unknown as { set: () => Promise<void> }).set = () => new Promise(() => undefined);
    const memories = new TaskMemories();
    memories.of(RED, 'n');
    const before = Date.now();
    await memories.save();
    assert.ok(Date.now() - before < 3_000);
    assert.equal(memories.save(), undefined, 'nothing is left to write');
  });

  it('forgets what no flow has any more, and keeps the rest', async () => {
    const { RED } = nodeRed();
    const memories = new TaskMemories();
    for (const id of ['a', 'b']) memories.of(RED, id);
    memories.retain(RED, new Set(['b']));
    await memories.save();
    const after = new TaskMemories();
    assert.deepEqual(['a', 'b'].map((id) => after.find(RED, id) !== undefined), [false, true]); // prettier-ignore
  });

  it('knows a pause until it is over, and which have been since the last success', () => {
    const { RED } = nodeRed();
    const memories = new TaskMemories();
    const memory = memories.of(RED, 'n');
    const pause = { by: 'ann', at: '2026-11-26T01:00:00.000Z', until: '2026-11-26T02:00:00.000Z' };
    memories.setPause(memory, pause, pause.at);
    assert.equal(pauseOf(memory, Date.parse('2026-11-26T01:59:59Z')), pause);
    assert.equal(pauseOf(memory, Date.parse('2026-11-26T02:00:00Z')), undefined);
    memories.setPause(memory, undefined, '2026-11-26T01:30:00.000Z');
    assert.deepEqual([memory.pause, memory.pauses], [undefined, [{ from: pause.at, to: '2026-11-26T01:30:00.000Z' }]]);
    memories.addRun(memory, run('r'), false);
    assert.equal(memory.pauses.length, 1);
    memories.addRun(memory, run('r'), true);
    assert.deepEqual(memory.pauses, []);
    assert.equal(describePause(pause), `paused by ann at ${pause.at} until ${pause.until}`);
  });
});
