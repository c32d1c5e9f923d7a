// Which properties a received dataset gets: `-x` and `-o` of the receive, and – where ZFS refuses to send properties with
// a decrypted stream – the source's own, read here.
import { setArgv } from '../../zfs/change';
import { isUserProperty } from '../../zfs/marked-values';
import { DESTINATION_PROPERTY, destinationId, RAW_PROPERTY, rawMark } from '../../zfs/marks';
import { isFaithful, readSetProperties } from '../../zfs/get-all';
import type { DatasetPlan, PlannedPair } from '../plan/plan-types';
import type { Run } from '../setup/run';
import { sends } from '../plan/plan-facts';

export interface ReceiveProperties {
  exclude: string[];
  set: Record<string, string>;
  /** What is too long for the command line of a receive, which a shell passes as one argument: set after it. */
  later: Record<string, string>;
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
 * The properties set on (or received by) those source datasets whose stream cannot bring them. Two round trips; none where
 * no dataset needs it. What is no text is left out, and told to `warn`. Throws the classified error of a failed command.
 */
export async function readCarriedProperties(
  { source: host, ctx }: Run,
  plans: readonly DatasetPlan[],
  warn: (warnings: string[]) => void,
): Promise<CarriedProperties> {
  const needed = plans.filter((plan) => plan.carriesProperties && sends(plan)).map(({ source }) => source);
  const wanted = (property: string): boolean => !NEVER_CARRIED.has(property) && !isOurs(property);
  const request = { of: needed, sources: ['local' as const, 'received' as const] };
  const set = await readSetProperties(host, request, { wanted, signal: ctx.signal });
  return new Map(
    needed.map((source) => {
      const all = [...(set.get(source) ?? [])];
      const odd = all.filter(([, value]) => !isFaithful(value)).map(([property]) => property);
      if (odd.length > 0)
        warn([`properties of "${source}" are no text and were not set on its copy: ${odd.join(', ')}`]);
      return [source, Object.fromEntries(all.filter(([, value]) => isFaithful(value)))];
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
  return { exclude: [...exclude], ...byLength(set) };
}

/** Of the 120,000 characters that the login shell of a remote host is given at most. */
const LONGEST_VALUES = 40_000;

/** Characters that a value takes on a remote command line: what is no harmless one is written in up to seven. */
function quotedLength(value: string): number {
  return Buffer.byteLength(value) + 6 * Buffer.byteLength(value.replace(/[\w ./:,@=+-]/g, ''));
}

/** User properties mean nothing to ZFS: they, and only they, may come after the data. */
function byLength(all: Readonly<Record<string, string>>): Pick<ReceiveProperties, 'set' | 'later'> {
  const set: Record<string, string> = {};
  const later: Record<string, string> = {};
  let length = 0;
  for (const [property, value] of Object.entries(all)) {
    const more = property.length + quotedLength(value);
    const waits = isUserProperty(property) && !isOurs(property) && length + more > LONGEST_VALUES;
    if (waits) later[property] = value;
    else {
      set[property] = value;
      length += more;
    }
  }
  return { set, later };
}

/** The commands for `later`. */
export function laterArgvs(target: string, later: Readonly<Record<string, string>>): string[][] {
  return Object.entries(later).map(([property, value]) => setArgv(target, { [property]: value }));
}
