// When `transport: auto` leaves SSH for TLS over TCP, and how much TCP's buffers allow (docs/design/transports.md §3, §6): a
// gain has to be certain, because a port that is closed costs an attempt. Pure.

/** Bytes: starting it costs more than a smaller stream saves. */
export const WORTH_BYTES = 256 << 20;
/** Milliseconds: below, SSH's own window of 2 MiB is no limit. */
export const WORTH_RTT_MS = 25;
/** Bytes: with less, TCP is no faster than SSH. */
const WORTH_WINDOW = 4 << 20;
/** Bytes per second of a gigabit: what a buffer has to suffice for. */
const WANTED_RATE = 125_000_000;

/** Most bytes that TCP buffers of the two ends hold for one connection; 0 = not known. */
export interface Buffers {
  /** Of the source: what is sent and not yet acknowledged. */
  send: number;
  /** Of the target: what has come and was not yet read. */
  receive: number;
}

/** What can be on its way at once; 0 = not known. Half of a receive buffer is for the kernel's own use, and a third of a send buffer. */
export function usableWindow({ send, receive }: Buffers): number {
  return send === 0 || receive === 0 ? 0 : Math.floor(Math.min(receive / 2, send * 0.65));
}

export interface AutoChoice {
  /** Estimated. */
  bytes: number;
  rttMs: number;
  buffers: Buffers;
}

/** `choice.rttMs` and the buffers are known, and one end is this machine. */
export function tlsPays({ bytes, rttMs, buffers }: AutoChoice): boolean {
  return bytes >= WORTH_BYTES && rttMs >= WORTH_RTT_MS && usableWindow(buffers) >= WORTH_WINDOW;
}

export interface BufferLimit {
  /** Bytes per second of one stream, as it is. */
  rate: number;
  /** Whose buffer is the smaller. */
  side: 'source' | 'target';
  /** Bytes that it should have for a gigabit. */
  wanted: number;
  /** How many times as fast a stream could be on a gigabit with it. */
  gain: number;
}

/** What TCP's buffers make of one stream; null where they are no limit, or nothing is known. */
export function bufferLimit(buffers: Buffers, rttMs: number): BufferLimit | null {
  const window = usableWindow(buffers);
  if (window === 0 || rttMs <= 0) return null;
  const rate = (window / rttMs) * 1000;
  if (rate >= WANTED_RATE * 0.9) return null;
  const side = buffers.receive / 2 <= buffers.send * 0.65 ? 'target' : 'source';
  const wanted = Math.ceil((WANTED_RATE * rttMs * 2) / 1000 / (1 << 20)) * (1 << 20);
  return { rate, side, wanted, gain: WANTED_RATE / rate };
}
