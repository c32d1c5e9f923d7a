// Prints what this process, with the TZ that it was given, makes of the machine's zone: `Date` beside names and schedules.
import { formatSnapshotName, parseNamingSchema } from '../../../src/naming/schema';
import { machineZoneProblem } from '../../../src/time/machine-zone';
import { parseSchedule } from '../../../src/time/schedule';

const schema = parseNamingSchema('%Y-%m-%d_%H-%M');
const two = (value: number): string => String(value).padStart(2, '0');

function ofDate(date: Date): string {
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day}_${two(date.getHours())}-${two(date.getMinutes())}`;
}

const dates = ['2026-01-15T03:30:00Z', '2026-07-15T15:30:00Z', '2026-10-25T00:30:00Z'].map((text) => new Date(text));
const daily = parseSchedule({ schedule: '0 12 * * *' });
console.log(
  JSON.stringify({
    dates: dates.map(ofDate),
    names: dates.map((date) => formatSnapshotName(schema, date, '')),
    noons: dates.map((date) => daily?.nextRun(date)?.getHours()),
    problem: machineZoneProblem(),
  }),
);
