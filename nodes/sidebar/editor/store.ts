// The tasks as the runtime told them last, kept fresh while somebody looks: a ping on Node-RED's comms names what has changed
// and it is asked for; a slow poll beside that, so that everything works where websockets are dropped. One question at a time.
import { request } from '../../dialog/tasks';
import type { Task, TaskList } from './task';
import { t } from './translate';

/** Says which tasks have changed, and nothing about them (nodes/runtime/ping.ts). */
const TOPIC = 'zfs-flows/changed';
/** Milliseconds between two looks at everything. */
const POLL = 30_000;
/** While something runs and pings do not come. */
const POLL_SOON = 5_000;
/** After a question that failed. */
const PATIENCE = 2_000;
/** Without a ping for so long they may be lost. */
const SILENCE = 10_000;

export interface StoreListener {
  /** Tasks, or what is wrong, may be others. `ids`: these tasks alone. */
  changed(ids: ReadonlySet<string> | 'all'): void;
  /** A second has passed. */
  tick(): void;
  /** Somebody looks at the panel. */
  isVisible(): boolean;
}

export class Store {
  readonly tasks = new Map<string, Task>();
  /** An answer has come. */
  loaded = false;
  /** Why there is no newer one; '' when there is. */
  problem = '';
  /** Whoever looks may not: asked again only after a login, or slowly. */
  private refused = false;
  private wanted: Set<string> | 'all' | null = 'all';
  private asking = false;
  private askedAt = -Infinity;
  private pingedAt = -Infinity;
  /** Milliseconds by which the server's clock is ahead. */
  private ahead = 0;

  constructor(private readonly listener: StoreListener) {}

  /** The time as the server has it: what is "3 h ago" must not depend on this machine's clock. */
  get now(): number {
    return Date.now() + this.ahead;
  }

  start(): void {
    RED.comms.subscribe(TOPIC, (_topic, data) => this.pinged(data));
    // After each connection: pings were lost before it, and Node-RED may be another.
    RED.comms.on?.('connect', () => this.look('all'));
    RED.events.on('deploy', () => this.look('all'));
    RED.events.on('login', () => {
      this.refused = false;
      this.look('all');
    });
    window.setInterval(() => this.second(), 1_000);
    this.look('all');
  }

  /** Asks, at once when somebody looks, else when somebody does. */
  look(what: Iterable<string> | 'all'): void {
    if (what === 'all') this.wanted = 'all';
    else if (this.wanted !== 'all') this.wanted = new Set([...(this.wanted ?? []), ...what]);
    void this.ask();
  }

  private pinged(data: unknown): void {
    this.pingedAt = performance.now();
    const ids = (data as { ids?: unknown } | null)?.ids;
    this.look(Array.isArray(ids) ? ids.filter((id): id is string => typeof id === 'string') : 'all');
  }

  private second(): void {
    if (!this.listener.isVisible()) return;
    const now = performance.now();
    const running = [...this.tasks.values()].some(({ jobs }) => jobs.length > 0);
    const soon = running && now - this.pingedAt > SILENCE;
    if (now - this.askedAt >= (soon ? POLL_SOON : POLL)) this.look('all');
    else if (this.wanted !== null) void this.ask();
    this.listener.tick();
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      while (this.wanted !== null && this.listener.isVisible() && this.mayAsk()) {
        const what = this.wanted;
        this.wanted = null;
        if (what === 'all' || this.problem !== '') this.askedAt = performance.now();
        if (what === 'all' || what.size > 0) await this.get(what);
      }
    } finally {
      this.asking = false;
    }
  }

  /** What failed is not asked again at once. */
  private mayAsk(): boolean {
    if (this.problem === '') return true;
    return performance.now() - this.askedAt > (this.refused ? POLL : PATIENCE);
  }

  private async get(what: ReadonlySet<string> | 'all'): Promise<void> {
    const data = what === 'all' ? {} : { ids: [...what].join(',') };
    const outcome = await request<TaskList>({ method: 'GET', path: 'tasks', data }, t);
    if (!outcome.ok) {
      this.problem = outcome.text;
      this.refused = outcome.status === 401 || outcome.status === 403;
      this.askedAt = performance.now();
      this.wanted = 'all';
      this.listener.changed(new Set());
      return;
    }
    const { now, tasks } = outcome.answer;
    this.loaded = true;
    this.problem = '';
    this.refused = false;
    this.ahead = Date.parse(now) - Date.now();
    // What was asked for and not told of is gone.
    if (what === 'all') this.tasks.clear();
    else for (const id of what) this.tasks.delete(id);
    for (const task of tasks) this.tasks.set(task.id, task);
    this.listener.changed(what);
  }
}
