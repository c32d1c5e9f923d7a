// A process of one connection, looked for through another: the only thing that a copied machine cannot show. It waits for
// some seconds under a name that is used once, changes nothing, and is ended as soon as it was looked for.
import { randomBytes } from 'node:crypto';
import { ZfsFlowError } from '../base/errors';
import type { Host } from './host';
import type { Sighting } from './machine-identity';

/** Tells its process id and waits: `read` of a terminal or pipe would end with the connection, or at once. */
const WAITS = 'echo $$; sleep 30; exit 0';
/** Milliseconds; less than the process waits. */
const LOOK_MS = 20_000;

/** What `by` sees of a process that is started through `of`. Two remote commands. Throws the connection codes, CANCELLED. */
export async function sighting(of: Host, by: Host, signal: AbortSignal): Promise<Sighting> {
  const name = `zfsflow-witness-${randomBytes(16).toString('hex')}`;
  const end = new AbortController();
  let ended = false;
  let began: (pid: string) => void = () => undefined;
  const started = new Promise<string>((resolve) => (began = resolve));
  const running = of
    .run(['/bin/sh', '-c', WAITS, name], {
      signal: AbortSignal.any([signal, end.signal]),
      timeoutMs: 2 * LOOK_MS,
      onLine: (line) => began(line.trim()),
    })
    .finally(() => (ended = true));
  try {
    const pid = await Promise.race([started, running.then(() => '')]);
    if (!/^\d+$/.test(pid)) return 'unknown';
    const seen = await look(by, name, pid, signal);
    // One that had ended by then could not be seen.
    return seen === 'none' && ended ? 'unknown' : seen;
  } finally {
    end.abort();
    await running.catch(() => undefined);
  }
}

async function look(by: Host, name: string, pid: string, signal: AbortSignal): Promise<Sighting> {
  try {
    const argv = ['ps', '-A', '-ww', '-o', 'pid=', '-o', 'args='];
    const { code, stdout } = await by.run(argv, { signal, timeoutMs: LOOK_MS });
    return code === 0 ? find(stdout, name, pid) : 'unknown';
  } catch (thrown) {
    if (thrown instanceof ZfsFlowError && thrown.code === 'COMMAND_NOT_FOUND') return 'unknown';
    throw thrown;
  }
}

function find(listing: string, name: string, pid: string): Sighting {
  const rows = listing.split('\n').map((line) => /^\s*(\d+)\s+(.*?)\s*$/.exec(line));
  // The process itself and nothing else: a program that carries the command to another machine has the name in it too.
  const own = rows.find((row) => row?.[2] === `/bin/sh -c ${WAITS} ${name}`);
  if (own) return own[1] === pid ? 'own' : 'inner';
  // A listing without a single row is none.
  return rows.some((row) => row !== null) ? 'none' : 'unknown';
}
