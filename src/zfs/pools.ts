// What pools can do: their features (zpool-features(7)).
import type { Host } from '../host/host';
import { parseValue } from './marked-values';

/**
 * `disabled`, `enabled` or `active`, by pool and feature. Null where they are not to be found out: a ZFS that does not know
 * one of the features says so and nothing else.
 */
export async function featureStates(
  host: Host,
  pools: readonly string[],
  features: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, Map<string, string>> | null> {
  const names = features.map((feature) => `feature@${feature}`).join(',');
  const argv = ['zpool', 'get', '-Hp', '-o', 'name,property,value', names, ...pools];
  const { code, stdout } = await host.run(argv, { signal });
  if (code !== 0) return null;
  const states = new Map(pools.map((pool) => [pool, new Map<string, string>()]));
  for (const line of stdout.split('\n')) {
    const { name = '', property = '', value = '' } = parseValue(line) ?? {};
    states.get(name)?.set(property.replace('feature@', ''), value);
  }
  return states;
}
