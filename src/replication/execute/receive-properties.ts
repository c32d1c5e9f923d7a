// Which properties a received dataset gets: `-x` and `-o` of the receive, and – where ZFS refuses to send properties with
// a decrypted stream – the source's own, read here.
import { toZfsFlowError } from '../../base/errors';
import { DESTINATION_PROPERTY, destinationId, RAW_PROPERTY, rawMark } from '../../zfs/marks';
import { getEach } from '../../zfs/get';
import type { DatasetPlan, PlannedPair } from '../plan/plan-types';
import type { Run } from '../setup/run';
import { sends } from '../plan/plan-facts';

export interface ReceiveProperties {
  exclude: string[];
  set: Record<string, string>;
}

/** Properties by source dataset. */
export type CarriedProperties = ReadonlyMap<string, Readonly<Record<string, string>>>;

/**
 * What a stream without properties brings by itself (sizes, and what is fixed when a file system is made), and what is for
 * the options of encryption to say.
 */
const NEVER_CARRIED: ReadonlySet<string> = new Set([
  'casesensitivity',
  'encryption',
  'keyformat',
  'keylocation',
  'normalization',
  'pbkdf2iters',
  'utf8only',
  'version',
  'volblocksize',
  'volsize',
]);

/** Properties of ours describe a dataset, not its copies. */
const isOurs = (property: string): boolean => property.startsWith('zfsflow:');

/**
 * The properties set on (or received by) those source datasets whose stream cannot bring them. One round trip; none where
 * no dataset needs it. Throws the classified error of a failed command.
 */
export async function readCarriedProperties(
  { source: host, ctx }: Run,
  plans: readonly DatasetPlan[],
): Promise<CarriedProperties> {
  const needed = plans.filter((plan) => plan.carriesProperties && sends(plan));
  const requests = needed.map(({ source }) => ({ of: [source], properties: ['all'], sources: ['local', 'received'] }));
  const answers = await getEach(host, requests, { signal: ctx.signal });
  return new Map(
    needed.map(({ source }, index) => {
      const answer = answers[index] ?? new Error(`no properties of ${source}`);
      if (answer instanceof Error) throw toZfsFlowError(answer).with({ dataset: source });
      const carried = answer.filter(({ property }) => !NEVER_CARRIED.has(property) && !isOurs(property));
      return [source, Object.fromEntries(carried.map(({ property, value }) => [property, value]))];
    }),
  );
}

export interface PropertyInput extends PlannedPair {
  run: Run;
  carried: CarriedProperties;
  /** Encryption properties of a new encryption root; given only to the receive that makes the dataset. */
  newRoot: Readonly<Record<string, string>>;
  /** This receive makes the dataset. */
  creates: boolean;
}

/**
 * `-x` and `-o` of a receive: TrueNAS's excludes, the overrides, read-only on the root and inherited below, encryption of
 * a new dataset, the mark of a new chain. What does not apply to the type of dataset is left out by `receiveArgv`.
 */
export function receiveProperties(input: PropertyInput): ReceiveProperties {
  const { run, plan, pair, carried, newRoot, creates } = input;
  const { options } = run;
  const exclude = new Set(plan.properties ? options.propertiesExclude : []);
  const set: Record<string, string> = {};
  for (const [key, value] of Object.entries(carried.get(plan.source) ?? {})) {
    const kept = options.propertiesExclude.includes(key) || (key === 'readonly' && options.readonly !== 'ignore');
    if (!kept) set[key] = value;
  }
  Object.assign(set, options.propertiesOverride);
  if (options.readonly !== 'ignore') {
    // Below a read-only root the value is inherited; a child that has its own `off` is set too.
    if (plan.isRoot || pair.targetDataset?.readonly === false) set['readonly'] = 'on';
    else {
      delete set['readonly'];
      if (plan.properties) exclude.add('readonly');
    }
  }
  // What a source that is itself a copy was marked with says nothing about this copy.
  if (plan.properties) for (const key of Object.keys(pair.source.userProperties)) exclude.add(key);
  if (plan.initial) set[DESTINATION_PROPERTY] = destinationId(run.targetPoolGuid, options.targetDataset);
  if (plan.initial && pair.source.encryption !== 'off') set[RAW_PROPERTY] = rawMark(plan.raw, plan.target);
  // A clone has its origin's encryption; ZFS refuses to set another.
  if (creates && plan.encryption === 'key' && plan.origin === null) Object.assign(set, newRoot);
  // Without it a stream with properties stores plain text below an encrypted parent (shown on 2.1 and 2.4).
  else if (creates && plan.encryption !== 'none') exclude.add('encryption');
  for (const key of Object.keys(set)) exclude.delete(key);
  return { exclude: [...exclude], set };
}
