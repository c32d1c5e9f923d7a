// From the nodes of a task that there is, as the editor or a flow has them, to answers: everything but id, name and target.
// What the wizard has no field for is carried into the new nodes as it is. Pure.
import type { FieldTable } from '../options/field';
import { parsePolicy } from '../retention/read-policy';
import { suggestedAlert } from './alert';
import { defaultAnswers, LIFETIME_UNITS, SCHEDULES, storesKey, type Answers, type Carried } from './answers';
import { refusalOf } from './finding';
import type { WizardTables } from './flow';
import { isDynamic, replicateValues, snapshotValues } from './node-values';

/** Properties of a node; those that are missing have their defaults. */
export type StoredNode = Readonly<Record<string, unknown>>;

export interface Original {
  id: string;
  replicate: StoredNode;
  /** The `zfs-snapshot` whose result starts it. */
  snapshot?: StoredNode | undefined;
}

/** What a person has to be told of what was filled in. */
export type StartNote =
  /** A secret that stays with the original: its key has to be entered again. */
  | 'encryptionKey'
  /** The original's own retention of its snapshots is no single lifetime; it goes on as it is. */
  | 'sourceRetention'
  | 'targetRetention'
  /** The snapshots before it are of other datasets than it replicates; the new task takes its own. */
  | 'snapshotDiffers';

export interface Start {
  answers: Answers;
  notes: StartNote[];
  /** Names of properties that go into the new nodes without a field of the wizard. */
  carried: string[];
}

const SCHEDULE_EXTRAS: readonly string[] = ['scheduleBegin', 'scheduleEnd', 'runOnDeploy', 'catchUp'];
const SCHEDULE = ['schedule', 'scheduleTimeZone', ...SCHEDULE_EXTRAS];
/** Properties that the wizard has fields for. */
const REPLICATE_FIELDS: ReadonlySet<string> = new Set([
  'sourceConnection',
  'sourceDatasets',
  'recursive',
  'exclude',
  'snapshotSelection',
  'createSnapshot',
  'targetConnection',
  'encryption',
  'encryptionKeyFormat',
  'encryptionKeyLocation',
  'transport',
  'readonly',
  'targetRetention',
  'alertAfter',
]);
const SNAPSHOT_FIELDS: ReadonlySet<string> = new Set(['connection', 'recursive', 'exclude']);
/** Of the node, and not of what it does; the datasets of its snapshots are those that it replicates. */
const OWN: ReadonlySet<string> = new Set(['version', 'name', 'targetDataset', 'datasets']);

type ChoiceField =
  | 'snapshotSelection'
  | 'createSnapshot'
  | 'encryption'
  | 'encryptionKeyFormat'
  | 'transport'
  | 'readonly'
  | 'targetRetention';

/** Reads properties as the runtime would: a missing one is its default, what cannot be read too. */
class Reader {
  constructor(
    readonly node: StoredNode,
    readonly table: FieldTable,
  ) {}

  /** As it is stored; null means the default where it is not one. */
  readonly raw = (name: string): unknown => this.node[name] ?? this.table[name]?.default;

  text(name: string): string {
    const value = isDynamic(this.node, name) ? '' : this.raw(name);
    return typeof value === 'string' ? value : '';
  }

  list(name: string): string[] {
    const value = isDynamic(this.node, name) ? [] : this.raw(name);
    return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
  }

  flag(name: string): boolean {
    const value = this.raw(name);
    return value === true || value === 'true';
  }

  /** One of the values that the field has. */
  choice<K extends ChoiceField>(name: K): Answers[K] {
    const value = this.raw(name);
    const { choices = [], default: otherwise } = this.table[name] ?? {};
    return (choices.includes(value as string) ? value : otherwise) as Answers[K];
  }
}

/** The answers that make the same task again, as far as the wizard has fields; `tab`: where the new one is to go. */
export function startFrom(original: Original, tables: WizardTables, tab = 'new'): Start {
  const replicate = new Reader(original.replicate, tables['zfs-replicate']);
  const snapshot = original.snapshot && new Reader(original.snapshot, tables['zfs-snapshot']);
  const notes = new Set<StartNote>();
  const answers: Answers = {
    ...defaultAnswers(tab),
    startFrom: original.id,
    ...sourceAnswers(replicate),
    ...targetAnswers(replicate, notes),
    ...scheduleAnswers(replicate, snapshot),
    ...(snapshot === undefined ? {} : snapshotAnswers(snapshot, replicate, notes)),
  };
  if (storesKey(answers)) notes.add('encryptionKey');
  if (answers.alertAfter === suggestedAlert(answers)) answers.alertAfter = null;
  const carried = carriedOf(answers, replicate, snapshot);
  return { answers: { ...answers, carried }, notes: [...notes], carried: namesOf(carried) };
}

function sourceAnswers(node: Reader): Partial<Answers> {
  const snapshotSelection = node.choice('snapshotSelection');
  return {
    sourceConnection: node.text('sourceConnection'),
    sourceDatasets: node.list('sourceDatasets'),
    recursive: node.flag('recursive'),
    exclude: node.list('exclude'),
    snapshotSelection,
    namingSchemas: snapshotSelection === 'schema' ? node.list('namingSchemas') : [],
    nameRegex: snapshotSelection === 'regex' ? node.text('nameRegex') : '',
    createSnapshot: node.choice('createSnapshot'),
  };
}

function targetAnswers(node: Reader, notes: Set<StartNote>): Partial<Answers> {
  const encryption = node.choice('encryption');
  const targetRetention = node.choice('targetRetention');
  const age = ageOf(node, 'targetRetentionPolicy');
  if (targetRetention === 'custom' && age === null) notes.add('targetRetention');
  return {
    targetConnection: node.text('targetConnection'),
    encryption,
    ...(encryption === 'key'
      ? {
          encryptionKeyFormat: node.choice('encryptionKeyFormat'),
          encryptionKeyLocation: node.text('encryptionKeyLocation'),
          encryptionKeyGenerate: false,
        }
      : {}),
    transport: node.choice('transport'),
    readonly: node.choice('readonly'),
    alertAfter: node.text('alertAfter'),
    targetRetention,
    ...(targetRetention === 'custom' && age !== null
      ? { targetLifetime: age.value, targetLifetimeUnit: age.unit }
      : {}),
  };
}

/** A policy that keeps everything for so long, and nothing else. */
function ageOf(node: Reader, name: string): { value: string; unit: Answers['sourceLifetimeUnit'] } | null {
  let found: ReturnType<typeof ageOf> = null;
  refusalOf(() => {
    const [rule, ...others] = parsePolicy(node.node, name).keep;
    if (rule?.type !== 'age' || others.length > 0 || !LIFETIME_UNITS.includes(rule.unit)) return;
    found = { value: String(rule.value), unit: rule.unit };
  });
  return found;
}

/** Of the node that runs by itself: the snapshots, if they do. */
function scheduleAnswers(replicate: Reader, snapshot: Reader | undefined): Partial<Answers> {
  const node = scheduledNode(replicate, snapshot);
  const schedule = node.text('schedule');
  const isPreset = SCHEDULES.some((preset) => preset === schedule && preset !== 'custom');
  return {
    schedule: isPreset ? schedule : 'custom',
    scheduleCron: isPreset ? '' : schedule,
    scheduleTimeZone: schedule === '' ? '' : node.text('scheduleTimeZone'),
    takeSnapshots: snapshot !== undefined && (node === snapshot || schedule === ''),
  };
}

const scheduledNode = (replicate: Reader, snapshot: Reader | undefined): Reader =>
  snapshot !== undefined && snapshot.text('schedule') !== '' ? snapshot : replicate;

function snapshotAnswers(snapshot: Reader, replicate: Reader, notes: Set<StartNote>): Partial<Answers> {
  const same = (own: unknown, other: unknown): boolean => JSON.stringify(own) === JSON.stringify(other);
  const isSame =
    same(snapshot.raw('connection'), replicate.raw('sourceConnection')) &&
    same(snapshot.raw('datasets'), replicate.raw('sourceDatasets')) &&
    snapshot.flag('recursive') === replicate.flag('recursive') &&
    same(snapshot.raw('exclude'), replicate.raw('exclude'));
  if (!isSame) notes.add('snapshotDiffers');
  const age = ageOf(snapshot, 'retention');
  if (age === null && hasRules(snapshot)) notes.add('sourceRetention');
  // The first schema names what is taken.
  const taken = snapshot.text('namingSchema');
  const schemas = replicate.choice('snapshotSelection') === 'schema' ? replicate.list('namingSchemas') : [];
  return {
    // "never" only because there are snapshots before it.
    ...(replicate.choice('createSnapshot') === 'never' ? { createSnapshot: 'ifNone' } : {}),
    ...(age === null ? {} : { sourceLifetime: age.value, sourceLifetimeUnit: age.unit }),
    ...(schemas.indexOf(taken) > 0 ? { namingSchemas: [taken, ...schemas.filter((one) => one !== taken)] } : {}),
  };
}

/** Something of it can go; also where the rules cannot be read, which is told then. */
function hasRules(snapshot: Reader): boolean {
  const policy = snapshot.raw('retention') ?? '';
  if (policy === '') return false;
  let count = -1;
  refusalOf(() => {
    count = parsePolicy({ policy }).keep.length;
  });
  return count !== 0;
}

/** What the nodes have beyond what the answers make of them. */
function carriedOf(answers: Answers, replicate: Reader, snapshot: Reader | undefined): Carried {
  const scheduled = scheduledNode(replicate, snapshot);
  const isScheduled = scheduled.text('schedule') !== '';
  const schedule = isScheduled ? beyond(scheduled, {}, (name) => !SCHEDULE_EXTRAS.includes(name)) : {};
  const keepsAge = answers.targetLifetime !== '' || answers.targetRetention !== 'custom';
  const ofReplicate = beyond(replicate, replicateValues(answers), (name) => {
    if (isScheduled && scheduled === replicate && SCHEDULE.includes(name)) return true;
    if (name === 'namingSchemas') return answers.snapshotSelection === 'schema';
    if (name === 'nameRegex') return answers.snapshotSelection === 'regex';
    return name === 'targetRetentionPolicy' ? keepsAge : REPLICATE_FIELDS.has(name);
  });
  const sofar = { ...answers, carried: { replicate: ofReplicate, snapshot: {}, schedule } };
  if (snapshot === undefined) return sofar.carried;
  const made = snapshotValues({ ...sofar, schedule: '@daily', takeSnapshots: true }) ?? {};
  const ofSnapshot = beyond(snapshot, made, (name) => {
    if (isScheduled && scheduled === snapshot && SCHEDULE.includes(name)) return true;
    if (name === 'namingSchema') return answers.snapshotSelection === 'schema';
    return name === 'retention' ? !hasRules(snapshot) || answers.sourceLifetime !== '' : SNAPSHOT_FIELDS.has(name);
  });
  return { ...sofar.carried, snapshot: ofSnapshot };
}

/** What a node has and `made` has not, without the properties that `isOwned` by the answers; what a message decides always. */
function beyond(
  { node, table, raw }: Reader,
  made: StoredNode,
  isOwned: (name: string) => boolean,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(table)) {
    if (OWN.has(name)) continue;
    if (isDynamic(node, name)) Object.assign(found, { [name]: node[name], [`${name}Type`]: node[`${name}Type`] });
    else if (!isOwned(name) && JSON.stringify(raw(name)) !== JSON.stringify(made[name] ?? field.default)) {
      found[name] = raw(name);
    }
  }
  return found;
}

function namesOf({ replicate, snapshot, schedule }: Carried): string[] {
  const names = [replicate, snapshot, schedule].flatMap((values) => Object.keys(values));
  return [...new Set(names.filter((name) => !names.includes(name.replace(/Type$/, '')) || !name.endsWith('Type')))];
}
