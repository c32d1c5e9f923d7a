// One direction of a forwarded connection: reads from one socket, writes to the other, as its shape allows.
// Knows nothing of links and labs; forwarder.ts owns the shape and changes it while bytes flow.
import type { Socket } from 'node:net';

export interface Shape {
  /** Nothing passes, nothing is refused: as if the cable were pulled. */
  cut: boolean;
  /** Each way, for all connections of the link together; 0: as fast as it goes. */
  bytesPerSecond: number;
  /** Added each way. */
  delayMs: number;
}

/** What may pass in one direction of a link at the rate of its shape; holds a twentieth of a second of it. */
export class Bucket {
  private tokens = 0;
  private filledAt = performance.now();

  constructor(readonly shape: Shape) {}

  /** How many of `wanted` bytes may pass now. */
  take(wanted: number): number {
    const rate = this.shape.bytesPerSecond;
    if (rate === 0) return wanted;
    const now = performance.now();
    this.tokens = Math.min(this.tokens + ((now - this.filledAt) / 1000) * rate, Math.max(rate / 20, 1));
    this.filledAt = now;
    const taken = Math.min(wanted, Math.floor(this.tokens));
    this.tokens -= taken;
    return taken;
  }
}

const HELD_AT_MOST = 32 << 20;

export class Wire {
  private readonly held: { chunk: Buffer; due: number }[] = [];
  private heldBytes = 0;
  private ended = false;
  private blocked = false;
  private timer: NodeJS.Timeout | null = null;
  private readonly shape: Shape;

  /** `passing` is told how many bytes want to pass and answers how many of them may. */
  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly bucket: Bucket,
    private readonly passing: (bytes: number) => number,
  ) {
    const shape = (this.shape = bucket.shape);
    from.on('data', (chunk: Buffer) => {
      this.held.push({ chunk, due: shape.delayMs > 0 ? performance.now() + shape.delayMs : 0 });
      this.heldBytes += chunk.length;
      this.pump();
      if (this.held.length > 0 && this.heldBytes >= (shape.delayMs > 0 && !shape.cut ? HELD_AT_MOST : 1)) from.pause();
    });
    from.on('end', () => {
      this.ended = true;
      this.pump();
    });
    to.on('drain', () => {
      this.blocked = false;
      this.pump();
    });
    to.on('close', () => {
      if (this.timer !== null) clearTimeout(this.timer);
    });
  }

  /** Lets pass what may pass now; called again when the shape has changed. */
  pump(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    while (!this.blocked && !this.shape.cut && this.to.writable) {
      const head = this.held[0];
      if (head === undefined) break;
      const wait = head.due === 0 ? 0 : head.due - performance.now();
      const allowance = wait > 0 ? 0 : this.bucket.take(head.chunk.length);
      if (allowance === 0) {
        this.timer = setTimeout(() => this.pump(), Math.max(wait, 5));
        return;
      }
      const size = this.passing(allowance);
      if (size > 0) this.write(head, size);
    }
    if (this.held.length > 0 || this.shape.cut) return;
    if (this.ended) this.to.end();
    else if (!this.blocked && this.from.isPaused()) this.from.resume();
  }

  private write(head: { chunk: Buffer; due: number }, size: number): void {
    const part = size === head.chunk.length ? head.chunk : head.chunk.subarray(0, size);
    if (part === head.chunk) this.held.shift();
    else head.chunk = head.chunk.subarray(size);
    this.heldBytes -= size;
    if (!this.to.write(part)) {
      this.blocked = true;
      this.from.pause();
    }
  }
}
