// How long a byte takes to a remote machine and back, without what starting a command costs.
import type { Channels } from './channels';
import { LineReader } from './lines';
import { newMarker } from './shell/marked-output';
import { echoScript } from './shell/echo-script';

/** Of so many, the shortest counts: the others waited for somebody. */
const TIMES = 3;
const TAG = 'zfsflow-rtt';
/** Milliseconds. */
const PATIENCE_MS = 10_000;

/** Milliseconds, the shortest of three; null where the shell there did not play along. Throws the connection codes, CANCELLED. */
export async function roundTrip(channels: Channels, signal: AbortSignal): Promise<number | null> {
  const marker = newMarker();
  const session = await channels.open(echoScript(marker), TAG, signal);
  const { channel } = session;
  const timer = setTimeout(() => channel.close(), PATIENCE_MS);
  try {
    return await new Promise<number | null>((resolve, reject) => {
      const times: number[] = [];
      let sent = 0;
      const reader = new LineReader((line) => {
        if (!line.includes(marker)) return;
        if (sent > 0) times.push(performance.now() - sent);
        if (times.length === TIMES) return resolve(Math.min(...times));
        sent = performance.now();
        channel.write(`${marker}\n`);
      });
      channel.on('data', (chunk: Buffer) => reader.push(chunk));
      channel.stderr.resume();
      channel.on('error', () => undefined);
      channel.on('close', () => resolve(null));
      session.onLost(reject);
    });
  } finally {
    clearTimeout(timer);
    channel.close();
    session.release();
  }
}
