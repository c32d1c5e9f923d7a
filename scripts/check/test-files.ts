// Which test files there are, by tier, and what a tier needs. A tier is a folder of `test/`; its files
// may lie at any depth. `zfs21` is some files of `zfs`, on another OpenZFS.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './processes';

export const TEST_TIERS = ['unit', 'nodes', 'zfs', 'package', 'e2e', 'soak'] as const;

export type TestTier = (typeof TEST_TIERS)[number];

/** Of the tier `zfs`, those that tell most about OpenZFS 2.1, which are run there each time; all of them once a week. */
export const ZFS_21 = 'zfs21';
const TELLING = ['basics', 'walk', 'encryption', 'faults', 'diverged', 'properties'];

/** Tiers that load the built package. */
export const BUILT: ReadonlySet<string> = new Set<TestTier | typeof ZFS_21>([
  'nodes',
  'zfs',
  'package',
  'e2e',
  'soak',
  ZFS_21,
]);

/** Tiers that run at the same time as another: the soak mostly waits, and its times are its own; so does a browser's test. */
export const BESIDE: Readonly<Record<string, string>> = { zfs: 'soak', e2e: ZFS_21 };

/** The test files of a tier, as paths from the repository's root, in order. */
export function testFiles(tier: string): string[] {
  if (tier === ZFS_21) return TELLING.map((name) => `test/zfs/replication/${name}.test.ts`);
  return readdirSync(path.join(ROOT, 'test', tier), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.posix.join('test', tier, ...name.split(path.sep)))
    .toSorted();
}
