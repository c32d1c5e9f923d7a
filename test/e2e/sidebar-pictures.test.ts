// Pictures of the sidebar tab for people to look at, in test/results/: every state and an open log, in Node-RED 4.1 and 5, light
// and dark, tall and as small as it may get. Times and tasks are made up, and the same each time.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import type { LogEvent, Run, Task } from '../../nodes/sidebar/editor/task';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { Editor, launch } from './browser';
import { Sidebar } from './sidebar';
import { TaskEndpoints } from './task-endpoints';

const RESULTS = path.join(ROOT, 'test', 'results');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (distance: number): string => new Date(Date.now() + distance).toISOString();
/** The next time that clocks show it, in UTC. */
const clock = (hour: number, minute: number): string => {
  const time = new Date();
  time.setUTCHours(hour, minute, 0, 0);
  return new Date(time.getTime() <= Date.now() ? time.getTime() + 24 * HOUR : time.getTime()).toISOString();
};

const TYPES = { snapshot: 'zfs-snapshot', replicate: 'zfs-replicate', prune: 'zfs-retention-prune' } as const;

function run(state: Run['state'], ago: number, text: string, more: Partial<Run> = {}): Run {
  const times = { startedAt: at(-ago - 4 * MINUTE), endedAt: at(-ago) };
  return { jobId: 'j', state, ...times, text, by: 'schedule', ...more };
}

function task(id: string, type: keyof typeof TYPES, name: string, more: Partial<Task>): Task {
  return {
    id,
    type: TYPES[type],
    name,
    path: [{ id: 'tab', label: 'Backup' }],
    state: 'ok',
    status: { text: '' },
    jobs: [],
    can: { run: true },
    timeZone: 'UTC',
    ...more,
  };
}

function tasks(): Task[] {
  const done = (ago: number, text: string): Partial<Task> => ({
    last: run('success', ago, text),
    lastSuccess: at(-ago),
  });
  return [
    task('offsite', 'replicate', 'Offsite copy', {
      state: 'failed',
      from: 'nas1:tank/data',
      to: 'offsite:backup/nas1/data',
      last: run('failed', 3 * HOUR, 'offsite: connection refused', { code: 'CONNECTION_FAILED' }),
      lastSuccess: at(-27 * HOUR),
      next: clock(2, 30),
    }),
    task('photos', 'replicate', 'Photos to nas2', {
      state: 'ok',
      from: 'nas1:tank/photos',
      to: 'nas2:backup/photos',
      ...done(50 * HOUR, '1 snapshot, 2.1 GiB'),
      late: { since: at(-26 * HOUR), missed: 2 },
      next: clock(4, 0),
    }),
    task('nightly', 'replicate', 'Nightly to nas2', {
      state: 'running',
      from: 'nas1:tank/data',
      to: 'nas2:backup/data',
      jobs: [
        {
          jobId: 'j',
          state: 'running',
          createdAt: at(-6 * MINUTE),
          startedAt: at(-6 * MINUTE),
          progress: { bytes: 42e9, totalBytes: 100e9, percent: 42.3, rate: 118 * 2 ** 20, etaSeconds: 470 },
        },
      ],
      ...done(24 * HOUR, '7 snapshots, 1.2 GiB'),
      next: clock(1, 0),
    }),
    task('vm', 'snapshot', 'VM images, hourly', {
      from: 'nas1:tank/vm …',
      ...done(20 * MINUTE, '4 snapshots taken'),
      next: at(40 * MINUTE),
    }),
    task('prune', 'prune', 'Thin out tank', {
      destructive: true,
      from: 'nas1:tank …',
      ...done(5 * HOUR, '31 deleted'),
      next: clock(5, 15),
    }),
    task('media', 'replicate', 'Media library', {
      state: 'paused',
      from: 'nas1:tank/media',
      to: 'nas2:backup/media',
      ...done(3 * 24 * HOUR, 'up to date'),
      pause: { by: 'anna', at: at(-HOUR), until: at(5 * HOUR), note: 'new disks in nas2' },
      can: { run: false, why: 'DISABLED' },
    }),
    task('old', 'snapshot', 'Old server', { state: 'off', from: 'oldnas:tank', can: { run: false, why: 'DISABLED' } }),
  ];
}

function log(): LogEvent[] {
  const lines: [LogEvent['level'], string, string][] = [
    ['debug', 'queued', 'queued'],
    ['info', 'started', 'replication of nas1:tank/data to offsite:backup/nas1/data'],
    ['debug', 'command', 'zfs list -Hp -t snapshot -o name,guid,createtxg -r tank/data'],
    ['warn', 'retry', 'attempt 1 of 3 failed: offsite: connection refused; the next one in 60 s'],
    ['info', 'status', 'nothing was changed on either side'],
    ['error', 'failed', 'offsite: connection refused (192.0.2.7 port 22)'],
  ];
  return lines.map(([level, event, message], index) => {
    const time = at(-3 * HOUR - (lines.length - index) * 21_000);
    return { n: index + 1, level, event, message, time, jobId: 'j', task: 'Offsite copy' };
  });
}

const node = (id: string, type: string, y: number, more: object): object => ({
  id,
  type,
  z: 'tab',
  x: 220,
  y,
  wires: [[], [], []],
  ...more,
});

/** The editor's side of these tasks. */
const FLOWS = [
  { id: 'tab', type: 'tab', label: 'Backup' },
  ...tasks().map(({ id, type, name }, index) =>
    node(id, type, 60 + 60 * index, { name, schedule: type === 'zfs-snapshot' ? '@hourly' : '', enabled: false }),
  ),
];

type Theme = 'light' | 'dark';

describe('pictures of the sidebar', function () {
  this.timeout(180_000);
  let browser: Browser;

  before(async () => {
    browser = await launch();
    await mkdir(RESULTS, { recursive: true });
  });
  after(() => browser?.close());

  async function take(platform: Platform, prefix: string, themes: readonly Theme[]): Promise<void> {
    const nodeRed = await NodeRed.start(platform, await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
    try {
      for (const theme of themes) {
        const endpoints = new TaskEndpoints();
        endpoints.tasks = tasks();
        endpoints.logs.set('offsite', log());
        const history = 'success success success failed success success partial success success failed'.split(' ');
        endpoints.runs.set('offsite', history.map((state, day) => run(state as Run['state'], (10 - day) * 24 * HOUR, 'a run'))); // prettier-ignore
        const editor = await Editor.open(browser, nodeRed.url, theme, (page) => endpoints.serve(page));
        await editor.ask(`RED.nodes.add({
          id: 'new', type: 'zfs-snapshot', z: 'tab', x: 220, y: 520, wires: [[], [], []], changed: true,
          _def: RED.nodes.getType('zfs-snapshot'), name: 'Snapshots of the mail server',
          datasets: ['tank/mail'], connection: '' })`);
        const sidebar = await Sidebar.show(editor);
        const picture = async (name: string): Promise<void> => {
          await editor.page.waitForTimeout(600);
          await sidebar.panel.screenshot({ path: path.join(RESULTS, `${prefix}-${theme}-sidebar-${name}.png`) });
        };
        await editor.screen(`${prefix}-${theme}-sidebar-place`);
        await tall(sidebar, 340, 780);
        await picture('list');
        await sidebar.openLog('offsite');
        await sidebar.page.mouse.move(10, 10);
        await picture('log');
        await sidebar.choose('prune', 'run');
        await sidebar.choose('vm', 'pause');
        await picture('questions');
        await sidebar.openMenu('nightly');
        await editor.page.waitForTimeout(300);
        await editor.screen(`${prefix}-${theme}-sidebar-window`);
        await editor.page.keyboard.press('Escape');
        await tall(sidebar, 290, 250);
        const state = sidebar.row('offsite').locator('[data-zfs-action="log"]');
        await state.click();
        await sidebar.page.mouse.move(10, 10);
        await picture('small');
        await sidebar.openLog('offsite');
        await sidebar.page.mouse.move(10, 10);
        await picture('small-log');
        assert.deepEqual(editor.complaints, []);
        await editor.page.close();
      }
    } finally {
      await nodeRed.stop();
    }
  }

  it('in Node-RED 4.1', () => take(NODE_RED_4, 'node-red-4', ['light']));

  it('in Node-RED 5, light and dark', async () => take(await nodeRed5(), 'node-red-5', ['light', 'dark']));
});

/** Gives the panel a size, whatever room the sidebar has. */
async function tall(sidebar: Sidebar, width: number, height: number): Promise<void> {
  await sidebar.panel.evaluate(
    (panel, [wide, high]) => {
      panel.style.cssText = `position: fixed; z-index: 500; right: 0; top: 60px; width: ${wide}px; height: ${high}px`;
    },
    [width, height],
  );
}
