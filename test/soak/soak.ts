// An hour in the life of a Node-RED, its two machines and their backups, or as many minutes as are asked for: tasks that run every
// minute, mishaps that follow from a seed, and judges that say what was wrong. For `npm run soak` (main.ts) and soak.test.ts.
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Task, TaskList, TaskLog } from '../../nodes/admin/task-answers';
import { Lab } from '../lab/lab';
import { ROOT } from '../package/node-red';
import { Book, type Heard } from './book';
import { type FlowNode, soakFlows, taskFacts } from './flows';
import { Hand } from './hand';
import type { Inside } from './inside';
import { judgeAlarms } from './judge/alarms';
import { judgeData } from './judge/data';
import { flatness, judged, judgeMemory } from './judge/memory';
import { judgeCount, judgeHistory, judgeSchedule } from './judge/tasks';
import { bootMachines, leftBehind, type Machines, prepare, sidesAtEnd, Sightings, Writer } from './machines';
import { makePlan } from './plan';
import { type Said, SoakRed } from './red';

export interface Wanted {
  minutes: number;
  seed: number;
  tell: (line: string) => void;
}

export interface Outcome {
  /** Sentences; none: all is well. */
  faults: string[];
  /** For a person. */
  figures: string[];
  /** Everything that the tasks said. */
  heard: readonly Heard[];
}

const LOOK_MS = 12_000;
/** Seconds in which each task has to succeed once everything is whole again. */
const HEAL = 240;

export async function soak({ minutes, seed, tell }: Wanted): Promise<Outcome> {
  const lab = await Lab.create();
  let red: SoakRed | undefined;
  try {
    const machines = await bootMachines(lab);
    const book = new Book();
    red = await SoakRed.make(
      (said) => write(book, said),
      (child) => lab.adopt(child),
    );
    return await new Soak({ minutes, seed, tell }, lab, machines, book, red).run();
  } finally {
    await red?.close();
    await lab.close();
  }
}

function write(book: Book, { kind, id, told }: Said): void {
  const text = (name: string): string | undefined => (typeof told[name] === 'string' ? told[name] : undefined);
  if (kind === 'broken') book.faults.push(`the log of Node-RED says: ${text('line')}`);
  if (kind !== 'result' && kind !== 'error' && kind !== 'log') return;
  const event = text('event');
  if (event === 'progress') return;
  const more = Object.entries({ jobId: text('jobId'), code: text('code'), event, message: text('message') });
  const known = Object.fromEntries(more.filter(([, value]) => value !== undefined));
  book.heard.push({ at: book.now(), kind, id, ...known } satisfies Heard);
}

/** The task that looks into backups, in a package that has one. */
function hasVerify(): boolean {
  const { 'node-red': red } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    'node-red': { nodes: Record<string, string> };
  };
  return 'zfs-verify' in red.nodes;
}

class Soak {
  private readonly facts = taskFacts({ withVerify: hasVerify() });
  private readonly tasks = this.facts.map(({ id }) => id);
  private readonly sightings = new Sightings();
  private readonly hand: Hand;
  private readonly insides: Inside[] = [];
  private struck = 0;
  private over = false;

  constructor(
    private readonly wanted: Wanted,
    lab: Lab,
    private readonly machines: Machines,
    private readonly book: Book,
    private readonly red: SoakRed,
  ) {
    const flows = (variant: number): FlowNode[] => this.flows(variant, false);
    const { tell } = wanted;
    this.hand = new Hand({ lab, machines, red, book, flows, tasks: this.tasks, booted: prepare, tell });
  }

  private flows(variant: number, withKeys: boolean): FlowNode[] {
    const { a, b } = this.machines;
    const logins = { a: a.login(), b: b.login(), addressOfB: b.address };
    return soakFlows({ ...logins, variant, withKeys, withVerify: hasVerify() });
  }

  async run(): Promise<Outcome> {
    const { wanted, book, red, machines } = this;
    await red.start();
    book.lives.push({ from: book.now(), to: Infinity });
    const first = { from: book.now(), to: Infinity };
    book.deploys.push(first);
    await red.deploy(this.flows(0, true));
    await red.untilStarted();
    first.to = book.now();
    const writer = new Writer(wanted.seed, machines.a, () => this.hand.isUp(machines.a));
    writer.start();
    const watching = Promise.all([this.watchRed(), this.watchSource()]);
    await this.hardship();
    await this.heal();
    await writer.stop();
    const end = await this.quieten();
    this.over = true;
    await watching;
    return this.judge(end);
  }

  private async hardship(): Promise<void> {
    const { mishaps, healed } = makePlan(this.wanted.seed, this.wanted.minutes);
    for (const mishap of mishaps) {
      await sleep(Math.max(0, mishap.at - this.book.now()) * 1000);
      this.hand.strike(mishap);
      this.struck++;
    }
    await sleep(Math.max(0, healed - this.book.now()) * 1000);
    await this.hand.done();
  }

  /** Each task has run well since everything is whole, and the time that was asked for is over. */
  private async heal(): Promise<void> {
    const { book, wanted } = this;
    const whole = book.now();
    wanted.tell(`${whole.toFixed(0).padStart(5)} s  everything is whole`);
    const missing = (): string[] =>
      this.tasks.filter((id) => !book.of(id).some(({ kind, at }) => kind === 'result' && at > whole));
    while (book.now() < whole + HEAL && (missing().length > 0 || book.now() < wanted.minutes * 60 - 30))
      await sleep(500);
    for (const id of missing()) {
      const last = book.of(id).findLast(({ kind }) => kind === 'error');
      book.faults.push(`${id} has not succeeded within ${HEAL} s of peace: ${last?.code} ${last?.message}`);
    }
  }

  /** Nothing begins any more, and what is to be copied has been. */
  private async quieten(): Promise<number> {
    const { book, red } = this;
    const end = book.now();
    this.wanted.tell(`${end.toFixed(0).padStart(5)} s  nothing begins any more`);
    for (const id of this.tasks) await red.post('zfs-flows/tasks/pause', { id, paused: true });
    await this.idle();
    // In the order of the work; what had just been taken is sent and thinned out.
    for (const id of this.tasks.filter((one) => one !== 'snap')) {
      await red.post('zfs-flows/tasks/pause', { id, paused: false });
      const since = book.now();
      const answer = (await red.post('zfs-flows/tasks/run', { id })) as { ok: boolean; message?: string };
      if (!answer.ok) book.faults.push(`${id} could not be run at the end: ${answer.message}`);
      await this.idle();
      if (!book.of(id).some(({ kind, at }) => kind === 'result' && at >= since)) {
        const last = book.of(id).findLast(({ kind }) => kind === 'error');
        book.faults.push(`${id} did not succeed at the end: ${last?.code} ${last?.message}`);
      }
      await red.post('zfs-flows/tasks/pause', { id, paused: true });
    }
    return end;
  }

  private async list(): Promise<Task[]> {
    return ((await this.red.get('zfs-flows/tasks')) as TaskList).tasks;
  }

  private async idle(): Promise<void> {
    const until = this.book.now() + HEAL;
    for (;;) {
      const busy = (await this.list()).filter(({ jobs }) => jobs.length > 0);
      if (busy.length === 0) break;
      if (this.book.now() > until) {
        const what = busy.map(({ id, status }) => `${id} (${status.text})`).join(', ');
        this.book.faults.push(`still at it after ${HEAL} s of peace: ${what}`);
        this.wanted.tell(`still at it: ${what}`);
        break;
      }
      await sleep(250);
    }
    // What is said of the last one is still on its way.
    await sleep(500);
  }

  private async watchRed(): Promise<void> {
    const { book, red } = this;
    while (!this.over) {
      const before = performance.now();
      await sleep(LOOK_MS);
      book.lag = Math.max(book.lag, (performance.now() - before - LOOK_MS) / 1000);
      if (red.isUp) await this.lookAtRed().catch(() => undefined); // it may end meanwhile
    }
  }

  private async watchSource(): Promise<void> {
    const { a } = this.machines;
    while (!this.over) {
      if (this.hand.isUp(a)) await this.sightings.look(a).catch(() => undefined); // and so may this one
      await sleep(LOOK_MS);
    }
  }

  private async lookAtRed(): Promise<void> {
    const { book, red } = this;
    const asked = book.now();
    for (const { id, late, lastSuccess: success } of await this.list())
      book.lateShown.push({ at: asked, id, late: late !== undefined, success });
    const inside = await red.inside();
    this.insides.push(inside);
    const { heapUsed, external, rss } = inside;
    book.memory.push({ at: book.now(), heap: heapUsed + external, rss });
  }

  private async judge(end: number): Promise<Outcome> {
    const { book, red, machines } = this;
    const slack = 6 + Math.min(20, book.lag * 4);
    const { heard, lives, deploys, clockSets, pauses, lateShown, wall } = book;
    const seen = { heard, lives, deploys, clockSets, pauses, lateShown, wall, slack, end };
    const life = book.lives.at(-1);
    if (life !== undefined) life.to = Math.min(life.to, book.now());
    const faults = [...book.faults, ...this.facts.flatMap((task) => judgeAlarms(task, seen))];
    for (const id of this.tasks) {
      const { runs } = (await red.get(`zfs-flows/tasks/log?id=${id}`)) as TaskLog;
      faults.push(...judgeSchedule(id, seen), ...judgeHistory(id, runs, seen));
      faults.push(...judgeCount(id, await this.counted(id), seen));
    }
    faults.push(...judgeMemory(book.memory, book.lives));
    await this.sightings.look(machines.a);
    const sides = await sidesAtEnd(machines, this.sightings);
    faults.push(...sides.flatMap(judgeData));
    // What never came about is told above.
    faults.push(
      ...(await leftBehind(machines).catch((error: unknown) => [`could not look at what is left: ${String(error)}`])),
    );
    const contents = await this.sightings.compare(machines.b);
    faults.push(...contents.faults, ...(await this.leftHere()));
    const taken = sides.reduce((sum, { taken: names }) => sum + names.length, 0);
    return { faults, heard, figures: this.figures({ taken, compared: contents.compared, slack }) };
  }

  private async counted(id: string): Promise<number> {
    const line = (await this.red.text('zfs-flows/metrics'))
      .split('\n')
      .find((one) => one.startsWith(`zfsflow_task_runs_total{id="${id}",`) && one.includes('result="success"'));
    return Number(line?.split(' ').at(-1) ?? Number.NaN);
  }

  /** Of this host: files of Node-RED, and processes that it has started at any time. */
  private async leftHere(): Promise<string[]> {
    const { red } = this;
    const took = await red.end('SIGTERM');
    const faults = took > 5_500 + this.book.lag * 1000 ? [`Node-RED took ${took.toFixed(0)} ms to end`] : [];
    for (const file of await readdir(red.temporary)) faults.push(`left: ${file} among temporary files`);
    await sleep(2_000);
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        if (environment.includes(red.mark))
          faults.push(`left: process ${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`);
      } catch {
        // has ended
      }
    }
    return faults;
  }

  private figures({ taken, compared, slack }: Record<'taken' | 'compared' | 'slack', number>): string[] {
    const { book } = this;
    const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
    const count = (wanted: (one: Heard) => boolean): number => book.heard.filter(wanted).length;
    const flat = (what: 'heap' | 'rss'): string => {
      const { growth, seconds, samples } = flatness(judged(book.memory, book.lives), what);
      const newest = book.memory.at(-1)?.[what] ?? 0;
      return `${what} ${mib(newest)} MiB, ${growth < 0 ? '' : '+'}${mib(growth)} MiB over ${seconds.toFixed(0)} s (${samples} looks)`;
    };
    const codes = new Map<string, number>();
    for (const { kind, code = '' } of book.heard) if (kind === 'error') codes.set(code, (codes.get(code) ?? 0) + 1);
    const p99 = this.insides.map(({ loopP99 }) => loopP99).toSorted((x, y) => x - y);
    return [
      `${this.struck} mishaps in ${book.now().toFixed(0)} s, ${book.lives.length} lives of Node-RED, load ${loadavg()[0]?.toFixed(1)}`,
      `${count(({ kind }) => kind === 'result')} successes; errors: ${[...codes].map(([code, n]) => `${n} ${code}`).join(', ') || 'none'}`,
      `${count(({ event }) => event === 'late')} times late, ${count(({ event }) => event === 'recovered')} recovered`,
      `${taken} snapshots taken, ${compared} copies compared file by file`,
      `${flat('heap')}; ${flat('rss')}`,
      `event loop p99, median of looks: ${p99[Math.floor(p99.length / 2)]?.toFixed(1)} ms; judged with ${slack.toFixed(1)} s of slack`,
    ];
  }
}
