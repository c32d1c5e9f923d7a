// How many snapshots of each source would be replicated, and what happens where there are none: the component that the
// dialogs share, asked with the answers. A machine that is not this one, and has none at all, has nobody who takes any: then
// this task does, unless the person has said otherwise.
import { takesSnapshots } from '../../../src/wizard/answers';
import { newSchema } from '../../../src/wizard/node-values';
import type { CountAnswer } from '../../admin/browse-answer';
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
    if (isRefusal(answer) || signal?.aborted === true) return answer;
    const sourceIsBare = answer.counts.every(({ total, problem }) => total === 0 && problem === undefined);
    if (sourceIsBare !== store.answers.sourceIsBare) store.set({ sourceIsBare });
    return answer;
  };
}
