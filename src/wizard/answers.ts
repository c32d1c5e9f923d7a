// What a person has answered in the wizard "Replicate…": its fields, with the properties' own values, and what follows from
// them. Plain data that both the tray and the tests fill; what is made of it is flow.ts. Runs in the browser. Pure.
import type { LifetimeUnit } from '../retention/plan/policy';
import { periodOf, TWICE } from './period';

export const STEPS = ['source', 'destination', 'security', 'schedule', 'lifetime', 'summary'] as const;
export type Step = (typeof STEPS)[number];

/** Values of the select `schedule` beside a cron expression of one's own. */
export const SCHEDULES = ['', '@hourly', '@daily', '@weekly', '@monthly', '@yearly', 'custom'] as const;

export const LIFETIME_UNITS: readonly LifetimeUnit[] = ['hour', 'day', 'week', 'month', 'year'];

/** Digits of a `hex` key. */
export const KEY_DIGITS = 64;

/** A connection that the wizard has set up and that is placed with the rest. What is secret of it is not in here. */
export interface NewConnection {
  id: string;
  /** Properties of a `zfs-ssh-connection`. */
  values: Readonly<Record<string, unknown>>;
}

type Values = Readonly<Record<string, unknown>>;

/** Properties of the nodes that the wizard starts from which it has no field for; they go into the new nodes as they are. */
export interface Carried {
  /** Of the `zfs-replicate`, and what comes from a message there (`<name>Type`) as long as its field is empty. */
  replicate: Values;
  /** Of the `zfs-snapshot` before it. */
  snapshot: Values;
  /** What belongs to the schedule, of whichever of them has it. */
  schedule: Values;
}

export const NOTHING_CARRIED: Carried = { replicate: {}, snapshot: {}, schedule: {} };

export interface Answers {
  /** Id of the task that the answers come from, '' = none. */
  startFrom: string;

  sourceConnection: string;
  sourceDatasets: readonly string[];
  recursive: boolean;
  exclude: readonly string[];
  snapshotSelection: 'all' | 'schema' | 'regex';
  /** The first also names new snapshots. */
  namingSchemas: readonly string[];
  nameRegex: string;
  /**
   * How old the newest snapshot was of that source which has the oldest newest one, as far as was counted: milliseconds, infinite
   * where one has none at all, null where nothing is known of it.
   */
  sourceIdle: number | null;
  /** Those that were not on their machine when they were counted. */
  sourceMissing: readonly string[];
  /** A node of its own takes snapshots by the schedule; null = what `takesSnapshots` makes of the rest. */
  takeSnapshots: boolean | null;
  /** Where no node of its own does: what a run does about snapshots. */
  createSnapshot: 'never' | 'ifNone' | 'always';

  targetConnection: string;
  targetDataset: string;
  encryption: 'none' | 'inherit' | 'key';
  encryptionKeyFormat: 'hex' | 'passphrase';
  /** The tray puts a random key into `encryptionKey`, and shows it once. */
  encryptionKeyGenerate: boolean;
  /** Secret: in no node, see `WizardFlow.credentials`. */
  encryptionKey: string;
  /** 'stored', or a path on the target. */
  encryptionKeyLocation: string;

  transport: 'auto' | 'ssh' | 'ssh+tls' | 'ssh+netcat';

  /** '' = once, by a button; one of `SCHEDULES`. */
  schedule: string;
  /** Where `schedule` is `custom`. */
  scheduleCron: string;
  scheduleTimeZone: string;
  readonly: 'set' | 'require' | 'ignore';
  /** A duration, '' = none; null = what `suggestedAlert` (alert.ts) says. */
  alertAfter: string | null;

  /** A whole number as typed, '' = kept for ever. */
  sourceLifetime: string;
  sourceLifetimeUnit: LifetimeUnit;
  targetRetention: 'none' | 'source' | 'custom';
  /** Where `targetRetention` is `custom`. */
  targetLifetime: string;
  targetLifetimeUnit: LifetimeUnit;

  name: string;
  /** Id of the tab, 'new' = a new one. */
  tab: string;

  connections: readonly NewConnection[];
  carried: Carried;
}

/** A new wizard's. `tab`: the one that is shown in the editor. */
export function defaultAnswers(tab = 'new'): Answers {
  return {
    startFrom: '',
    sourceConnection: '',
    sourceDatasets: [],
    recursive: false,
    exclude: [],
    snapshotSelection: 'all',
    namingSchemas: [],
    nameRegex: '',
    sourceIdle: null,
    sourceMissing: [],
    takeSnapshots: null,
    createSnapshot: 'ifNone',
    targetConnection: '',
    targetDataset: '',
    encryption: 'none',
    encryptionKeyFormat: 'hex',
    encryptionKeyGenerate: true,
    encryptionKey: '',
    encryptionKeyLocation: 'stored',
    transport: 'auto',
    schedule: '@daily',
    scheduleCron: '',
    scheduleTimeZone: '',
    readonly: 'set',
    alertAfter: null,
    sourceLifetime: '',
    sourceLifetimeUnit: 'week',
    targetRetention: 'none',
    targetLifetime: '',
    targetLifetimeUnit: 'week',
    name: '',
    tab,
    connections: [],
    carried: NOTHING_CARRIED,
  };
}

/** The property `schedule`: a preset, a cron expression, '' = once. */
export function scheduleOf({ schedule, scheduleCron }: Answers): string {
  return schedule === 'custom' ? scheduleCron.trim() : schedule;
}

export const isScheduled = ({ schedule }: Answers): boolean => schedule !== '';

/** Nobody has taken a snapshot of some source while this task would have been due twice, or for two days: so nobody does. */
export function isIdle(answers: Answers): boolean {
  const { sourceIdle } = answers;
  return sourceIdle !== null && sourceIdle > Math.max(TWICE[periodOf(scheduleOf(answers)) ?? 'day'], TWICE.day);
}

/**
 * Whether a `zfs-snapshot` node is wanted. As long as nobody says: for what this machine has, since nobody else may be
 * taking any, where nobody seems to take any, and whenever old ones are to go, which is that node's work. A regular expression
 * names no new ones.
 */
export function takesSnapshots(answers: Answers): boolean {
  if (!isScheduled(answers)) return false;
  const { takeSnapshots, snapshotSelection, sourceConnection, sourceLifetime } = answers;
  if (takeSnapshots !== null) return takeSnapshots;
  return snapshotSelection !== 'regex' && (sourceConnection === '' || isIdle(answers) || sourceLifetime !== '');
}

/** Nobody has said who takes the snapshots, and the task does for the lifetime alone. */
export const takesForLifetime = (answers: Answers): boolean =>
  takesSnapshots(answers) && answers.takeSnapshots === null && !takesSnapshots({ ...answers, sourceLifetime: '' });

/** Where a target dataset gets a key of its own that Node-RED keeps. */
export const storesKey = ({ encryption, encryptionKeyLocation }: Answers): boolean =>
  encryption === 'key' && encryptionKeyLocation === 'stored';

/** Where a key is made: from a secure random, in the browser. */
export const makesKey = (answers: Answers): boolean =>
  storesKey(answers) && answers.encryptionKeyFormat === 'hex' && answers.encryptionKeyGenerate;

/** As a `hex` key. `random` has 32 bytes of a secure generator. */
export function keyOf(random: Uint8Array): string {
  if (random.length * 2 !== KEY_DIGITS) throw new Error(`a key has ${KEY_DIGITS / 2} bytes`);
  return [...random].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The step that a field belongs to. */
export const STEP_OF: Readonly<Record<string, Step>> = {
  startFrom: 'source',
  sourceConnection: 'source',
  sourceDatasets: 'source',
  recursive: 'source',
  exclude: 'source',
  snapshotSelection: 'source',
  namingSchemas: 'source',
  nameRegex: 'source',
  takeSnapshots: 'source',
  createSnapshot: 'source',
  targetConnection: 'destination',
  targetDataset: 'destination',
  encryption: 'destination',
  encryptionKeyFormat: 'destination',
  encryptionKeyGenerate: 'destination',
  encryptionKey: 'destination',
  encryptionKeyLocation: 'destination',
  transport: 'security',
  schedule: 'schedule',
  scheduleCron: 'schedule',
  scheduleTimeZone: 'schedule',
  readonly: 'schedule',
  alertAfter: 'schedule',
  sourceLifetime: 'lifetime',
  sourceLifetimeUnit: 'lifetime',
  targetRetention: 'lifetime',
  targetLifetime: 'lifetime',
  targetLifetimeUnit: 'lifetime',
  name: 'summary',
  tab: 'summary',
};
