// The sidebar tab with much to show: 300 tasks, a task that says 2,000 things a second, an hour of looking. And what only tasks
// that move data have: progress. The runtime's side is a stand-in; its own load is measured in test/nodes.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, CDPSession } from 'playwright-core';
import type { LogEvent, Task } from '../../nodes/sidebar/editor/task';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir } from '../package/node-red';
import { Editor, launch } from './browser';
import { Sidebar } from './sidebar';
import { TaskEndpoints } from './task-endpoints';

const MANY = 300;
const HOUR = 3_600_000;
const FLOWS = [
  { id: 'tab', type: 'tab', label: 'Backup' },
  { id: 'note', type: 'comment', z: 'tab', x: 200, y: 100, name: 'here', info: '', wires: [] },
];

function task(index: number, more: Partial<Task> = {}): Task {
  return {
    id: `task-${index}`,
    type: 'zfs-replicate',
    name: `Replication ${index}`,
    // As a package's subflow has it: the editor has no node of these.
    path: [{ id: 'note', label: 'Backup' }],
    state: 'ok',
    status: { text: 'up to date' },
    jobs: [],
    last: {
      jobId: 'j',
      state: 'success',
      startedAt: at(-HOUR),
      endedAt: at(-HOUR),
      text: 'up to date',
      by: 'schedule',
    },
    lastSuccess: at(-HOUR),
    next: at(HOUR + index * 60_000),
    timeZone: 'UTC',
    can: { run: true },
    from: `nas${index % 7}:tank/data/${index}`,
    to: `backup:pool/nas${index % 7}/${index}`,
    ...more,
  };
}

function at(distance: number): string {
  return new Date(Date.now() + distance).toISOString();
}

const running = (percent: number | undefined): Partial<Task> => {
  const progress =
    percent === undefined ? {} : { progress: { percent, bytes: percent * 1e9, rate: 1e8, etaSeconds: 60 } };
  return { state: 'running', jobs: [{ jobId: 'j', state: 'running', createdAt: at(-HOUR), ...progress }] };
};

const event = (n: number, more: Partial<LogEvent> = {}): LogEvent => ({
  n,
  event: 'command',
  level: 'debug',
  time: new Date().toISOString(),
  jobId: 'j',
  task: 'Replication 0',
  message: `zfs list -Hp -t snapshot -o name,guid,createtxg tank/data/${n}`,
  ...more,
});

interface Usage {
  /** Bytes of the JavaScript heap, all of it in use. */
  heap: number;
  nodes: number;
  listeners: number;
}

async function usage(session: CDPSession): Promise<Usage> {
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await session.send('Memory.getDOMCounters');
  return { heap: usedSize, nodes, listeners: jsEventListeners };
}

describe('the sidebar tab with much to show', function () {
  this.timeout(120_000);
  let browser: Browser;
  let nodeRed: NodeRed;
  let editor: Editor;
  let endpoints: TaskEndpoints;

  before(async () => {
    browser = await launch();
    nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
  });
  afterEach(async () => {
    const { complaints } = editor;
    await editor.page.close();
    assert.deepEqual(complaints, [], 'the browser complained');
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.stop();
  });

  async function open(tasks: Task[], fakeClock = false): Promise<CDPSession> {
    endpoints = new TaskEndpoints();
    endpoints.tasks = tasks;
    editor = await Editor.open(browser, nodeRed.url, 'light', async (page) => {
      if (fakeClock) await page.clock.install();
      await endpoints.serve(page);
    });
    return editor.page.context().newCDPSession(editor.page);
  }

  it('has 300 tasks on the screen within a second, in less than 30 MB, and an update costs less than 50 ms', async () => {
    const session = await open(Array.from({ length: MANY }, (_, index) => task(index)));
    const before = await usage(session);
    const first = await editor.ask<number>(`new Promise((resolve) => {
      const start = performance.now();
      RED.sidebar.show('zfs-tasks');
      const look = () => {
        if (document.querySelectorAll('[data-zfs-task]').length < ${MANY}) requestAnimationFrame(look);
        else requestAnimationFrame(() => resolve(performance.now() - start));
      };
      look();
    })`);
    assert.ok(first < 1_000, `${Math.round(first)} ms until the first paint`);
    const sidebar = await Sidebar.show(editor);
    const after = await usage(session);
    const megabytes = (after.heap - before.heap) / 2 ** 20;
    assert.ok(megabytes < 30, `${megabytes.toFixed(1)} MB`);

    // Of this page's main thread alone, in processor time: scripts, styles, layout and whatever else.
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const spent = async (): Promise<number> => {
      const { metrics } = await session.send('Performance.getMetrics');
      return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN) * 1000;
    };
    const rounds = 20;
    const start = await spent();
    for (let round = 0; round < rounds; round++) {
      // One runs, one has failed and goes to the top, one is well again, one has another next run.
      endpoints.tasks = Array.from({ length: MANY }, (_, index) => {
        if (index === round) return task(index, running(round));
        if (index === 100 + round) return task(index, { next: at(300 * HOUR) });
        return index === MANY - 1 - round ? task(index, { state: 'failed' }) : task(index);
      });
      endpoints.ping(endpoints.tasks.map(({ id }) => id));
      await sidebar.page.waitForFunction(
        (id) => document.querySelector('[data-zfs-task]')?.getAttribute('data-zfs-task') === id,
        `task-${MANY - 1 - round}`,
      );
    }
    const each = ((await spent()) - start) / rounds;
    assert.ok(each < 50, `an update took ${each.toFixed(1)} ms`);
  });

  it('shows progress as it comes, also where it has no percent yet', async () => {
    await open([task(0, running(12.7)), task(1, running(undefined))]);
    const sidebar = await Sidebar.show(editor);
    const bar = sidebar.row('task-0', 'running').locator('[role="progressbar"]');
    assert.equal(await bar.getAttribute('aria-valuenow'), '12');
    await sidebar.row('task-0').getByText('12 % · 95.4 MiB/s · 1 min left').waitFor();
    assert.equal(await sidebar.row('task-1').locator('[role="progressbar"]').getAttribute('aria-valuenow'), null);
    const said = await sidebar.panel.locator('[aria-live="polite"]').textContent();
    endpoints.tasks = [task(0, running(57)), task(1)];
    endpoints.ping(['task-0']);
    await sidebar.row('task-0').locator('[aria-valuenow="57"]').waitFor();
    assert.equal(await sidebar.panel.locator('[aria-live="polite"]').textContent(), said, 'progress is not read out');
    assert.equal(
      await sidebar.row('task-1').getAttribute('data-zfs-state'),
      'running',
      'only what was named is asked for',
    );
    endpoints.tasks = [task(0, { state: 'failed', late: { since: at(-30 * HOUR), missed: 1 } }), task(1)];
    endpoints.ping(['task-0', 'task-1']);
    await sidebar.panel.locator('[data-zfs-task="task-0"][data-zfs-state="failed"][data-zfs-late]').waitFor();
    assert.equal(await sidebar.row('task-0').locator('[role="progressbar"]').isVisible(), false);
    assert.match(await sidebar.row('task-0').innerText(), /late since .*, 1 run missed/);
    await sidebar.panel.locator('[aria-live="polite"]', { hasText: 'Replication 0: failed, late' }).waitFor();
    assert.equal(await sidebar.attention.textContent(), '1 of 2 needs attention');
  });

  it('leaves the editor free while a task says 2,000 things a second, and shows the newest', async () => {
    await open([task(0, running(1))]);
    const events: LogEvent[] = [];
    endpoints.logs.set('task-0', events);
    const sidebar = await Sidebar.show(editor);
    const log = await sidebar.openLog('task-0');
    await editor.ask(`(() => { window.gaps = []; let last = performance.now(); const look = () => {
      const now = performance.now(); window.gaps.push(now - last); last = now; requestAnimationFrame(look); }; look(); })()`);
    endpoints.asked.length = 0;
    const began = performance.now();
    let n = 0;
    let pings = 0;
    while (performance.now() - began < 6_000) {
      // As many as are due by now; the runtime keeps 500.
      const due = Math.floor((performance.now() - began) * 2);
      while (n < due) events.push(event(++n));
      events.splice(0, Math.max(0, events.length - 500));
      if (performance.now() - began > pings * 500) {
        pings++;
        endpoints.ping(['task-0']);
      }
      await sleep(20);
    }
    assert.ok(n >= 11_000, `${n} events were said`);
    endpoints.ping(['task-0']);
    await log.locator(`[data-n="${n}"]`).waitFor();
    const gaps = (await editor.ask<number[]>('window.gaps')).toSorted((a, b) => a - b);
    const p99 = gaps[Math.floor(gaps.length * 0.99)] ?? Infinity;
    assert.ok(p99 < 120, `frames came ${Math.round(p99)} ms apart`);
    assert.ok((await log.locator('[data-zfs-event]').count()) <= 700);
    const asked = endpoints.asked.filter((one) => one.startsWith('GET')).length;
    assert.ok(asked <= (pings + 1) * 4, `${asked} questions after ${pings} pings`);
    // Somebody who reads further up is left there.
    await log.locator('[role="log"]').evaluate((lines) => lines.scrollTo(0, 40));
    events.push(event(n + 1));
    endpoints.ping(['task-0']);
    await log.locator(`[data-n="${n + 1}"]`).waitFor({ state: 'attached' });
    assert.equal(await log.locator('[role="log"]').evaluate((lines) => lines.scrollTop), 40);
  });

  it('shows older events on demand, in order and without a gap', async () => {
    await open([task(0)]);
    endpoints.logs.set(
      'task-0',
      Array.from({ length: 450 }, (_, index) => event(index + 51)),
    );
    const sidebar = await Sidebar.show(editor);
    const log = await sidebar.openLog('task-0');
    const numbers = (): Promise<number[]> =>
      log.locator('[data-zfs-event]').evaluateAll((lines) => lines.map((line) => Number(line.getAttribute('data-n'))));
    await log.locator('[data-n="500"]').waitFor();
    assert.equal((await numbers()).length, 200);
    await log.locator('[data-zfs-action="older"]').click();
    await log.locator('[data-n="101"]').waitFor({ state: 'attached' });
    await log.locator('[data-zfs-action="older"]').click();
    await log.locator('[data-n="51"]').waitFor({ state: 'attached' });
    assert.deepEqual(
      await numbers(),
      Array.from({ length: 450 }, (_, index) => index + 51),
    );
    assert.equal(await log.locator('[data-zfs-action="older"]').isVisible(), false);
    // Progress has one line, the newest.
    const events = endpoints.logs.get('task-0') ?? [];
    for (const n of [501, 502, 503]) {
      events.push(event(n, { event: 'progress', level: 'info', message: `${n} %` }));
      endpoints.ping(['task-0']);
      await log.locator(`[data-n="${n}"]`).waitFor();
      if (n < 503) events.pop();
    }
    assert.equal(await log.locator('[data-zfs-event="progress"]').count(), 1);
  });

  it('polls every 30 seconds, and an hour of it leaks nothing', async () => {
    const session = await open(
      Array.from({ length: 50 }, (_, index) => task(index)),
      true,
    );
    const { clock } = editor.page;
    await editor.ask(`RED.sidebar.show('zfs-tasks')`);
    const polls = (): number => endpoints.asked.filter((one) => one === 'GET tasks').length;
    const until = async (what: string, holds: () => boolean): Promise<void> => {
      for (let tries = 0; !holds(); tries++) {
        assert.ok(tries < 300, what);
        await clock.runFor(50);
        await sleep(10);
      }
    };
    await until('the first answer', () => polls() > 0);
    await clock.runFor(1_000);
    const sidebar = await Sidebar.show(editor);
    const events = Array.from({ length: 500 }, (_, index) => event(index + 1));
    endpoints.logs.set('task-3', events);
    await sidebar.openLog('task-3');
    let n = 500;
    const half = async (minutes: number): Promise<Usage> => {
      for (let poll = 0; poll < minutes * 2; poll++) {
        const asked = polls();
        for (let more = 0; more < 10; more++) {
          events.push(event(++n));
          events.shift();
        }
        endpoints.tasks = endpoints.tasks.map((_, index) =>
          task(index, index === poll % 50 ? running(poll % 100) : {}),
        );
        await clock.runFor(30_500);
        await until('a poll every 30 seconds', () => polls() > asked);
        await clock.runFor(100);
      }
      return usage(session);
    };
    const early = await half(20);
    const late = await half(40);
    assert.ok(polls() >= 118, `${polls()} polls in an hour`);
    assert.ok(late.nodes <= early.nodes * 1.1, `${early.nodes} → ${late.nodes} nodes`);
    assert.ok(late.listeners <= early.listeners + 20, `${early.listeners} → ${late.listeners} listeners`);
    const grown = (late.heap - early.heap) / 2 ** 20;
    assert.ok(grown < 2, `grew by ${grown.toFixed(2)} MB`);
    // Nobody looks: nothing is asked.
    await editor.ask(`RED.sidebar.show('info')`);
    await clock.runFor(1_000);
    const asked = endpoints.asked.length;
    for (let minute = 0; minute < 5; minute++) await clock.runFor(60_000);
    assert.equal(endpoints.asked.length, asked);
    await editor.ask(`RED.sidebar.show('zfs-tasks')`);
    await until('a question as soon as it is shown', () => endpoints.asked.length > asked);
  });
});
