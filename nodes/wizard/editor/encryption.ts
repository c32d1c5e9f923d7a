// Whether the copies are encrypted where they arrive, and with which key. A new key comes from the browser's secure random
// and is shown here, once: without it the copies can never be read again.
import { keyOf, makesKey, storesKey } from '../../../src/wizard/answers';
import { textOf } from '../../dialog/dialog';
import { type Form, make } from './form';
import type { Stage } from './step';
import { t } from './translate';

const BYTES = 32;

export function encryptionPart(form: Form, stage: Stage): void {
  const { store } = stage;
  const part = form.part(t('encryption.title'));
  const choices = (['none', 'inherit', 'key'] as const).map((value) => [value, t(`encryption.${value}`)] as const);
  form.choice(part, 'encryption', choices, { label: t('encryption.label') });
  form.live(() => form.hint('encryption', t(`encryption.about.${store.answers.encryption}`)));
  const formats = (['hex', 'passphrase'] as const).map((value) => [value, t(`encryption.${value}`)] as const);
  const format = form.choice(part, 'encryptionKeyFormat', formats, { label: t('encryption.format') });
  const place = keyPlace(form, stage, part);
  const generate = form.check(part, 'encryptionKeyGenerate', {
    label: t('encryption.generate'),
    hint: t('encryption.generateHint'),
  });
  const made = madeKey(form, stage, part);
  const typed = form.secret(part, 'encryptionKey', { label: t('encryption.theKey') });
  const hasKey = (): boolean => store.answers.encryption === 'key';
  const isStored = (): boolean => storesKey(store.answers);
  form.showWhen(hasKey, format, place);
  form.showWhen(() => isStored() && store.answers.encryptionKeyFormat === 'hex', generate);
  form.showWhen(() => makesKey(store.answers), made);
  form.showWhen(() => isStored() && !makesKey(store.answers), typed);
  form.live(() => form.hint('encryptionKey', t(`encryption.keyHint.${store.answers.encryptionKeyFormat}`)));
  keepKey(form, stage);
}

/** Makes a key when one is wanted for the first time, and forgets it when it is typed in instead. */
function keepKey(form: Form, { store }: Stage): void {
  let made = '';
  let generates = false;
  form.live(() => {
    const wanted = makesKey(store.answers);
    if (wanted === generates) return;
    generates = wanted;
    if (wanted && made === '') made = keyOf(crypto.getRandomValues(new Uint8Array(BYTES)));
    if (wanted || store.answers.encryptionKey === made) store.set({ encryptionKey: wanted ? made : '' });
  });
}

function madeKey(form: Form, { store }: Stage, parent: JQuery): JQuery {
  const row = form.bare(parent, 'madeKey').append(make('span', { class: 'zfs-label' }).text(t('encryption.theKey')));
  const control = make('div', { class: 'zfs-control' }).appendTo(row);
  const key = make('output', {
    class: 'zfs-wizard-key zfs-mono',
    'data-zfs-key': '',
    'aria-label': t('encryption.theKey'),
  });
  const copy = make('button', { type: 'button', class: 'red-ui-button', 'data-zfs-action': 'copy-key' });
  copy.append(make('i', { class: 'fa fa-clipboard', 'aria-hidden': 'true' }), ` ${t('encryption.copy')}`);
  copy.on('click', () => RED.clipboard.copyText(store.answers.encryptionKey, copy, t('encryption.copied')));
  const save = make('button', { type: 'button', class: 'red-ui-button', 'data-zfs-action': 'save-key' });
  save.append(make('i', { class: 'fa fa-download', 'aria-hidden': 'true' }), ` ${t('encryption.download')}`);
  save.on('click', () => download(store.answers.encryptionKey, store.answers.targetDataset));
  control.append(
    key,
    make('div', { class: 'zfs-buttons' }).append(copy, save),
    make('div', { class: 'zfs-sentence zfs-warning' }).text(t('encryption.keepIt')),
  );
  form.live(() => {
    const { encryptionKey } = store.answers;
    key.text(encryptionKey.replaceAll(/(.{8})(?=.)/g, '$1 '));
  });
  return row;
}

function download(key: string, dataset: string): void {
  const url = URL.createObjectURL(new Blob([`${key}\n`], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${dataset.replaceAll(/[^\w.-]+/g, '-') || 'zfs'}.key`;
  link.click();
  URL.revokeObjectURL(url);
}

/** `stored`, or a path; the choice beside it is for who does not know that word. */
function keyPlace(form: Form, { store }: Stage, parent: JQuery): JQuery {
  const choice = make('select', { 'aria-label': t('encryption.place') });
  for (const place of ['stored', 'file'])
    make('option', { value: place })
      .text(t(`encryption.${place}`))
      .appendTo(choice);
  const path = make('input', {
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: '/root/backup.key',
  });
  const row = form.row(parent, 'encryptionKeyLocation', path, { label: t('encryption.place'), mono: true });
  form.bind('encryptionKeyLocation', path);
  path.wrap(make('div', { class: 'zfs-wizard-line' })).before(choice);
  const isStored = (): boolean => store.answers.encryptionKeyLocation === 'stored';
  choice.on('change', () => {
    store.set({ encryptionKeyLocation: textOf(choice) === 'stored' ? 'stored' : '' });
    if (!isStored()) path.trigger('focus');
  });
  form.live(() => {
    choice.val(isStored() ? 'stored' : 'file');
    path.toggleClass('zfs-wizard-faint', isStored());
    form.hint('encryptionKeyLocation', t(isStored() ? 'encryption.storedHint' : 'encryption.fileHint'));
  });
  return row;
}
