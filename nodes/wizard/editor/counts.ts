// How many snapshots each source has, how many of them would be replicated, and what happens where there are none. Counted by
// the runtime on the machine itself, while the answers are given.
import { takesSnapshots } from '../../../src/wizard/answers';
import { ask, isRefusal } from '../../dialog/admin';
import { draftsOf } from './drafts';
import { type Form, make } from './form';
import type { Stage } from './step';
import { timeOf } from './words';
import { t } from './translate';

interface Count {
  dataset: string;
  total: number;
  selected: number;
  /** ISO 8601 */
  oldest: string | null;
  newest: string | null;
  problem?: { code: string; message: string };
}

/** Milliseconds without a change before the machine is asked. */
const PATIENCE = 450;

export function snapshotCounts(form: Form, stage: Stage, parent: JQuery): void {
  const { store, machines, closed } = stage;
  const list = make('ul', { class: 'zfs-wizard-counts', 'aria-live': 'polite' }).appendTo(parent);
  let asked = '';
  let counts: readonly Count[] = [];
  /** In place of counts. */
  let excuse = '';
  let patience: number | undefined;
  let current = new AbortController();
  const draw = (): void => {
    const rows = store.answers.sourceDatasets.map((dataset) => {
      const count = counts.find((one) => one.dataset === dataset);
      return row(stage, dataset, count, excuse || t('counts.asking'));
    });
    // What is read out is what has changed.
    const drawn = make('ul').append(rows);
    if (drawn.html() !== list.html()) list.empty().append(drawn.children());
  };
  const look = async (question: object): Promise<void> => {
    current = new AbortController();
    const { signal } = current;
    const drafts = draftsOf(machines, [store.answers.sourceConnection]);
    const answer = await ask<{ counts: Count[] }>('count-snapshots', { ...question, ...drafts }, t, signal);
    if (signal.aborted) return;
    counts = isRefusal(answer) ? [] : answer.counts;
    excuse = isRefusal(answer) ? t('counts.unknown', { why: answer.message }) : '';
    draw();
  };
  form.live(() => {
    const { sourceConnection: connection, sourceDatasets: datasets, ...answers } = store.answers;
    const { recursive, exclude, snapshotSelection, namingSchemas, nameRegex } = answers;
    const selects = { all: {}, schema: { namingSchemas }, regex: { nameRegex } }[snapshotSelection];
    const question = { connection, datasets, recursive, exclude, snapshotSelection, ...selects };
    const lacks = (snapshotSelection === 'schema' && namingSchemas.length === 0) || (snapshotSelection === 'regex' && nameRegex === ''); // prettier-ignore
    const text = JSON.stringify([question, machines.isNew(connection)]);
    if (text !== asked) {
      asked = text;
      counts = [];
      excuse = lacks ? t('counts.lacks') : '';
      window.clearTimeout(patience);
      current.abort();
      if (datasets.length > 0 && !lacks) patience = window.setTimeout(() => void look(question), PATIENCE);
    }
    draw();
  });
  closed.addEventListener('abort', () => {
    window.clearTimeout(patience);
    current.abort();
  });
}

function row(stage: Stage, dataset: string, count: Count | undefined, excuse: string): JQuery {
  const item = make('li', { 'data-zfs-count': dataset }).append(make('span', { class: 'zfs-mono' }).text(dataset));
  const say = (text: string): void => {
    item.append(make('span').text(text));
  };
  if (count === undefined) say(excuse);
  else if (count.problem !== undefined) say(t('counts.unknown', { why: count.problem.message }));
  else if (count.selected === 0) say(none(stage, count));
  else {
    say(t('counts.selected', { count: count.selected, total: count.total }));
    const { oldest, newest } = count;
    if (newest === null || oldest === null) return item;
    say(oldest === newest ? t('counts.one', { newest: timeOf(newest) }) : t('counts.range', { oldest: timeOf(oldest), newest: timeOf(newest) })); // prettier-ignore
  }
  const isNothing = count !== undefined && (count.problem !== undefined || (count.selected === 0 && !takes(stage)));
  return item.toggleClass('zfs-warning', isNothing).toggleClass('zfs-wizard-faint', count === undefined);
}

/** Some snapshot is there by the time that the first run copies. */
const takes = ({ store }: Stage): boolean => takesSnapshots(store.answers) || store.answers.createSnapshot !== 'never';

function none(stage: Stage, { total }: Count): string {
  const taken = takes(stage);
  if (total === 0) return t(taken ? 'counts.willBeTaken' : 'counts.noneEver');
  return t(taken ? 'counts.noneFitsTaken' : 'counts.noneFits', { total });
}
