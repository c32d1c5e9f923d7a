// What a run may delete at all, and from what a snapshot's age is taken: names read by the scope's schemas and regex.
// The compiled scope is handed in (`compile.ts`), so that nothing here parses a schema or a pattern.
import type { SnapshotRecord } from '../../zfs/records';

export interface ScopeSchema {
  /** The schema as it was written. */
  readonly text: string;
  /** The instant (ms since the epoch) that a name of this schema says, null when the name does not fit. */
  readonly read: (name: string) => number | null;
}

export interface CompiledScope {
  readonly all: boolean;
  readonly schemas: readonly ScopeSchema[];
  readonly regex: RegExp | null;
}

/** A snapshot in scope with what the rules and guards look at. */
export interface Candidate {
  readonly record: SnapshotRecord;
  /** Indices of the scope's schemas that read the name. */
  readonly schemas: readonly number[];
  /** Milliseconds since the epoch that the age is counted from; null when that cannot be established. */
  readonly date: number | null;
  /** Why `date` is null, '' otherwise. */
  readonly undated: string;
  /** The same of the date in its name, null where there is none or more than one. */
  readonly named: number | null;
}

/** True for a scope that names nothing, and so allows nothing to be deleted. */
export function isEmptyScope(scope: CompiledScope): boolean {
  return !scope.all && scope.schemas.length === 0 && scope.regex === null;
}

/** ECMAScript dates end here; a creation beyond is damage or malice, and `Intl` would throw. */
export const MAX_DATE_MS = 8.64e15;

function creationDate(record: SnapshotRecord): Pick<Candidate, 'date' | 'undated'> {
  const date = (record.creation ?? NaN) * 1000;
  if (Math.abs(date) <= MAX_DATE_MS) return { date, undated: '' };
  return { date: null, undated: 'its creation date is not known' };
}

function nameDate(dates: readonly number[]): Pick<Candidate, 'date' | 'undated'> {
  const [date] = dates;
  if (date === undefined)
    return { date: null, undated: 'its name holds no date that a naming schema of the scope reads' };
  if (dates.some((other) => other !== date)) {
    return { date: null, undated: 'two naming schemas of the scope read different dates in its name' };
  }
  return { date, undated: '' };
}

/** The snapshot as a candidate, or null when the scope does not name it. */
export function candidateOf(
  record: SnapshotRecord,
  scope: CompiledScope,
  ageFrom: 'creation' | 'name',
): Candidate | null {
  const schemas: number[] = [];
  const dates: number[] = [];
  for (const [index, schema] of scope.schemas.entries()) {
    const date = schema.read(record.name);
    if (date === null || !(Math.abs(date) <= MAX_DATE_MS)) continue;
    schemas.push(index);
    dates.push(date);
  }
  if (!scope.all && schemas.length === 0 && !scope.regex?.test(record.name)) return null;
  const byName = nameDate(dates);
  return { record, schemas, named: byName.date, ...(ageFrom === 'name' ? byName : creationDate(record)) };
}
