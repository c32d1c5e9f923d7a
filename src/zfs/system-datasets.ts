// Datasets that a machine keeps for itself, which nobody replicates by choice: where a NAS boots from and keeps its own state,
// and the layers of containers. Decides what a tree shows at first and nothing else: whoever names one gets it. Pure.

/** Pools that a TrueNAS boots from (truenas-api.md §3). */
const BOOT_POOLS: ReadonlySet<string> = new Set(['boot-pool', 'freenas-boot']);
/** Right below a pool: of the system, and of the apps of TrueNAS SCALE. */
const OF_THE_NAS: ReadonlySet<string> = new Set(['.system', 'ix-apps', 'ix-applications']);
/** What docker's storage driver `zfs` makes of each layer of an image. */
const DOCKER_LAYER = /^[0-9a-f]{64}(?:-init)?$/;

/** The dataset, or one that it lies below, is the machine's own. */
export function isSystemDataset(name: string): boolean {
  const [pool = '', second = '', ...others] = name.split('/');
  return BOOT_POOLS.has(pool) || OF_THE_NAS.has(second) || [second, ...others].some((part) => DOCKER_LAYER.test(part));
}
