// What the lifetime on the target would delete of what is there now, kept up to date while it is typed. Decided by
// src/retention alone; asked of the runtime, which knows the snapshots.
import { replicateValues } from '../../../src/wizard/node-values';
import type { PreviewAnswer } from '../../admin/preview-answer';
import { ask, isRefusal } from '../../dialog/admin';
import { showPreview } from '../../dialog/preview';
import { connectionDrafts } from './drafts';
import { type Form, make } from './form';
import type { Stage } from './step';
import { t } from './translate';

/** Milliseconds without a change before the runtime is asked. */
const PATIENCE = 500;
/** What decides what goes. */
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

export function targetPreview(form: Form, { store, machines, closed }: Stage, parent: JQuery): void {
  const place = make('div', { class: 'zfs-preview', role: 'status', 'data-zfs-preview': '' }).appendTo(parent);
  let asked = '';
  let patience: number | undefined;
  const look = async (question: object): Promise<void> => {
    const mine = asked;
    place.text(t('common.preview.asking'));
    const drafts = connectionDrafts(machines, store.answers);
    const answer = await ask<PreviewAnswer>('preview-retention', { ...question, ...drafts }, t, closed);
    if (mine !== asked || closed.aborted) return;
    place.empty();
    // A copy that is not there yet, or a machine that does not answer, is no mistake of whoever types a lifetime.
    if (isRefusal(answer))
      make('div', { class: 'zfs-hint' }).text(t('lifetime.noPreview', { why: answer.message })).appendTo(place); // prettier-ignore
    else showPreview({ t }, place, answer);
  };
  form.live(() => {
    const { answers } = store;
    const isAsked =
      answers.targetRetention === 'custom' &&
      /^[1-9]\d*$/.test(answers.targetLifetime.trim()) &&
      answers.sourceDatasets.length > 0 &&
      answers.targetDataset !== '';
    const values = isAsked ? replicateValues(answers) : {};
    const question = Object.fromEntries(DECIDE.flatMap((name) => (name in values ? [[name, values[name]]] : [])));
    const text = isAsked ? JSON.stringify(question) : '';
    if (text === asked) return;
    asked = text;
    window.clearTimeout(patience);
    place.toggleClass('zfs-hidden', !isAsked);
    if (isAsked) patience = window.setTimeout(() => void look(question), PATIENCE);
  });
  closed.addEventListener('abort', () => window.clearTimeout(patience));
}
