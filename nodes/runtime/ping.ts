// Tells the editors that tasks have changed, and nothing about them: what leaves on Node-RED's comms reaches every editor,
// whatever its user may see. They ask then (nodes/admin/tasks.ts). At most two messages a second for all tasks together.
import { directory } from './directory';
import type { Red } from './red';

/** `{seq, ids?}`; not retained. Without `ids` very many have changed. */
export const TOPIC = 'zfs-flows/changed';

const INTERVAL = 500;
const MOST_IDS = 100;

export class Ping {
  /** Grows with each change. */
  seq = 0;
  private readonly ids = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private sentAt = -Infinity;

  constructor(
    private readonly publish: (topic: string, data: object) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  changed(id: string): void {
    this.seq++;
    this.ids.add(id);
    if (this.timer !== undefined) return;
    const wait = Math.max(0, this.sentAt + INTERVAL - this.now());
    this.timer = setTimeout(() => this.send(), wait);
    this.timer.unref();
  }

  /** What was to be said to the editors of another Node-RED in this process. */
  drop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.ids.clear();
  }

  private send(): void {
    this.timer = undefined;
    this.sentAt = this.now();
    const ids = this.ids.size > MOST_IDS ? {} : { ids: [...this.ids] };
    this.ids.clear();
    this.publish(TOPIC, { seq: this.seq, ...ids });
  }
}

let ping: Ping | undefined;
let current: Red | undefined;

/** Of this process; the editors are those of the Node-RED that was loaded last. */
export function startPing(RED: Red): Ping {
  if (current?.events !== RED.events || current.httpAdmin !== RED.httpAdmin) ping?.drop();
  current = RED;
  if (ping !== undefined) return ping;
  const created = new Ping((topic, data) => current?.comms?.publish(topic, data, false));
  directory.onChange((id) => created.changed(id));
  ping = created;
  return created;
}
