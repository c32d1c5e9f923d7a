// From answers to the properties of the two nodes: taking the snapshots, and replicating them. Pure.
import { DEFAULT_NAMING_SCHEMA } from '../naming/presets';
import type { RetentionPolicy } from '../retention/plan/policy';
import { suggestedAlert } from './alert';
import { isScheduled, scheduleOf, takesSnapshots, type Answers, type Carried } from './answers';
import { suggestedName } from './name';

export type NodeValues = Record<string, unknown>;

/** Where a property comes from that a message may decide, if not from its literal. */
const LITERALS: ReadonlySet<unknown> = new Set([undefined, '', 'str', 'num', 'bool', 'json', 'list']);

/** Properties that a node starts from and that come from a message, a context or the environment there. */
export function isDynamic(values: Readonly<Record<string, unknown>>, name: string): boolean {
  return !LITERALS.has(values[`${name}Type`]);
}

/** What a field of the wizard gives, unless it is empty and the task that it starts from looks elsewhere. */
function orCarried(name: string, value: string | readonly string[], { replicate }: Carried): NodeValues {
  if (value.length > 0 || !isDynamic(replicate, name)) return { [name]: value };
  return { [name]: replicate[name], [`${name}Type`]: replicate[`${name}Type`] };
}

/** Without what comes from a message: that is looked at field by field. */
function literalsOf({ replicate }: Carried): NodeValues {
  const names = ['sourceDatasets', 'targetDataset', 'namingSchemas', 'nameRegex'].filter((name) =>
    isDynamic(replicate, name),
  );
  const dynamic = new Set(names.flatMap((name) => [name, `${name}Type`]));
  return Object.fromEntries(Object.entries(replicate).filter(([name]) => !dynamic.has(name)));
}

/** Kept for so long; null where the person did not say. */
function lifetime(value: string, unit: string): RetentionPolicy | null {
  if (value.trim() === '') return null;
  return { keep: [{ type: 'age', value: Number(value), unit: unit as 'day' }] };
}

/** Naming schema of the snapshots that the wizard's nodes take; '' where only a message says it. */
export function newSchema(answers: Answers): string {
  const { namingSchema, namingSchemaType } = schemaValues(answers);
  return isDynamic({ namingSchemaType }, 'namingSchema') ? '' : String(namingSchema);
}

function schemaValues(answers: Answers): NodeValues {
  const { snapshotSelection, namingSchemas, carried } = answers;
  const [first] = namingSchemas;
  if (snapshotSelection === 'schema' && first !== undefined) return { namingSchema: first };
  const { namingSchema, namingSchemaType } = carried.snapshot;
  if (typeof namingSchema === 'string' && namingSchema !== '') {
    return { namingSchema, ...(namingSchemaType === undefined ? {} : { namingSchemaType }) };
  }
  return { namingSchema: ownSchema(answers) };
}

/** Naming schema of the snapshots that the replication takes itself. */
export function ownSchema({ snapshotSelection, namingSchemas, carried }: Answers): string {
  const names: unknown = snapshotSelection === 'schema' ? namingSchemas : literalsOf(carried)['namingSchemas'];
  const name: unknown = Array.isArray(names) ? names[0] : undefined;
  return typeof name === 'string' && name !== '' ? name : DEFAULT_NAMING_SCHEMA;
}

/** Of the node that runs by itself. */
function scheduleValues(answers: Answers): NodeValues {
  const { carried, scheduleTimeZone } = answers;
  if (!isScheduled(answers)) return {};
  return { ...carried.schedule, schedule: scheduleOf(answers), scheduleTimeZone };
}

/** Properties of the `zfs-snapshot`; null where none is wanted. */
export function snapshotValues(answers: Answers): NodeValues | null {
  if (!takesSnapshots(answers)) return null;
  const { carried, sourceConnection, sourceDatasets, recursive, exclude, scheduleTimeZone } = answers;
  const { sourceLifetime, sourceLifetimeUnit } = answers;
  const retention = lifetime(sourceLifetime, sourceLifetimeUnit);
  const from = orCarried('sourceDatasets', sourceDatasets, carried);
  const { sourceDatasets: datasets, sourceDatasetsType: datasetsType } = from;
  const { namingSchemaType: _its, ...others } = carried.snapshot;
  return {
    timeZone: scheduleTimeZone,
    ...others,
    connection: sourceConnection,
    datasets,
    ...(datasetsType === undefined ? {} : { datasetsType }),
    recursive,
    exclude,
    ...schemaValues(answers),
    ...(retention === null ? {} : { retention }),
    ...scheduleValues(answers),
  };
}

/** The target's own policy. A custom one that nobody has said anything of stays what the task has that it starts from. */
function targetRetention({ targetRetention, targetLifetime, targetLifetimeUnit }: Answers): NodeValues {
  const policy = targetRetention === 'custom' ? lifetime(targetLifetime, targetLifetimeUnit) : null;
  return { targetRetention, ...(policy === null ? {} : { targetRetentionPolicy: policy }) };
}

function sourceValues(answers: Answers): NodeValues {
  const { carried, sourceConnection, sourceDatasets, recursive, exclude } = answers;
  const { snapshotSelection, namingSchemas, nameRegex, createSnapshot } = answers;
  return {
    sourceConnection,
    ...orCarried('sourceDatasets', sourceDatasets, carried),
    recursive,
    exclude,
    snapshotSelection,
    ...(snapshotSelection === 'schema' ? orCarried('namingSchemas', namingSchemas, carried) : {}),
    ...(snapshotSelection === 'regex' ? orCarried('nameRegex', nameRegex, carried) : {}),
    createSnapshot: takesSnapshots(answers) ? 'never' : createSnapshot,
  };
}

function encryptionValues({ encryption, encryptionKeyFormat, encryptionKeyLocation }: Answers): NodeValues {
  return { encryption, ...(encryption === 'key' ? { encryptionKeyFormat, encryptionKeyLocation } : {}) };
}

/** Properties of the `zfs-replicate`. */
export function replicateValues(answers: Answers): NodeValues {
  const { carried, targetConnection, targetDataset, transport, readonly, scheduleTimeZone } = answers;
  const follows = takesSnapshots(answers);
  return {
    // Names are read in the zone that they are written in, and what comes while a long first copy runs is not lost.
    ...(follows ? { timeZone: scheduleTimeZone, overlap: 'queue' } : {}),
    ...literalsOf(carried),
    name: nameOf(answers),
    ...sourceValues(answers),
    targetConnection,
    ...orCarried('targetDataset', targetDataset, carried),
    ...encryptionValues(answers),
    transport,
    readonly,
    ...targetRetention(answers),
    ...(follows ? {} : scheduleValues(answers)),
    alertAfter: answers.alertAfter ?? suggestedAlert(answers),
  };
}

export const nameOf = ({ name, sourceDatasets, targetDataset }: Answers): string =>
  name.trim() === '' ? suggestedName(sourceDatasets, targetDataset) : name.trim();
