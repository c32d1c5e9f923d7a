// "What would go now?": asks the runtime what the rules in the dialog would delete of the snapshots that exist, and shows
// it in words and as a line of time for each dataset. What goes is decided by src/retention alone.
import type { PreviewAnswer, PreviewDataset, PreviewSnapshot } from '../admin/preview-answer';
import { ask, isRefusal, type Refusal } from './admin';
import type { Dialog } from './dialog';

/** Entries of the list of what goes, for each dataset. */
const MOST_LISTED = 100;

/** Adds the button and its answer to `holder`. `question` gives the properties of a prune as the form shows them now. */
export function retentionPreview(dialog: Dialog, holder: JQuery, question: () => object): void {
  const buttons = $('<div>', { class: 'zfs-buttons' }).appendTo(holder);
  const button = $('<button>', { type: 'button', class: 'red-ui-button zfs-preview-button' }).appendTo(buttons);
  $('<i>', { class: 'fa fa-eye' }).appendTo(button);
  $('<span>')
    .text(` ${dialog.t('common.preview.button')}`)
    .appendTo(button);
  const result = $('<div>', { class: 'zfs-preview zfs-hidden', role: 'status' }).appendTo(holder);
  let asked = '';
  button.on('click', (event) => {
    event.preventDefault();
    const mine = JSON.stringify(question());
    asked = mine;
    result.empty().removeClass('zfs-hidden').text(dialog.t('common.preview.asking'));
    void ask<PreviewAnswer>('preview-retention', question(), (key, values) => dialog.t(key, values)).then((answer) => {
      // Changed or asked again meanwhile: this answer is about something else.
      if (asked === mine) showPreview(dialog, result.empty(), answer);
    });
  });
  dialog.onChange(() => {
    if (asked === '' || asked === JSON.stringify(question())) return;
    asked = '';
    result.empty().addClass('zfs-hidden');
  });
}

function sentence(parent: JQuery, text: string, kind = ''): void {
  $('<div>', { class: `zfs-sentence ${kind}` })
    .text(text)
    .appendTo(parent);
}

type Words = Pick<Dialog, 't'>;

/** An answer as a person reads it, into an empty `parent`. */
export function showPreview(dialog: Words, parent: JQuery, answer: PreviewAnswer | Refusal): void {
  if (isRefusal(answer)) {
    sentence(parent, answer.hint === undefined ? answer.message : `${answer.message} (${answer.hint})`, 'zfs-error');
    return;
  }
  const { goes, stays } = answer;
  const summary = goes + stays === 0 ? dialog.t('common.preview.none') : words(dialog, goes, stays);
  sentence(parent, summary, goes > 0 ? 'zfs-warning' : '');
  for (const text of [...answer.warnings, ...answer.breaker]) sentence(parent, text, 'zfs-warning');
  for (const dataset of answer.datasets) showDataset(dialog, parent, dataset, answer.now);
  if (answer.moreDatasets > 0) {
    sentence(parent, dialog.t('common.preview.more', { count: answer.moreDatasets }));
  }
}

function words(dialog: Words, goes: number, stays: number): string {
  return `${dialog.t('common.preview.goes', { count: goes })}, ${dialog.t('common.preview.stays', { count: stays })}`;
}

function day(iso: string): string {
  return iso === '' ? '' : new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

function showDataset(dialog: Words, parent: JQuery, dataset: PreviewDataset, now: string): void {
  const block = $('<div>', { class: 'zfs-preview-dataset' }).appendTo(parent);
  const head = $('<div>', { class: 'zfs-preview-head' }).appendTo(block);
  $('<span>', { class: 'zfs-mono' }).text(dataset.dataset).appendTo(head);
  const counts = words(dialog, dataset.goes, dataset.stays);
  $('<span>', { class: 'zfs-preview-counts' }).text(counts).appendTo(head);
  timeLine(block, dataset, now, counts);
  const ends = $('<div>', { class: 'zfs-preview-ends' }).appendTo(block);
  $('<span>')
    .text(day(dataset.snapshots[0]?.creation ?? ''))
    .appendTo(ends);
  $('<span>').text(dialog.t('common.preview.now')).appendTo(ends);
  list(
    dialog,
    block,
    'common.preview.listGoes',
    dataset.snapshots.filter(({ goes }) => goes),
  );
  list(
    dialog,
    block,
    'common.preview.listStays',
    dataset.snapshots.filter(({ goes }) => !goes),
  );
}

/** What stays stands above the line, what goes hangs below it, so that the colours are not needed to tell. */
function timeLine(parent: JQuery, { dataset, snapshots }: PreviewDataset, now: string, counts: string): void {
  const line = $('<div>', { class: 'zfs-timeline', role: 'img', 'aria-label': `${dataset}: ${counts}` });
  const dates = snapshots.filter(({ creation }) => creation !== '').map(({ creation }) => Date.parse(creation));
  const end = Math.max(Date.parse(now), ...dates);
  const begin = Math.min(end - 1, ...dates);
  for (const { name, creation, goes, reasons } of snapshots) {
    if (creation === '') continue;
    const share = (Date.parse(creation) - begin) / (end - begin);
    $('<i>', {
      class: goes ? 'zfs-mark zfs-mark-goes' : 'zfs-mark',
      title: `${name} – ${day(creation)}\n${reasons.join('\n')}`,
    })
      .css('left', `${(share * 100).toFixed(2)}%`)
      .appendTo(line);
  }
  line.appendTo(parent);
}

function list(dialog: Words, parent: JQuery, title: string, snapshots: readonly PreviewSnapshot[]): void {
  if (snapshots.length === 0) return;
  const details = $('<details>', { class: 'zfs-preview-list' }).appendTo(parent);
  $('<summary>')
    .text(dialog.t(title, { count: snapshots.length }))
    .appendTo(details);
  const items = $('<ul>').appendTo(details);
  for (const { name, creation, reasons } of snapshots.slice(0, MOST_LISTED)) {
    const item = $('<li>').appendTo(items);
    $('<span>', { class: 'zfs-mono' }).text(name).appendTo(item);
    $('<span>')
      .text(` ${day(creation)} – ${reasons.join('; ')}`)
      .appendTo(item);
  }
  const left = snapshots.length - MOST_LISTED;
  if (left > 0) {
    $('<li>')
      .text(dialog.t('common.preview.left', { count: left }))
      .appendTo(items);
  }
}
