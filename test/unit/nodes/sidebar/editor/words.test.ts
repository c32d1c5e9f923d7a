// What the rows of the sidebar say, with the texts that people get.
import assert from 'node:assert/strict';
import type { Progress, Task, TaskJob } from '../../../../../nodes/sidebar/editor/task';
import {
  ago,
  announcement,
  clock,
  duration,
  pauseText,
  progressOf,
  progressText,
  remark,
  runText,
  size,
  waysText,
  whenText,
} from '../../../../../nodes/sidebar/editor/words';
import { type Catalogue, assembleCatalogue } from '../../../../../scripts/build/assemble';
import { lookUp } from '../../dialog/browser';

const NOW = Date.parse('2026-11-25T22:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (distance: number): string => new Date(NOW + distance).toISOString();
const ZONE = 'UTC';

const task: Task = {
  id: 't',
  type: 'zfs-snapshot',
  name: 'Nightly',
  path: [],
  state: 'ok',
  status: { text: '' },
  jobs: [],
  can: { run: true },
};
const run = { jobId: 'j', state: 'success', startedAt: at(-3 * HOUR - 40_000), endedAt: at(-3 * HOUR), text: '2 snapshots taken', by: 'schedule' } as const; // prettier-ignore

const running: TaskJob = { jobId: 'j', state: 'running', createdAt: at(-HOUR) };

describe('the words of the sidebar', () => {
  let catalogue: Catalogue;
  before(async () => {
    catalogue = await assembleCatalogue('sidebar', 'en-US');
  });
  const t = (key: string, values: Record<string, unknown> = {}): string => {
    const plural = values['count'] === 1 ? lookUp(catalogue, `${key}_one`) : undefined;
    const text = plural ?? lookUp(catalogue, key);
    assert.ok(text !== undefined, `no text for ${key}`);
    return text.replaceAll(/__(\w+)__/g, (_, name: string) => String(values[name]));
  };

  it('tell how long ago something was', () => {
    const said = [-10_000, -5 * MINUTE, -59.9 * MINUTE, -3.9 * HOUR, -23.99 * HOUR, -49 * HOUR].map((past) => ago(at(past), NOW, t)); // prettier-ignore
    assert.deepEqual(said, ['just now', '5 min ago', '59 min ago', '3 h ago', '23 h ago', '2 d ago']);
    assert.match(ago(at(-100 * 24 * HOUR), NOW, t), /Aug/);
    assert.equal(ago(at(5_000), NOW, t), 'just now', 'clocks that are a little apart');
  });

  it('tell when something will be: the hour, from tomorrow on the day, from next week on the date', () => {
    assert.equal(clock(at(4.5 * HOUR), NOW, ZONE), '02:30');
    assert.match(clock(at(52.5 * HOUR), NOW, ZONE), /^Sat 02:30$/);
    assert.match(clock(at(30 * 24 * HOUR), NOW, ZONE), /25.*22:00|Dec/);
    assert.equal(clock(at(4.5 * HOUR), NOW, 'No/Such_Zone').length, 5, 'a zone that this browser does not know');
  });

  it('tell of the last and the next run in one line', () => {
    assert.equal(whenText({ ...task, last: run, next: at(4.5 * HOUR), timeZone: ZONE }, NOW, t), 'last 3 h ago · next 02:30'); // prettier-ignore
    assert.equal(whenText(task, NOW, t), 'not run yet');
    const far = whenText({ ...task, next: at(HOUR), timeZone: 'Asia/Kathmandu' }, NOW, t);
    assert.equal(far, 'not run yet · next 04:45 Asia/Kathmandu', 'whose clocks these are');
  });

  it('tell how far a run is, as much of it as is known', () => {
    const all: Progress = { percent: 42.9, bytes: 1, rate: 118 * 2 ** 20, etaSeconds: 470 };
    assert.equal(progressText(all, t), '42 % · 118 MiB/s · 8 min left');
    assert.equal(progressText({ bytes: 3 * 2 ** 30 }, t), '3.0 GiB');
    assert.equal(progressText(undefined, t), '');
    const jobs = [{ percent: 10 }, {}, { percent: 60 }].map((progress): TaskJob => ({ ...running, progress }));
    assert.equal(progressOf({ ...task, jobs })?.percent, 60);
    assert.equal(progressOf(task), undefined);
  });

  it('tell durations and sizes in the units of people', () => {
    const times = [400, 40_000, 3 * MINUTE, 2 * HOUR, 2 * HOUR + 10 * MINUTE, 26 * HOUR].map((time) =>
      duration(time, t),
    );
    assert.deepEqual(times, ['0 s', '40 s', '3 min', '2 h', '2 h 10 min', '1 d 2 h']);
    assert.deepEqual([0, 1023, 1024, 1.5 * 2 ** 30, 300 * 2 ** 40].map(size), ['0 B', '1023 B', '1.0 KiB', '1.5 GiB', '300 TiB']); // prettier-ignore
  });

  it('tell why a task needs somebody, and nothing of one that is well', () => {
    const failed = { ...run, state: 'failed', text: 'nas2: connection refused' } as const;
    const late = { since: at(-20 * HOUR), missed: 1 };
    assert.equal(remark(task, NOW, t), '');
    assert.equal(remark({ ...task, state: 'failed', last: failed }, NOW, t), 'nas2: connection refused');
    assert.equal(
      remark({ ...task, state: 'failed', last: failed, late, timeZone: ZONE }, NOW, t),
      'late since 02:00, 1 run missed · nas2: connection refused',
    );
    assert.equal(remark({ ...task, late: { ...late, missed: 0 }, timeZone: ZONE }, NOW, t), 'late since 02:00');
    assert.equal(
      remark({ ...task, state: 'invalid', status: { text: 'invalid schedule' } }, NOW, t),
      'invalid schedule',
    );
    const waiting: TaskJob = { ...running, state: 'waiting', waitingFor: 'tank/data' };
    assert.equal(remark({ ...task, state: 'waiting', jobs: [waiting] }, NOW, t), 'waits for tank/data');
    assert.equal(remark({ ...task, state: 'waiting', jobs: [{ ...running, state: 'queued' }] }, NOW, t), 'waits for its turn'); // prettier-ignore
    const pause = { by: 'anna', at: at(0), note: 'new disks' };
    assert.equal(remark({ ...task, state: 'paused', pause, jobs: [running] }, NOW, t), 'by anna: new disks · a run is still going on'); // prettier-ignore
    assert.match(pauseText({ by: 'anna', at: at(0), until: at(4 * HOUR) }, NOW, t), /^by anna until \d\d:00$/);
  });

  it('tell the way of the data and how a run was', () => {
    assert.equal(waysText({ ...task, from: 'nas1:tank', to: 'local:b' }), 'nas1:tank → local:b');
    assert.equal(waysText({ ...task, from: 'nas1:tank' }), 'nas1:tank');
    assert.match(runText({ ...run, bytes: 1.5 * 2 ** 30 }, t), /^success · .* · 40 s · 1\.5 GiB · 2 snapshots taken$/);
  });

  it('tell a screen reader of few by name, of many by number', () => {
    const one = { name: 'Mail', state: 'failed', late: false } as const;
    assert.equal(announcement([one, { ...one, name: 'VM', state: 'ok', late: true }], t), 'Mail: failed. VM: ok, late');
    assert.equal(announcement([one, one, one, one], t), '4 tasks have changed');
  });
});
