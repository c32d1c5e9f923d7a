// What the target's pool lacks of that which the source would send: a stream with large, compressed, embedded or encrypted
// blocks is refused by a pool without the feature for it (zpool-features(7)), however few of them it has.
import type { RunContext } from '../../base/run-context';
import type { Host } from '../../host/host';
import type { StreamFeature } from '../plan/plan-types';
import type { Setup } from '../setup/setup';
import { poolOf } from '../../zfs/names';

const FEATURES = ['large_blocks', 'lz4_compress', 'zstd_compress', 'embedded_data', 'encryption'] as const;
type Feature = (typeof FEATURES)[number];

/** Pools that have them all: features are never disabled again. */
const complete = new WeakMap<Host, Set<string>>();

/** `disabled`, `enabled` or `active`, by pool and feature; null where that is not to be found out. */
async function readStates(host: Host, pools: readonly string[], ctx: RunContext): Promise<Map<string, string> | null> {
  const names = FEATURES.map((feature) => `feature@${feature}`).join(',');
  const argv = ['zpool', 'get', '-Hp', '-o', 'name,property,value', names, ...pools];
  // A ZFS that does not know one of them says so and nothing else; its receive will judge then.
  const { code, stdout } = await host.run(argv, { signal: ctx.signal });
  if (code !== 0) return null;
  return new Map(
    stdout.split('\n').flatMap((line) => {
      const [pool, property, value = ''] = line.split('\t');
      return property === undefined ? [] : [[`${pool} ${property.replace('feature@', '')}`, value] as const];
    }),
  );
}

/** Looks at the target's pool, and at the source's only where something is missing. */
export async function lackingFeatures(setup: Setup, ctx: RunContext): Promise<ReadonlySet<StreamFeature>> {
  const { source, target, options } = setup;
  const pool = poolOf(options.targetDataset);
  const known = complete.get(target) ?? new Set();
  complete.set(target, known);
  const key = `${setup.targetPoolGuid} ${pool}`;
  if (known.has(key)) return new Set();
  const there = await readStates(target, [pool], ctx);
  const missing = FEATURES.filter((feature) => there?.get(`${pool} ${feature}`) === 'disabled');
  if (there && missing.length === 0) known.add(key);
  if (missing.length === 0) return new Set();
  const pools = [...new Set(options.sourceDatasets.map(poolOf))];
  const here = await readStates(source, pools, ctx);
  const inUse = (feature: Feature): boolean =>
    !here || pools.some((name) => here.get(`${name} ${feature}`) === 'active');
  const lacks = (...features: Feature[]): boolean => features.some((one) => missing.includes(one) && inUse(one));
  const lacking = new Set<StreamFeature>();
  if (lacks('large_blocks')) lacking.add('largeBlocks');
  if (lacks('lz4_compress', 'zstd_compress')) lacking.add('compressedBlocks');
  // What is embedded is compressed with lz4 too.
  if (lacks('embedded_data', 'lz4_compress')) lacking.add('embeddedBlocks');
  if (missing.includes('encryption')) lacking.add('encryption');
  return lacking;
}
