// Whether another node takes the same snapshots at the same time: the second of the two finds the name taken each time, and
// what waits for its snapshots never runs. Pure.
import { checkCron, type CronFields } from '../time/cron-guard';
import { isWithin } from '../zfs/records';
import type { Answers } from './answers';
import type { Finding, Surroundings } from './finding';
import { isDynamic, snapshotValues, type NodeValues } from './node-values';

const DEFAULTS: NodeValues = { connection: '', recursive: false, enabled: true, schedule: '', scheduleTimeZone: '' };

export function twinProblems(answers: Answers, { snapshots = [], tables }: Surroundings): Finding[] {
  const own = snapshotValues(answers);
  if (own === null) return [];
  const namingSchema = tables['zfs-snapshot']['namingSchema']?.default;
  const full = (values: Readonly<Record<string, unknown>>): NodeValues => ({ ...DEFAULTS, namingSchema, ...values });
  const twin = snapshots.find(({ values }) => areTwins(full(own), full(values)));
  if (twin === undefined) return [];
  return [{ field: 'schedule', key: 'sameSnapshots', values: { name: twin.name }, level: 'warn' }];
}

function areTwins(own: NodeValues, other: NodeValues): boolean {
  if (isDynamic(other, 'datasets') || isDynamic(other, 'namingSchema') || other['enabled'] === false) return false;
  const same = ['connection', 'namingSchema', 'scheduleTimeZone'].every((name) => own[name] === other[name]);
  return same && overlap(own, other) && isSameTime(own['schedule'], other['schedule']);
}

function overlap(own: NodeValues, other: NodeValues): boolean {
  const reaches = (values: NodeValues, dataset: string): boolean =>
    namesOf(values).some((root) => dataset === root || (values['recursive'] === true && isWithin(dataset, root)));
  return (
    namesOf(own).some((dataset) => reaches(other, dataset)) || namesOf(other).some((dataset) => reaches(own, dataset))
  );
}

const namesOf = ({ datasets }: NodeValues): string[] =>
  Array.isArray(datasets) ? datasets.filter((name): name is string => typeof name === 'string') : [];

/** Written alike, or as a preset and what it stands for. */
function isSameTime(own: unknown, other: unknown): boolean {
  const [one, two] = [fieldsOf(own), fieldsOf(other)];
  return one !== null && JSON.stringify(one) === JSON.stringify(two);
}

function fieldsOf(expression: unknown): CronFields | null {
  if (typeof expression !== 'string' || expression === '') return null;
  try {
    return checkCron(expression);
  } catch {
    return null;
  }
}
