// Runs a script of a drill on its host: nothing but its exit code says whether it did what it should.
import type { Host, RunOptions } from '../../host/host';
import { ZfsFlowError } from '../../base/errors';

/** Of `src/host/shell/drill-scripts.ts`, where nothing can be hashed. */
const NO_PROGRAM = 90;

/** Standard output. Throws PERMISSION_DENIED, UNSUPPORTED, ZFS_ERROR with `what` could not be done, and what the host throws. */
export async function runDrillScript(
  host: Host,
  what: string,
  script: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, signal, stdout, stderr } = await host.run(['/bin/sh', '-c', script, 'sh', ...args], options);
  if (code === 0) return stdout;
  const said = stderr.trim().split('\n')[0] ?? '';
  const how = said === '' ? (signal === null ? `exit code ${code}` : `signal ${signal}`) : said;
  const kind =
    code === NO_PROGRAM ? 'UNSUPPORTED' : /permission denied/i.test(stderr) ? 'PERMISSION_DENIED' : 'ZFS_ERROR';
  throw new ZfsFlowError(kind, `${what} on ${host.label}: ${how}`, { host: host.label, exitCode: code, stderr });
}
