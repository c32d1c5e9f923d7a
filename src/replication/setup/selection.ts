// Which snapshots of the source are wanted on the target (pure): by naming schema, regex, and the schedule that their
// date must match. Which base they are sent from is `target-state.ts`; a filter never excludes a base.
import { DEFAULT_NAMING_SCHEMA } from '../../naming/presets';
import { formatSnapshotName, parseNamingSchema } from '../../naming/schema';
import { parseNamingSchemas, readSnapshotName } from '../../naming/schemas';
import { invalidOption } from '../../base/errors';
import { readRegExp } from '../../options/read';
import { parseCronSchedule, parseSchedule, type Schedule } from '../../time/schedule';
import type { SnapshotRecord } from '../../zfs/records';
import type { ReplicateOptions } from './options';

export interface Selection {
  /** `wants` looks at the snapshot's creation, so the listing must have it. */
  readonly needsCreation: boolean;
  wants(record: SnapshotRecord): boolean;
}

export type SelectionOptions = Pick<
  ReplicateOptions,
  | 'snapshotSelection'
  | 'namingSchemas'
  | 'nameRegex'
  | 'restrictSchedule'
  | 'restrictBegin'
  | 'restrictEnd'
  | 'onlyMatchingSchedule'
  | 'schedule'
  | 'timeZone'
>;

function compileSchedules(options: SelectionOptions): Schedule[] {
  const schedules: Schedule[] = [];
  if (options.restrictSchedule !== '') {
    schedules.push(
      parseCronSchedule(options.restrictSchedule, {
        timeZone: options.timeZone,
        begin: options.restrictBegin,
        end: options.restrictEnd,
        fields: { cron: 'restrictSchedule', timeZone: 'timeZone', begin: 'restrictBegin', end: 'restrictEnd' },
      }),
    );
  }
  if (options.onlyMatchingSchedule) {
    const own = parseSchedule(options.schedule);
    if (!own) throw invalidOption('onlyMatchingSchedule', 'onlyMatchingSchedule needs a schedule on this node');
    schedules.push(own);
  }
  return schedules;
}

/** Of snapshots that a run takes on the source, also where the node has no naming schema of its own. */
export function snapshotSchema(options: Pick<ReplicateOptions, 'namingSchemas'>): string {
  return options.namingSchemas[0] ?? DEFAULT_NAMING_SCHEMA;
}

/** Name of a snapshot that a run takes on the source at this time. */
export function newSnapshotName(options: Pick<ReplicateOptions, 'namingSchemas' | 'timeZone'>, at: Date): string {
  return formatSnapshotName(parseNamingSchema(snapshotSchema(options)), at, options.timeZone);
}

/** Whether it would be among those that are selected. */
export function selectsNew(
  selection: Selection,
  options: Pick<ReplicateOptions, 'namingSchemas' | 'timeZone'>,
  at: Date,
): boolean {
  const creation = Math.floor(at.getTime() / 1000);
  const name = newSnapshotName(options, at);
  return selection.wants({ dataset: '', kind: 'snapshot', name, guid: '0', createtxg: '0', creation });
}

/** Checks the options (INVALID_OPTIONS) and returns the filter that they describe. */
export function compileSelection(options: SelectionOptions): Selection {
  const bySchema = options.snapshotSelection === 'schema';
  if (bySchema && options.namingSchemas.length === 0) {
    throw invalidOption('namingSchemas', 'selecting by schema needs at least one naming schema');
  }
  const schemas = bySchema ? parseNamingSchemas(options.namingSchemas, 'namingSchemas') : [];
  const regex = options.snapshotSelection === 'regex' ? readRegExp(options.nameRegex, 'nameRegex') : null;
  if (options.snapshotSelection === 'regex' && !regex) {
    throw invalidOption('nameRegex', 'selecting by regular expression needs a regular expression');
  }
  const schedules = compileSchedules(options);

  const wants = (record: SnapshotRecord): boolean => {
    if (record.kind !== 'snapshot') return false;
    if (regex && !regex.test(record.name)) return false;
    let dates: readonly Date[] = record.creation === undefined ? [] : [new Date(record.creation * 1000)];
    if (bySchema) {
      const reading = readSnapshotName(schemas, record.name, options.timeZone);
      if (reading.kind === 'none') return false;
      dates = reading.kind === 'read' ? [reading.date] : reading.dates;
    }
    return schedules.every((schedule) => dates.some((date) => schedule.matches(date)));
  };
  return { needsCreation: schedules.length > 0 && !bySchema, wants };
}
