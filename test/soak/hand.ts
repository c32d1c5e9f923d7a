// Does to machines, links, pools and Node-RED what the plan says (plan.ts), and writes down in the book what the judges have to know
// of it. What cannot be done just then, because something else is under way, waits for it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import type { Book } from './book';
import type { FlowNode } from './flows';
import { describeMishap, type Kind, type Mishap } from './plan';
import type { SoakRed } from './red';

export interface Surroundings {
  lab: Lab;
  machines: Readonly<Record<'a' | 'b', Machine>>;
  red: SoakRed;
  book: Book;
  flows: (variant: number) => FlowNode[];
  tasks: readonly string[];
  /** After each boot: what a machine does not keep. */
  booted: (machine: Machine) => Promise<void>;
  tell: (line: string) => void;
}

const POOLS = { a: 'tank', b: 'backup' } as const;
/** Hours that a clock is wrong by: more than three, or times that come again would not be run again. */
const WRONG_HOURS = 4;

export class Hand {
  /** What one thing is done with at a time. */
  private readonly busy = new Map<string, Promise<unknown>>();
  private readonly down = new Set<string>();
  private variant = 0;
  private readonly under: Promise<void>[] = [];

  constructor(private readonly around: Surroundings) {}

  isUp(machine: Machine): boolean {
    return !this.down.has(machine.name);
  }

  /** Begins it. */
  strike(mishap: Mishap): void {
    const { tell, book } = this.around;
    const name = describeMishap(mishap);
    const doing = this.alone(this.resource(mishap), async () => {
      tell(`${name}${book.now() > mishap.at + 2 ? ` (at ${book.now().toFixed(0)} s)` : ''}`);
      await this.deeds[mishap.kind](mishap);
    });
    this.under.push(
      doing.catch((error: unknown) => {
        book.faults.push(`the soak could not do "${name.trim()}": ${String(error)}`);
      }),
    );
  }

  /** Settles when all is over. */
  async done(): Promise<void> {
    await Promise.all(this.under);
  }

  private resource({ kind, machine }: Mishap): string {
    if (/^(power|pool|machine)/.test(kind)) return `machine ${machine}`;
    if (kind.startsWith('link')) return `link ${machine}`;
    if (kind === 'cable cut') return 'cable';
    return kind === 'pause' ? 'pause' : 'Node-RED';
  }

  private alone<T>(resource: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.busy.get(resource) ?? Promise.resolve()).then(work, work);
    this.busy.set(resource, mine);
    return mine;
  }

  private readonly deeds: Readonly<Record<Kind, (mishap: Mishap) => Promise<void>>> = {
    'power cut': async ({ machine, lasts }) => this.cutPower(this.around.machines[machine], lasts),
    'link cut': async ({ machine, lasts }) => {
      const { link } = this.around.machines[machine];
      await link.cut();
      await sleep(lasts * 1000);
      await link.restore();
    },
    'link reset': async ({ machine }) => this.around.machines[machine].link.reset(),
    'link slow': async ({ machine, lasts, choice }) => {
      const { link } = this.around.machines[machine];
      await link.limit(Math.round(30_000 + choice * 200_000));
      await sleep(lasts * 1000);
      await link.limit(0);
    },
    'cable cut': async ({ lasts }) => {
      const { lab, machines } = this.around;
      // A machine that is away has no cable, and comes back with one that is whole.
      const unlessAway = (error: unknown): void => {
        if (this.down.size === 0) throw error;
      };
      await lab.separate(machines.a, machines.b).catch(unlessAway);
      await sleep(lasts * 1000);
      await lab.joinAll().catch(unlessAway);
    },
    'pool full': async ({ machine, lasts }) => this.fill(machine, lasts),
    'deploy of the same': async () => this.deploy(this.variant, 'full'),
    'deploy of others': async ({ choice }) => this.deploy(++this.variant, choice < 0.5 ? 'full' : 'nodes'),
    pause: async ({ choice, lasts }) => this.pause(choice, lasts),
    'run by hand': async ({ choice }) => {
      await this.around.red.post('zfs-flows/tasks/run', { id: this.pick(choice) });
    },
    cancel: async () => {
      const { red, tasks } = this.around;
      for (const id of tasks) await red.post('zfs-flows/tasks/cancel', { id });
    },
    'machine clock set': async ({ machine, lasts, choice }) => {
      const one = this.around.machines[machine];
      await setClock(one, (choice - 0.5) * 2 * 86_400);
      await sleep(lasts * 1000);
      await setClock(one, 0);
    },
    'Node-RED clock set': async ({ lasts }) => {
      const { red, book } = this.around;
      for (const hours of [WRONG_HOURS, 0]) {
        book.clockSets.push(book.now());
        await red.setClock(hours * 3_600_000);
        if (hours > 0) await sleep(lasts * 1000);
      }
    },
    'Node-RED killed': async ({ lasts }) => this.endRed('SIGKILL', lasts),
    'Node-RED ended': async ({ lasts }) => this.endRed('SIGTERM', lasts),
  };

  private pick(choice: number): string {
    const { tasks } = this.around;
    return tasks[Math.floor(choice * tasks.length)] ?? '';
  }

  private async cutPower(machine: Machine, lasts: number): Promise<void> {
    this.down.add(machine.name);
    await machine.powerCut();
    await sleep(lasts * 1000);
    await machine.boot();
    await this.around.booted(machine);
    this.down.delete(machine.name);
  }

  /** To the last block: another dataset claims what is left, and what others write finds no room. */
  private async fill(name: 'a' | 'b', lasts: number): Promise<void> {
    const [machine, ballast] = [this.around.machines[name], `${POOLS[name]}/ballast`];
    // Others write meanwhile: what is left may be a little less already.
    const script = `for less in 0 1 2 4 8 16; do
      size=$(($(zfs get -Hpo value available "$1") - less * 1048576))
      if zfs set refreservation="$size" "$1" 2>/dev/null; then exit 0; fi; done; exit 1`;
    await machine.sh(script, { args: [ballast] });
    await sleep(lasts * 1000);
    await machine.run(['zfs', 'set', 'refreservation=none', ballast]);
  }

  private async deploy(variant: number, type: 'full' | 'nodes'): Promise<void> {
    const { red, book, flows } = this.around;
    const span = { from: book.now(), to: Infinity };
    book.deploys.push(span);
    await red.deploy(flows(variant), type);
    await red.untilStarted();
    span.to = book.now();
  }

  private async pause(choice: number, lasts: number): Promise<void> {
    const { red, book } = this.around;
    const id = this.pick(choice);
    const set = (paused: boolean): Promise<void> =>
      this.alone('Node-RED', async () => {
        if (paused) book.pause(id, true);
        await red.post('zfs-flows/tasks/pause', { id, paused, ...(paused ? { note: 'soak' } : {}) });
        if (!paused) book.pause(id, false);
      });
    await set(true);
    await sleep(lasts * 1000);
    await set(false);
  }

  private async endRed(signal: 'SIGTERM' | 'SIGKILL', lasts: number): Promise<void> {
    const { red, book } = this.around;
    const life = book.lives.at(-1);
    if (life !== undefined) Object.assign(life, { to: book.now(), end: signal });
    const took = await red.end(signal);
    if (took > 5_500 + book.lag * 1000) book.faults.push(`Node-RED took ${took.toFixed(0)} ms to end by ${signal}`);
    await sleep(lasts * 1000);
    await red.start();
    book.lives.push({ from: book.now(), to: Infinity });
  }
}

async function setClock(machine: Machine, aheadSeconds: number): Promise<void> {
  await machine.run(['date', '-u', '-s', `@${(Date.now() / 1000 + aheadSeconds).toFixed(3)}`]);
}
