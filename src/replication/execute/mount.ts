// `mount: true`: mounts received file systems, and never over anything. A receive itself never mounts (`-u`), because ZFS
// would cover what is there; so each is looked at first, parents before children, and what is in the way is said.
import { listDatasets } from '../../zfs/list';
import { commandError } from '../../zfs/command';
import { getProperties } from '../../zfs/get';
import { mountFilesystem } from '../../zfs/mount';
import type { Host } from '../../host/host';
import type { Run } from '../setup/run';

interface Place {
  name: string;
  mountpoint: string;
}

/** What is mounted where; `mount` prints `… on PATH type …` on Linux, `… on PATH (zfs, …)` on FreeBSD. */
function readMounts(text: string): Map<string, string> {
  const points = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^(.*) on (.*?)(?: type \S+)? \([^()]*\)$/.exec(line);
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

const NO_RESULT = { code: null, signal: null, stderr: '' };

/** What is in the way of a mount, in words; null for nothing. */
async function obstacle(host: Host, { mountpoint }: Place, signal: AbortSignal): Promise<string | null> {
  // `mount` shows control characters in other ways, so what is mounted there already would not be found.
  if (/\p{Cc}|\ufffd/u.test(mountpoint)) return 'its mount point is no plain text';
  const argvs = [['mount'], ['ls', '-A', '--', mountpoint]];
  const [mounts, found] = await host.runAll(argvs, { signal });
  if (mounts?.code !== 0 || !found) throw commandError(host, argvs[0] ?? [], mounts ?? NO_RESULT);
  const other = readMounts(mounts.stdout).get(mountpoint);
  if (other !== undefined) return `"${other}" is mounted there`;
  if (found.code === 0) return found.stdout.trim() === '' ? null : 'the directory is not empty';
  return /No such file or directory/.test(found.stderr) ? null : found.stderr.trim();
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
