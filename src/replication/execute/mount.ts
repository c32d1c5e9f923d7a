// `mount: true`: mounts received file systems, and never over anything. A receive itself never mounts (`-u`), because ZFS
// would cover what is there; so each is looked at first, parents before children, and what is in the way is said.
import { listDatasets } from '../../zfs/list';
import { getProperties } from '../../zfs/get';
import { mountFilesystem } from '../../zfs/mount';
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import type { CommandResult, Host } from '../../host/host';
import type { Run } from '../setup/run';

function fromOctal(_: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 8));
}

interface Place {
  name: string;
  mountpoint: string;
}

/**
 * What is mounted where; `mount` prints `… on PATH type …` on Linux, `… on PATH (zfs, …)` on FreeBSD, and Linux itself
 * `… PATH …` with blanks as `\040` (proc_pid_mounts(5)).
 */
function readMounts(text: string): Map<string, string> {
  const points = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match =
      /^(.*) on (.*?)(?: type \S+)? \([^()]*\)$/.exec(line) ??
      /^(\S+) (\S+) \S+ \S+ \d+ \d+$/.exec(line)?.map((part) => part.replaceAll(/\\(\d{3})/g, fromOctal));
    if (match?.[1] !== undefined && match[2] !== undefined) points.set(match[2], match[1]);
  }
  return points;
}

/** Which of these file systems ZFS would mount, in order; the others are off, locked, mounted already or have no place. */
async function mountable({ target, ctx }: Run, targets: readonly string[]): Promise<Place[]> {
  const { datasets } = await listDatasets(target, { roots: targets, recursive: false, signal: ctx.signal });
  const open = datasets.filter(
    ({ type, mounted, keyStatus }) => type === 'filesystem' && !mounted && keyStatus !== 'unavailable',
  );
  const asked = { of: open.map(({ name }) => name), properties: ['canmount', 'mountpoint'] };
  const answers = await getProperties(target, asked, { signal: ctx.signal });
  const allowed = new Set(
    answers.filter(({ property, value }) => property === 'canmount' && value === 'on').map(({ name }) => name),
  );
  return answers
    .filter(({ name, property, value }) => allowed.has(name) && property === 'mountpoint' && value.startsWith('/'))
    .map(({ name, value }) => ({ name, mountpoint: value }))
    .toSorted((a, b) => (a.mountpoint < b.mountpoint ? -1 : 1));
}

/** What the first of these commands says that is there and works. */
async function firstAnswer(host: Host, argvs: readonly string[][], signal: AbortSignal): Promise<CommandResult | null> {
  for (const argv of argvs) {
    const result = await host.run(argv, { signal }).catch((thrown: unknown) => {
      if (toZfsFlowError(thrown).code === 'COMMAND_NOT_FOUND') return null;
      throw thrown;
    });
    if (result?.code === 0 && result.stdout !== '') return result;
  }
  return null;
}

/** What is in the way of a mount, in words; null for nothing. Where that cannot be found out, it is in the way. */
async function obstacle(host: Host, { mountpoint }: Place, signal: AbortSignal): Promise<string | null> {
  // `mount` shows control characters in other ways, so what is mounted there already would not be found.
  if (/\p{Cc}|\ufffd/u.test(mountpoint)) return 'its mount point is no plain text';
  const mounts = await firstAnswer(host, [['mount'], ['cat', '/proc/mounts']], signal);
  if (!mounts) return 'what is mounted there cannot be found out, since "mount" does not work on this host';
  const other = readMounts(mounts.stdout).get(mountpoint);
  if (other !== undefined) return `"${other}" is mounted there`;
  const found = await host.run(['ls', '-A', '--', mountpoint], { signal }).catch(toZfsFlowError);
  if (found instanceof ZfsFlowError) {
    if (found.code === 'COMMAND_NOT_FOUND') return found.message;
    throw found;
  }
  if (found.code === 0) return found.stdout.trim() === '' ? null : 'the directory is not empty';
  // Of what `ls` itself says: a warning about a locale can end in the same words.
  const said = found.stderr.split('\n').filter((line) => line.startsWith('ls: '));
  const isAbsent = said.length > 0 && said.every((line) => line.endsWith(': No such file or directory'));
  return isAbsent ? null : said.join('; ') || found.stderr.trim() || 'it could not be looked at';
}

/** Mounts what may be mounted of these target datasets; returns a warning for each that something is in the way of. */
export async function mountReceived(run: Run, targets: readonly string[]): Promise<string[]> {
  const { target, ctx } = run;
  const warnings: string[] = [];
  for (const place of await mountable(run, targets)) {
    const why = await obstacle(target, place, ctx.signal);
    const intro = `"${place.name}" was not mounted at ${place.mountpoint}`;
    if (why !== null) {
      warnings.push(`${intro}: ${why}`);
      continue;
    }
    const error = await mountFilesystem(target, place.name, ctx.signal);
    if (error) warnings.push(`${intro}: ${error.message}`);
  }
  return warnings;
}
