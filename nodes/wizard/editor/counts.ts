// How many snapshots of each source would be replicated, and what happens where there are none: the component that the
// dialogs share, asked with the answers. Where a source has none, or none that is new, nobody takes any: then this task does, unless
// the person has said otherwise.
import { takesSnapshots } from '../../../src/wizard/answers';
import { newSchema } from '../../../src/wizard/node-values';
import type { CountAnswer, ShownCount } from '../../admin/browse-answer';
import { ask, isRefusal } from '../../dialog/admin';
import type { Ask } from '../../dialog/dataset-questions';
import { snapshotCount } from '../../dialog/snapshot-count';
import { draftsOf } from './drafts';
import { type Form, make } from './form';
import type { Stage } from './step';
import { t } from './translate';

export function snapshotCounts(form: Form, stage: Stage, parent: JQuery): void {
  if (!RED.user.hasPermission('zfs.read')) return;
  const { store, machines, closed } = stage;
  const count = snapshotCount({
    container: make('div', { class: 'zfs-wizard-counts' }).appendTo(parent),
    ask: asking(stage),
    question: () => {
      const { answers } = store;
      const { sourceConnection: connection, sourceDatasets: datasets, snapshotSelection, namingSchemas, nameRegex } = answers; // prettier-ignore
      const isOpen = { all: false, schema: namingSchemas.length === 0, regex: nameRegex === '' }[snapshotSelection];
      if (datasets.length === 0 || isOpen) return null;
      const { recursive, exclude } = answers;
      const selects = {
        all: {},
        schema: { namingSchemas },
        regex: { nameRegex },
      }[snapshotSelection];
      // Names of what is taken first, where the selection has none of its own.
      const taken = snapshotSelection === 'schema' ? {} : { namingSchemas: [newSchema(answers)].filter(Boolean) };
      const drafts = draftsOf(machines, [connection]);
      return { connection, datasets, recursive, exclude, snapshotSelection, ...taken, ...selects, ...drafts };
    },
    createSnapshot: () => (takesSnapshots(store.answers) ? 'always' : store.answers.createSnapshot),
    t,
  });
  form.live(() => count.update());
  closed.addEventListener('abort', () => count.dispose());
}

/** What is asked for the component, and looked at here too. */
function asking({ store }: Stage): Ask {
  return async (endpoint, question, signal) => {
    const answer = await ask<CountAnswer>(endpoint, question, t, signal);
    if (signal?.aborted === true) return answer;
    const counts = isRefusal(answer) ? [] : answer.counts;
    const sourceIdle = idleFor(counts);
    const sourceMissing = counts
      .filter(({ problem }) => problem?.code === 'DATASET_NOT_FOUND')
      .map((one) => one.dataset);
    const { answers } = store;
    const isNew = sourceIdle !== answers.sourceIdle || sourceMissing.join('\n') !== answers.sourceMissing.join('\n');
    if (isNew) store.set({ sourceIdle, sourceMissing });
    return answer;
  };
}

/** So that it is not another one with each count. */
const wholeHours = (age: number): number => age - (age % 3_600_000);

/** See `Answers.sourceIdle`. What nothing was selected of, or what could not be counted, says nothing. */
function idleFor(counts: readonly ShownCount[]): number | null {
  const ages = counts.flatMap(({ total, newest, problem }) => {
    if (problem !== undefined) return [];
    if (newest !== null) return [wholeHours(Date.now() - Date.parse(newest))];
    return total === 0 ? [Number.POSITIVE_INFINITY] : [];
  });
  return ages.length === 0 ? null : Math.max(0, ...ages);
}
