// What will be created, line by line: keys of the words below `wizard.summary`, with their values. The tray shows them, and
// the comment beside the nodes keeps them. Pure.
import { commonPath, mapDataset } from '../zfs/mapping';
import { suggestedAlert } from './alert';
import { isScheduled, scheduleOf, storesKey, takesSnapshots, type Answers } from './answers';
import { usedConnections } from './flow';
import { newSchema } from './node-values';

export interface Line {
  key: string;
  values: Readonly<Record<string, string | number>>;
}

/** How a machine is called, by the id of its connection; '' is this one. */
export type MachineName = (connection: string) => string;

export interface Landing {
  source: string;
  target: string;
}

/** Landings that are told one by one. */
const MOST = 10;

/** Where each source lands on the target. */
export function landings({ sourceDatasets, targetDataset }: Answers): Landing[] {
  if (targetDataset === '') return [];
  const common = commonPath(sourceDatasets);
  return sourceDatasets.map((source) => ({ source, target: mapDataset(source, common, targetDataset) }));
}

const line = (key: string, values: Line['values'] = {}): Line => ({ key, values });

const when = (condition: boolean, ...lines: Line[]): Line[] => (condition ? lines : []);

export function summaryOf(answers: Answers, machine: MachineName): Line[] {
  return [
    ...usedConnections(answers).map(({ id }) => line('connection', { machine: machine(id) })),
    ...sourceLines(answers, machine),
    ...targetLines(answers, machine),
    ...scheduleLines(answers, machine),
    ...lifetimeLines(answers),
    ...carriedLines(answers),
  ];
}

function sourceLines(answers: Answers, machine: MachineName): Line[] {
  const { sourceConnection, sourceDatasets, recursive, exclude, snapshotSelection, namingSchemas, nameRegex } = answers;
  const names = { all: '', schema: namingSchemas.join(', '), regex: nameRegex }[snapshotSelection];
  return [
    line(recursive ? 'fromTree' : 'from', { machine: machine(sourceConnection), datasets: sourceDatasets.join(', ') }),
    ...when(exclude.length > 0, line('exclude', { datasets: exclude.join(', ') })),
    line(`select.${snapshotSelection}`, { names }),
  ];
}

function targetLines(answers: Answers, machine: MachineName): Line[] {
  const { sourceConnection, targetConnection, targetDataset, encryption, encryptionKeyLocation: place } = answers;
  const { transport, readonly } = answers;
  const all = landings(answers);
  const encrypted = encryption === 'key' ? (storesKey(answers) ? 'keyStored' : 'keyFile') : encryption;
  return [
    line('to', { machine: machine(targetConnection), dataset: targetDataset }),
    ...when(all.length > 1, ...all.slice(0, MOST).map(({ source, target }) => line('lands', { source, target }))),
    ...when(all.length > MOST, line('landsMore', { count: all.length - MOST })),
    line(`encryption.${encrypted}`, { place }),
    ...when(sourceConnection !== '' || targetConnection !== '', line(`transport.${transport}`)),
    line(`readonly.${readonly}`),
  ];
}

function scheduleLines(answers: Answers, machine: MachineName): Line[] {
  const { alertAfter, createSnapshot, scheduleTimeZone: zone, sourceConnection } = answers;
  const schedule = scheduleOf(answers);
  const alert = alertAfter ?? suggestedAlert(answers);
  return [
    isScheduled(answers) ? line(zone === '' ? 'schedule' : 'scheduleZone', { schedule, zone }) : line('once'),
    takesSnapshots(answers)
      ? line('take.own', { schema: newSchema(answers) })
      : line(`take.${createSnapshot}${isScheduled(answers) ? '' : 'Once'}`, { machine: machine(sourceConnection) }),
    ...when(alert !== '', line('alert', { duration: alert })),
  ];
}

/** What can ever go is said in every case. */
function lifetimeLines(answers: Answers): Line[] {
  const { sourceLifetime, sourceLifetimeUnit, targetRetention, targetLifetime, targetLifetimeUnit, carried } = answers;
  const source = (): Line => {
    if (!takesSnapshots(answers)) return line('sourceLifetime.untouched');
    if (sourceLifetime !== '') return line(`sourceLifetime.${sourceLifetimeUnit}`, { count: Number(sourceLifetime) });
    return line((carried.snapshot['retention'] ?? null) === null ? 'sourceLifetime.ever' : 'sourceLifetime.carried');
  };
  const isCarried = targetRetention === 'custom' && targetLifetime === '';
  const target =
    targetRetention === 'custom' && !isCarried
      ? line(`targetLifetime.${targetLifetimeUnit}`, { count: Number(targetLifetime) })
      : line(`targetRetention.${isCarried ? 'carried' : targetRetention}`);
  return [source(), target];
}

function carriedLines({ carried: { replicate, snapshot, schedule } }: Answers): Line[] {
  const names = [replicate, snapshot, schedule].flatMap((values) => Object.keys(values));
  const properties = [...new Set(names.map((name) => name.replace(/Type$/, '')))];
  return when(properties.length > 0, line('carried', { properties: properties.join(', ') }));
}
