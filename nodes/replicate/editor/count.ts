// How many snapshots of the sources would be replicated, as the dialog shows the node now.
import { ask } from '../../dialog/admin';
import type { Dialog } from '../../dialog/dialog';
import { snapshotCount } from '../../dialog/snapshot-count';

const ALWAYS = [
  'recursive',
  'fullFilesystem',
  'exclude',
  'snapshotSelection',
  'restrictSchedule',
  'restrictBegin',
  'restrictEnd',
  'onlyMatchingSchedule',
  'timeZone',
  'schedule',
  'scheduleTimeZone',
  'scheduleBegin',
  'scheduleEnd',
];

/** null where only a message knows what to count, and where there is nothing. */
function countQuestion(shown: Readonly<Record<string, unknown>>): object | null {
  const sources = shown['sourceDatasets'];
  const isLiteral = (name: string, literal: string): boolean =>
    [undefined, '', literal].includes(shown[`${name}Type`] as never);
  if (!isLiteral('sourceDatasets', 'list') || !Array.isArray(sources)) return null;
  const datasets = sources.filter((name) => name !== '');
  if (datasets.length === 0) return null;
  const selection = shown['snapshotSelection'];
  if (selection === 'regex' && !isLiteral('nameRegex', 'str')) return null;
  if (selection === 'schema' && !isLiteral('namingSchemas', 'list')) return null;
  const names = [...ALWAYS];
  if (selection === 'regex') names.push('nameRegex');
  if (isLiteral('namingSchemas', 'list')) names.push('namingSchemas');
  const values = Object.fromEntries(names.map((name) => [name, shown[name]]));
  return { connection: shown['sourceConnection'], datasets, ...values };
}

export function countSection(dialog: Dialog): void {
  const row = dialog.form.find('.zfs-counts');
  const count = snapshotCount({
    container: row.find('.zfs-control'),
    ask: (endpoint, question, signal) => ask(endpoint, question, (key, values) => dialog.t(key, values), signal),
    question: () => countQuestion(dialog.present()),
    createSnapshot: () => dialog.shown('createSnapshot'),
    t: (key, values) => dialog.t(key, values),
  });
  dialog.onChange(() => {
    row.toggleClass('zfs-hidden', countQuestion(dialog.present()) === null);
    count.update();
  });
  dialog.onClose(() => count.dispose());
}
