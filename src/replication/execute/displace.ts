// The commands of rotate, recreate and renames on the target. Each leaves a state from which the next run goes on: the
// mark comes before the rename, so that what was set aside is always known for ours, and nothing is destroyed here.
import { runBatch } from '../../zfs/batch';
import {
  cloneSnapshot,
  inheritArgv,
  inheritProperty,
  promoteClone,
  renameArgv,
  renameDataset,
  setArgv,
  setProperties,
} from '../../zfs/change';
import { getProperty } from '../../zfs/get';
import { isFaithful, readSetProperties } from '../../zfs/get-all';
import { replacedMark, REPLACED_PROPERTY } from '../../zfs/marks';
import type { Preparation, Step } from './preparation';
import { markWarning } from '../report/mark-warning';

/**
 * Set on an old copy itself, and not for its successor: what a clone takes from its origin or cannot be set, reservations
 * (both copies would have them), our marks, and `canmount`, which comes last.
 */
const NOT_CARRIED: ReadonlySet<string> = new Set([
  'canmount',
  'encryption',
  'keyformat',
  'keylocation',
  'pbkdf2iters',
  'refreservation',
  'reservation',
  'volblocksize',
  'volsize',
  REPLACED_PROPERTY,
]);

function say({ run, plan }: Preparation, message: string): void {
  run.ctx.emit({ event: 'warning', level: 'warn', dataset: plan.source, message });
}

/** Marks the target, then renames it with everything below it. */
export async function setAside(preparation: Preparation, { to, mode }: Step<'setAside'>): Promise<void> {
  const { run, plan } = preparation;
  const { target } = plan;
  say(preparation, `sets "${target}" aside as "${to}" (${mode})`);
  const options = { dataset: plan.source, signal: run.ctx.signal };
  const mark = replacedMark({ dstId: plan.dstId, mode }, to);
  await setProperties(run.target, target, { [REPLACED_PROPERTY]: mark }, options);
  try {
    await renameDataset(run.target, target, to, options);
  } catch (error) {
    // Where it was not renamed, it is still the copy; a failure of this changes nothing, for its name says the same.
    await inheritProperty(run.target, target, REPLACED_PROPERTY, { timeoutMs: 15_000 }).catch(() => undefined);
    throw error;
  }
}

/** The properties set on a dataset itself. */
async function localProperties({ run, plan, warn }: Preparation, dataset: string): Promise<Map<string, string>> {
  const asked = { of: [dataset], sources: ['local' as const] };
  const options = { wanted: () => true, dataset: plan.source, signal: run.ctx.signal };
  const set = (await readSetProperties(run.target, asked, options)).get(dataset) ?? new Map<string, string>();
  const odd = [...set].filter(([, value]) => !isFaithful(value)).map(([property]) => property);
  if (odd.length > 0) warn([`not text, and so not carried over from "${dataset}": ${odd.join(', ')}`]);
  return new Map([...set].filter(([, value]) => isFaithful(value)));
}

/** `promote` and `rename` and what else is left when the clone is there. */
async function settle(
  preparation: Preparation,
  old: string,
  properties: ReadonlyMap<string, string>,
  moves: Step<'cloneBack'>['moves'],
): Promise<void> {
  const { run, plan } = preparation;
  const { target } = plan;
  const set = [...properties].filter(([property]) => !NOT_CARRIED.has(property));
  const canmount = properties.get('canmount');
  const last =
    plan.type === 'volume'
      ? []
      : canmount === undefined
        ? [inheritArgv(target, 'canmount', { received: true })]
        : [setArgv(target, { canmount })];
  // The first receive of a stream with properties takes local ones of a dataset that never received any for leftovers,
  // and removes them (zfs_ioc_recv_impl, `$hasrecvd`): what it does not set itself is set once more after it.
  const overridden = new Set(['readonly', ...Object.keys(run.options.propertiesOverride)]);
  const again = set.filter(([property]) => !overridden.has(property));
  preparation.afterwards.push(...again.map(([property, value]) => setArgv(target, { [property]: value })));
  const argvs = [
    ...set.map(([property, value]) => setArgv(target, { [property]: value })),
    ...last,
    // Both have the mount point now; the copy in use is the one to be mounted there.
    ...(properties.has('mountpoint') ? [setArgv(old, { canmount: 'noauto' })] : []),
    ...moves.map(({ from, to }) => renameArgv(from, to)),
  ];
  await restore(preparation, argvs);
}

/** What belonged to the old copy; a failure of it is a warning. */
export async function restore({ run, warn }: Preparation, argvs: readonly string[][]): Promise<void> {
  const errors = await runBatch(run.target, argvs, { signal: run.ctx.signal });
  const warning = markWarning('restore what belonged to the old copy', run.target.label, errors);
  if (warning !== null) warn([warning]);
}

/**
 * A clone of the common snapshot in the target's place, promoted so that the next incremental is accepted
 * (replication.md §6), with the properties that were set on the old copy itself.
 */
export async function cloneBack(preparation: Preparation, step: Step<'cloneBack'>): Promise<void> {
  const { run, plan } = preparation;
  const { target } = plan;
  const properties = await localProperties(preparation, step.from);
  // Never mounted by `zfs clone` itself: something may be where its mount point is.
  const first = {
    ...(plan.type === 'filesystem' ? { canmount: 'noauto' } : {}),
    ...(properties.get('readonly') === 'on' ? { readonly: 'on' } : {}),
  };
  const options = { dataset: plan.source, signal: run.ctx.signal };
  const snapshot = `${step.from}@${step.snapshot}`;
  await cloneSnapshot(run.target, { snapshot, clone: target, properties: first }, options);
  await promoteClone(run.target, target, options);
  await settle(preparation, step.from, properties, step.moves);
}

/** Finishes what an interrupted `cloneBack` began. */
export async function promote(preparation: Preparation): Promise<void> {
  const { run, plan } = preparation;
  const options = { dataset: plan.source, signal: run.ctx.signal };
  const origin = await getProperty(run.target, plan.target, 'origin', options);
  const old = origin.split('@')[0] ?? origin;
  const properties = await localProperties(preparation, old);
  await promoteClone(run.target, plan.target, options);
  await settle(preparation, old, properties, []);
}

/** Renames a dataset, with everything below it, to the target. */
export async function renameTarget(preparation: Preparation, from: string, why: string): Promise<void> {
  const { run, plan } = preparation;
  say(preparation, `renames "${from}" to "${plan.target}": ${why}`);
  await renameDataset(run.target, from, plan.target, { dataset: plan.source, signal: run.ctx.signal });
}
