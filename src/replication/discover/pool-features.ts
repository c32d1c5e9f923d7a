// What the target's pool lacks of that which the source would send: a stream with large, compressed, embedded or encrypted
// blocks is refused by a pool without the feature for it (zpool-features(7)), however few of them it has.
import type { RunContext } from '../../base/run-context';
import type { Host } from '../../host/host';
import type { StreamFeature } from '../plan/plan-types';
import type { Setup } from '../setup/setup';
import { poolOf } from '../../zfs/names';
import { featureStates } from '../../zfs/pools';

const FEATURES = ['large_blocks', 'lz4_compress', 'zstd_compress', 'embedded_data', 'encryption'] as const;
type Feature = (typeof FEATURES)[number];

/** Pools that have them all: features are never disabled again. */
const complete = new WeakMap<Host, Set<string>>();

/** Looks at the target's pool, and at the source's only where something is missing. */
export async function lackingFeatures(setup: Setup, ctx: RunContext): Promise<ReadonlySet<StreamFeature>> {
  const { source, target, options } = setup;
  const pool = poolOf(options.targetDataset);
  const known = complete.get(target) ?? new Set();
  complete.set(target, known);
  const key = `${setup.targetPoolGuid} ${pool}`;
  if (known.has(key)) return new Set();
  // What is not to be found out is not held against the pool: its receive will judge then.
  const there = await featureStates(target, [pool], FEATURES, ctx.signal);
  const missing = FEATURES.filter((feature) => there?.get(pool)?.get(feature) === 'disabled');
  if (there && missing.length === 0) known.add(key);
  if (missing.length === 0) return new Set();
  const pools = [...new Set(options.sourceDatasets.map(poolOf))];
  const here = await featureStates(source, pools, FEATURES, ctx.signal);
  const inUse = (feature: Feature): boolean => !here || pools.some((name) => here.get(name)?.get(feature) === 'active');
  const lacks = (...features: Feature[]): boolean => features.some((one) => missing.includes(one) && inUse(one));
  const lacking = new Set<StreamFeature>();
  if (lacks('large_blocks')) lacking.add('largeBlocks');
  if (lacks('lz4_compress', 'zstd_compress')) lacking.add('compressedBlocks');
  // What is embedded is compressed with lz4 too.
  if (lacks('embedded_data', 'lz4_compress')) lacking.add('embeddedBlocks');
  if (missing.includes('encryption')) lacking.add('encryption');
  return lacking;
}
