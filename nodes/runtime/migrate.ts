// Brings a node's stored configuration up to the version that this package writes. Pure: a flow file is never changed
// by it, the editor saves the new form when somebody deploys the node.
import { invalidOption } from '../../src/base/errors';
import { CONFIG_VERSION } from '../node-options';

export type Config = Readonly<Record<string, unknown>>;

/** `steps[n]` makes version n + 1 of version n. */
export type Migrations = Readonly<Record<number, (config: Config) => Config>>;

/** There has been one version so far. */
const MIGRATIONS: Migrations = {};

/**
 * The configuration in today's form. A missing version is 1. Throws INVALID_OPTIONS (field `version`) for one that is
 * newer than this package, since nobody here knows what its properties mean.
 */
export function migrate<C extends Config>(config: C, steps: Migrations = MIGRATIONS, current = CONFIG_VERSION): C {
  let version = config['version'] === undefined ? 1 : Number(config['version']);
  if (!Number.isInteger(version) || version < 1 || version > current) {
    throw invalidOption(
      'version',
      `this node was made by another version of the package (configuration ${String(config['version'])})`,
      `this package knows configurations up to version ${current}: update it`,
    );
  }
  let result: Config = config;
  for (; version < current; version++) result = steps[version]?.(result) ?? result;
  return { ...result, version: current } as unknown as C;
}
