// Which test files there are, by tier, and what a tier needs. A tier is a folder of `test/`; its files may lie at any depth.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './processes';

export const TEST_TIERS = ['unit', 'nodes', 'zfs', 'package', 'e2e', 'soak'] as const;

export type TestTier = (typeof TEST_TIERS)[number];

/** Tiers that load the built package. */
export const BUILT: ReadonlySet<string> = new Set<TestTier>(['nodes', 'zfs', 'package', 'e2e', 'soak']);

/** The test files of a tier, as paths from the repository's root, in order. */
export function testFiles(tier: string): string[] {
  return readdirSync(path.join(ROOT, 'test', tier), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.posix.join('test', tier, ...name.split(path.sep)))
    .toSorted();
}
