// Plans 100,000 snapshots and prints what that took; plan.size.test.ts starts it with little memory.
import { AUTO, HOUR, plan, series } from '../../../support/builders';

const snapshots = Array.from({ length: 20 }, (_, index) => series(5000, HOUR, { dataset: `tank/d${index}` })).flat();
const rules = [
  { type: 'every', period: 'hour', count: 24 },
  { type: 'every', period: 'day', count: 7 },
  { type: 'every', period: 'month', count: 12 },
  { type: 'age', value: 1, unit: 'week' },
] as const;
const before = process.cpuUsage();
const scope = { all: false, schemas: [AUTO], regex: null };
const { destroy, keep } = plan({ snapshots, rules, scope, timeZone: 'Europe/Zurich' });
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ planned: destroy.length + keep.length, seconds: (user + system) / 1e6 }));
