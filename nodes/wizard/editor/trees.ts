// The trees of datasets in the steps: what is ticked there is in the text beside it and the other way round. Where no machine
// answers, or somebody may not look, the text is enough.
import { ask } from '../../dialog/admin';
import { type DatasetTree, datasetTree } from '../../dialog/dataset-tree';
import { draftsOf } from './drafts';
import type { Form } from './form';
import type { Stage } from './step';
import { t } from './translate';

export function sourceTree(form: Form, stage: Stage, place: JQuery): void {
  const { store } = stage;
  tree(form, stage, place, {
    multiple: true,
    connection: () => store.answers.sourceConnection,
    recursive: () => store.answers.recursive,
    chosen: () => store.answers.sourceDatasets,
    choose: (sourceDatasets) => store.set({ sourceDatasets }),
  });
}

export function targetTree(form: Form, stage: Stage, place: JQuery): void {
  const { store } = stage;
  tree(form, stage, place, {
    multiple: false,
    connection: () => store.answers.targetConnection,
    chosen: () => (store.answers.targetDataset === '' ? [] : [store.answers.targetDataset]),
    choose: ([targetDataset = '']) => store.set({ targetDataset }),
  });
}

interface Side {
  multiple: boolean;
  connection: () => string;
  recursive?: () => boolean;
  chosen: () => readonly string[];
  choose: (names: string[]) => void;
}

/** Milliseconds after which what is typed is looked for in the tree. */
const PATIENCE = 300;

function tree(form: Form, { machines, closed }: Stage, container: JQuery, side: Side): void {
  if (!RED.user.hasPermission('zfs.read')) {
    container.addClass('zfs-hidden').parent().addClass('zfs-wizard-alone');
    return;
  }
  const { multiple, connection, recursive, chosen, choose } = side;
  const shown: DatasetTree = datasetTree({
    container,
    ask: (endpoint, question, signal) => ask(endpoint, question, t, signal),
    connection,
    drafts: () => draftsOf(machines, [connection()]).connections ?? {},
    multiple,
    ...(recursive === undefined ? {} : { recursive }),
    selected: chosen(),
    changed: choose,
    t,
  });
  let seen = `${connection()} ${String(recursive?.())}`;
  let patience: number | undefined;
  form.live(() => {
    const now = `${connection()} ${String(recursive?.())}`;
    if (now !== seen) shown.update();
    seen = now;
    window.clearTimeout(patience);
    patience = window.setTimeout(() => shown.select(chosen()), PATIENCE);
  });
  closed.addEventListener('abort', () => {
    window.clearTimeout(patience);
    shown.dispose();
  });
}
