// The command that a flow's author gives to a drill: run by the shell of the machine that has the copy, with the places that it
// may look at in its environment. Whatever it does, it ends in time, and its children with it.
import { toZfsFlowError } from '../../base/errors';
import { RUN_COMMAND } from '../../host/shell/drill-scripts';
import type { Opened } from './open';

/** Bytes of its output that are kept. */
const OUTPUT_BYTES = 4096;
/** Bytes of one line. */
const LONGEST_LINE = 1 << 20;

/** The last of what was said, by bytes; never in the middle of a character. */
class LastBytes {
  private text = '';

  add(more: string): void {
    this.text = (this.text + more).slice(-2 * OUTPUT_BYTES);
  }

  toString(): string {
    const bytes = Buffer.from(this.text);
    let from = Math.max(0, bytes.length - OUTPUT_BYTES);
    while (from > 0 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
    return bytes.toString('utf8', from);
  }
}

export interface CommandOutcome {
  /** Null when it did not end in time, or a signal ended it. */
  exitCode: number | null;
  output: string;
  /** Why it is no success; null for exit code 0. */
  problem: string | null;
}

/** Throws CANCELLED and what the host throws. */
export async function runDrillCommand(
  { host, mountpoint, device, snapshot }: Opened,
  { source, command, timeoutMs }: { source: string; command: string; timeoutMs: number },
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const output = new LastBytes();
  const argv = ['/bin/sh', '-c', RUN_COMMAND, 'sh', mountpoint, device, snapshot, source, command];
  const onLine = (line: string, _index: number, whole: boolean): void => output.add(whole ? `${line}\n` : line);
  try {
    const { code, signal: by } = await host.run(argv, { timeoutMs, signal, onLine, maxBytes: LONGEST_LINE });
    const how = by === null ? `exit code ${code}` : `signal ${by}`;
    return { exitCode: code, output: output.toString(), problem: code === 0 ? null : `failed (${how})` };
  } catch (thrown) {
    const { code, message } = toZfsFlowError(thrown);
    if (code !== 'TIMEOUT' && code !== 'ZFS_ERROR') throw thrown;
    const problem = code === 'TIMEOUT' ? `did not end within ${timeoutMs / 1000} s` : `was ended: ${message}`;
    return { exitCode: null, output: output.toString(), problem };
  }
}
