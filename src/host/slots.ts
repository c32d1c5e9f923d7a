// A counting semaphore whose size may change while it is used: first come, first served.
import { cancelled } from './run-options';

export class Slots {
  private used = 0;
  private readonly waiting: { give: () => void }[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(private size: number) {}

  /** Somebody waits. */
  get isCrowded(): boolean {
    return this.waiting.length > 0;
  }

  /** Called when somebody has to wait, for those who can do without what they have; returns how to stop listening. */
  onCrowded(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get active(): number {
    return this.used;
  }

  get limit(): number {
    return this.size;
  }

  set limit(size: number) {
    this.size = Math.max(1, size);
    this.next();
  }

  /** Resolves with the function that gives the slot back (it may be called more than once). Throws CANCELLED. */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw cancelled();
    await new Promise<void>((resolve, reject) => {
      const entry = {
        give: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = (): void => {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        reject(cancelled());
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.waiting.push(entry);
      this.next();
      if (this.waiting.includes(entry)) for (const listener of this.listeners) listener();
    });
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.used--;
      this.next();
    };
  }

  private next(): void {
    while (this.used < this.size) {
      const entry = this.waiting.shift();
      if (!entry) return;
      this.used++;
      entry.give();
    }
  }
}
