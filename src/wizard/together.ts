// What is wrong with answers that are fine one by one: the engine refuses the same (check-options.ts of the replication), or
// would find out only when it runs. Pure.
import { parseNamingSchemas, readSnapshotName } from '../naming/schemas';
import { formatSnapshotName, parseNamingSchema } from '../naming/schema';
import { readRegExp } from '../options/read';
import { checkCronSchedule } from '../time/check-schedule';
import { overlapping } from '../zfs/mapping';
import { compileExcludes } from '../zfs/names';
import { isWithin } from '../zfs/records';
import { takesSnapshots, type Answers } from './answers';
import { newSchema, ownSchema, replicateValues, type NodeValues } from './node-values';
import { refusalOf, type Finding, type Surroundings } from './finding';

/** Of a snapshot that a schema is tried with; any time will do. */
const SOME_TIME = new Date(Date.UTC(2026, 10, 26, 3, 0, 0));

export function togetherProblems(answers: Answers, around: Surroundings): Finding[] {
  const values = replicateValues(answers);
  return [
    ...datasetProblems(answers, values),
    ...nameProblems(answers),
    ...wayProblems(answers, around),
    ...carriedTogether(answers, values),
  ];
}

function datasetProblems(answers: Answers, values: NodeValues): Finding[] {
  const { sourceDatasets, sourceConnection, targetDataset, targetConnection, exclude } = answers;
  const recursive = answers.recursive || values['fullFilesystem'] === true;
  const found: Finding[] = [];
  const excluded = sourceDatasets.find((dataset) => leavesOut(exclude, dataset));
  if (excluded !== undefined) found.push({ field: 'exclude', key: 'excludesSource', values: { value: excluded } });
  if (sourceConnection !== targetConnection) return found;
  const source = overlapping(sourceDatasets, targetDataset, recursive);
  if (source !== undefined) found.push({ field: 'targetDataset', key: 'overlap', values: { source } });
  return found;
}

function leavesOut(exclude: readonly string[], dataset: string): boolean {
  let excluded = false;
  // What is no pattern is told elsewhere.
  refusalOf(() => {
    excluded = compileExcludes(exclude)(dataset);
  });
  return excluded;
}

/** Snapshots that the task takes and then would not replicate. */
function nameProblems(answers: Answers): Finding[] {
  const takes = takesSnapshots(answers);
  if (!takes && answers.createSnapshot !== 'always') return [];
  const name = takenName(takes ? newSchema(answers) : ownSchema(answers));
  if (name === null || isSelected(answers, name)) return [];
  return [{ field: takes ? 'takeSnapshots' : 'createSnapshot', key: 'unselected', values: { name } }];
}

function takenName(schema: string): string | null {
  let name: string | null = null;
  refusalOf(() => {
    name = formatSnapshotName(parseNamingSchema(schema), SOME_TIME, 'UTC');
  });
  return name;
}

function isSelected({ snapshotSelection, namingSchemas, nameRegex }: Answers, name: string): boolean {
  if (snapshotSelection === 'all') return true;
  if (snapshotSelection === 'schema') {
    let read = true;
    refusalOf(() => {
      read = readSnapshotName(parseNamingSchemas(namingSchemas), name, 'UTC').kind !== 'none';
    });
    return read || namingSchemas.length === 0;
  }
  let matches = true;
  refusalOf(() => {
    matches = readRegExp(nameRegex, 'nameRegex')?.test(name) ?? true;
  });
  return matches;
}

/** How the data travels. */
function wayProblems(answers: Answers, { connections }: Surroundings): Finding[] {
  const { transport, sourceConnection, targetConnection } = answers;
  if (transport !== 'ssh+tls' && transport !== 'ssh+netcat') return [];
  const ends = [sourceConnection, targetConnection].filter((id) => id !== '');
  if (ends.length === 0) return [];
  const jumps = ends.some((id) => {
    const drawn = answers.connections.find((one) => one.id === id)?.values ?? connections?.get(id);
    return typeof drawn?.['jumpConnection'] === 'string' && drawn['jumpConnection'] !== '';
  });
  if (jumps) return [{ field: 'transport', key: 'transportJump' }];
  return transport === 'ssh+netcat' ? [{ field: 'transport', key: 'transportPlain', level: 'warn' }] : [];
}

/** What properties of the task that it starts from do to the answers. */
function carriedTogether(answers: Answers, values: NodeValues): Finding[] {
  const found: Finding[] = [];
  const add = (field: string, key: string, property: string): void => {
    found.push({ field, key, values: { property } });
  };
  const { encryption, sourceConnection, targetConnection, transport } = answers;
  if (encryption !== 'none' && values['raw'] === 'always') add('encryption', 'notRaw', 'raw');
  const side = values['netcatActiveSide'];
  const isMixed = (sourceConnection === '') !== (targetConnection === '');
  if (transport.startsWith('ssh+') && (side === 'local' || side === 'remote') && !isMixed) {
    add('transport', 'side', 'netcatActiveSide');
  }
  if (Number(values['netcatPortMin'] || 0) > Number(values['netcatPortMax'] || Infinity)) {
    add('startFrom', 'ports', 'netcatPortMax');
  }
  if (values['onlyMatchingSchedule'] === true && (values['schedule'] ?? '') === '') {
    add('schedule', 'needsSchedule', 'onlyMatchingSchedule');
  }
  return [...found, ...restrictProblems(values), ...fullProblems(answers, values)];
}

function restrictProblems(values: NodeValues): Finding[] {
  const { restrictSchedule: cron = '', restrictBegin: begin = '', restrictEnd: end = '' } = values;
  if (typeof cron !== 'string' || cron === '') return [];
  const fields = { cron: 'restrictSchedule', timeZone: 'timeZone', begin: 'restrictBegin', end: 'restrictEnd' };
  const options = { timeZone: '', begin: begin as string, end: end as string, fields };
  const refusal = refusalOf(() => checkCronSchedule(cron, options));
  return refusal === null
    ? []
    : [{ field: 'startFrom', key: 'carried', values: { property: refusal.field, why: refusal.why } }];
}

/** A full copy of a file system leaves nothing out. */
function fullProblems({ exclude, snapshotSelection, sourceDatasets }: Answers, values: NodeValues): Finding[] {
  if (values['fullFilesystem'] !== true) return [];
  const found: Finding[] = [];
  const add = (field: string, property: string): void => {
    found.push({ field, key: 'full', values: { property } });
  };
  if (exclude.length > 0) add('exclude', 'exclude');
  if (snapshotSelection !== 'all') add('snapshotSelection', 'snapshotSelection');
  const isInner = (name: string): boolean => sourceDatasets.some((one) => one !== name && isWithin(name, one));
  if (sourceDatasets.some(isInner)) add('sourceDatasets', 'sourceDatasets');
  const contrary = [
    ['includeProperties', false],
    ['firstCopy', 'newest'],
    ['onlyMatchingSchedule', true],
  ] as const;
  for (const [property, value] of contrary) if (values[property] === value) add('startFrom', property);
  if ((values['restrictSchedule'] ?? '') !== '') add('startFrom', 'restrictSchedule');
  return found;
}
