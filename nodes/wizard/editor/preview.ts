// What the lifetimes on the source and on the target would delete of what is there now, kept up to date while it is typed. Decided by
// src/retention alone; asked of the runtime, which knows the snapshots.
import { isDynamic, replicateValues, snapshotValues } from '../../../src/wizard/node-values';
import type { PreviewAnswer } from '../../admin/preview-answer';
import { ask, isRefusal } from '../../dialog/admin';
import { showPreview } from '../../dialog/preview';
import { connectionDrafts } from './drafts';
import { type Form, make } from './form';
import type { Stage } from './step';
import { t } from './translate';

/** Milliseconds without a change before the runtime is asked. */
const PATIENCE = 500;
/** What decides what goes on the target. */
const DECIDE = [
  'sourceConnection',
  'sourceDatasets',
  'targetConnection',
  'targetDataset',
  'recursive',
  'exclude',
  'snapshotSelection',
  'namingSchemas',
  'nameRegex',
  'timeZone',
  'targetRetention',
  'targetRetentionPolicy',
  'targetRetentionScope',
] as const;

interface Asked {
  /** null: there is nothing to show. */
  question: () => object | null;
  side: 'source' | 'target';
}

function preview(form: Form, { store, machines, closed }: Stage, parent: JQuery, { question, side }: Asked): void {
  const place = make('div', { class: 'zfs-preview', role: 'status', 'data-zfs-preview': side }).appendTo(parent);
  let asked = '';
  let patience: number | undefined;
  const look = async (wanted: object): Promise<void> => {
    const mine = asked;
    place.text(t('common.preview.asking'));
    const drafts = connectionDrafts(machines, store.answers);
    const answer = await ask<PreviewAnswer>('preview-retention', { ...wanted, ...drafts }, t, closed);
    if (mine !== asked || closed.aborted) return;
    place.empty();
    // A copy that is not there yet, or a machine that does not answer, is no mistake of whoever types a lifetime.
    if (isRefusal(answer))
      make('div', { class: 'zfs-hint' }).text(t('lifetime.noPreview', { why: answer.message })).appendTo(place); // prettier-ignore
    else showPreview({ t }, place, answer);
  };
  form.live(() => {
    const wanted = question();
    const text = wanted === null ? '' : JSON.stringify(wanted);
    if (text === asked) return;
    asked = text;
    window.clearTimeout(patience);
    place.toggleClass('zfs-hidden', wanted === null).empty();
    if (wanted !== null) patience = window.setTimeout(() => void look(wanted), PATIENCE);
  });
  closed.addEventListener('abort', () => window.clearTimeout(patience));
}

const isCount = (text: string): boolean => /^[1-9]\d*$/.test(text.trim());

/** Of the source everything goes by that has such a name, also what something else has taken: that is to be seen. */
export function sourcePreview(form: Form, stage: Stage, parent: JQuery): void {
  const { store } = stage;
  const question = (): object | null => {
    const values = snapshotValues(store.answers);
    const { sourceLifetime, sourceDatasets } = store.answers;
    if (values === null || !isCount(sourceLifetime) || sourceDatasets.length === 0) return null;
    if (isDynamic(values, 'namingSchema')) return null;
    const { connection, datasets, recursive, exclude, namingSchema, timeZone, retention: policy } = values;
    const scope = { namingSchemas: [namingSchema], nameRegex: '' };
    return { connection, datasets, recursive, exclude, scope, policy, timeZone, scheduleByName: true };
  };
  preview(form, stage, parent, { question, side: 'source' });
}

export function targetPreview(form: Form, stage: Stage, parent: JQuery): void {
  const question = (): object | null => {
    const { answers } = stage.store;
    const isAsked =
      answers.targetRetention === 'custom' &&
      isCount(answers.targetLifetime) &&
      answers.sourceDatasets.length > 0 &&
      answers.targetDataset !== '';
    if (!isAsked) return null;
    const values = replicateValues(answers);
    return Object.fromEntries(DECIDE.flatMap((name) => (name in values ? [[name, values[name]]] : [])));
  };
  preview(form, stage, parent, { question, side: 'target' });
}
