// The buttons of the connection dialog: discover the host key, generate a key pair, test the connection. They ask the
// runtime with what the form shows, deployed or not; stored secrets stay on the server and are named by the node's id.
import { type Refusal, ask, isRefusal } from '../../dialog/admin';
import type { Dialog } from '../../dialog/dialog';
import { textOf } from '../../dialog/dialog';
import { CREDENTIALS } from '../../node-options';
import type { TestAnswer } from '../test-answer';
import { type HostKey, keyLines, showKeys } from './host-keys';
import { lacksSomething, showTestAnswer } from './test-result';

/** What Node-RED shows in place of a stored secret. */
export const STORED = '__PWRD__';

interface KeyPair {
  privateKey: string;
  publicKey: string;
}

/** What the form says, as the endpoints take it. */
function formOf(dialog: Dialog): object {
  const texts = ['host', 'username', 'authMethod', 'keyFile', 'agentSocket', 'hostKeys', 'sudo', 'zfsPath'];
  const numbers = ['port', 'connectTimeout', 'keepaliveInterval', 'maxSessions'];
  const credentials: Record<string, string> = {};
  for (const name of CREDENTIALS['zfs-ssh-connection']) {
    const text = textOf(dialog.input(name));
    if (text !== STORED) credentials[name] = text;
  }
  return {
    id: dialog.node.id,
    ...Object.fromEntries(texts.map((name) => [name, dialog.shown(name)])),
    ...Object.fromEntries(numbers.map((name) => [name, Number(dialog.shown(name))])),
    jumpConnection: dialog.connection('jumpConnection'),
    ciphers: dialog.value('ciphers'),
    credentials,
  };
}

/** Runs `action` for a click on `button`, which is off until it has ended; `result` shows what came of it. */
function onClick(dialog: Dialog, button: JQuery, result: JQuery, action: () => Promise<void>): void {
  let open = true;
  dialog.onClose(() => {
    open = false;
  });
  const run = async (): Promise<void> => {
    button.prop('disabled', true);
    show(
      result,
      '',
      $('<span>').append('<i class="fa fa-spinner fa-spin"></i> ', document.createTextNode(dialog.t('tools.wait'))),
    );
    await action();
    if (!open) return;
    button.prop('disabled', false);
  };
  button.on('click', (event) => {
    event.preventDefault();
    // What was asked for by a click is wanted in view; after a set-up the list of changes is.
    result.toggleClass('zfs-stay', event.originalEvent === undefined);
    void run();
  });
}

function show(result: JQuery, kind: '' | 'zfs-error' | 'zfs-warning', content: JQuery): void {
  result.removeClass('zfs-hidden zfs-error zfs-warning').addClass(kind).empty().append(content);
  if (!result.hasClass('zfs-stay')) result.get(0)?.scrollIntoView({ block: 'nearest' });
}

function showRefusal(result: JQuery, refusal: Refusal): void {
  const content = $('<div>');
  const { code, message, hint = '' } = refusal;
  $('<strong>').text(capitalized(message)).appendTo(content);
  if (hint !== '') $('<div>', { class: 'zfs-hint' }).text(hint).appendTo(content);
  // What documentation and other people call it.
  if (code !== undefined) $('<div>', { class: 'zfs-code' }).text(code).appendTo(content);
  show(result, 'zfs-error', content);
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Reading rights are not enough to connect to a host that somebody names, nor to make keys. */
export const mayConnect = (): boolean => RED.user.hasPermission('zfs.write');

export function connectionTools(dialog: Dialog): void {
  const t: EditorNode['_'] = (key, replacements) => dialog.t(key, replacements);
  const find = (selector: string): JQuery => dialog.form.find(selector);
  dialog.form.find('.zfs-result').addClass('zfs-hidden');
  find('.zfs-may-connect').toggleClass('zfs-hidden', !mayConnect());
  find('.zfs-may-not-connect').toggleClass('zfs-hidden', mayConnect());

  const discovered = find('.zfs-discovered');
  onClick(dialog, find('#zfs-discover'), discovered, async () => {
    const answer = await ask<{ keys: HostKey[] }>('discover-host-key', formOf(dialog), t);
    if (isRefusal(answer)) showRefusal(discovered, answer);
    else offerHostKeys(dialog, discovered, answer.keys);
  });

  const generated = find('.zfs-generated');
  onClick(dialog, find('#zfs-generate'), generated, async () => {
    const answer = await ask<KeyPair>('generate-key-pair', { type: textOf(find('#zfs-generate-type')) }, t);
    if (isRefusal(answer)) showRefusal(generated, answer);
    else showKeyPair(dialog, generated, answer);
  });

  const tested = find('.zfs-tested');
  onClick(dialog, find('#zfs-test'), tested, async () => {
    const answer = await ask<TestAnswer>('test-connection', formOf(dialog), t);
    if (isRefusal(answer)) showRefusal(tested, answer);
    else show(tested, lacksSomething(answer) ? 'zfs-warning' : '', showTestAnswer(t, answer));
  });
}

/** Shows the fingerprints and asks; nothing is trusted without a click. */
function offerHostKeys(dialog: Dialog, result: JQuery, keys: readonly HostKey[]): void {
  const content = $('<div>');
  $('<div>').text(dialog.t('tools.compare')).appendTo(content);
  content.append(showKeys(keys));
  const buttons = $('<div>', { class: 'zfs-buttons' }).appendTo(content);
  $('<button>', { type: 'button', class: 'red-ui-button', id: 'zfs-trust' })
    .text(dialog.t('tools.trust'))
    .appendTo(buttons)
    .on('click', () => {
      dialog.input('hostKeys').val(keyLines(keys)).trigger('change');
      result.addClass('zfs-hidden');
    });
  $('<button>', { type: 'button', class: 'red-ui-button' })
    .text(dialog.t('tools.dismiss'))
    .appendTo(buttons)
    .on('click', () => result.addClass('zfs-hidden'));
  show(result, 'zfs-warning', content);
}

function showKeyPair(dialog: Dialog, result: JQuery, pair: KeyPair): void {
  dialog.input('privateKey').val(pair.privateKey).trigger('change');
  dialog.input('passphrase').val('').trigger('change');
  const content = $('<div>');
  $('<div>')
    .text(dialog.t('tools.publicKey', { user: dialog.shown('username') }))
    .appendTo(content);
  const text = $('<textarea>', {
    rows: 3,
    readonly: true,
    id: 'zfs-public-key',
    'aria-label': dialog.t('tools.publicKeyLabel'),
  })
    .css({ width: '100%', 'margin-top': '6px', 'box-sizing': 'border-box' })
    .val(pair.publicKey)
    .appendTo(content);
  const buttons = $('<div>', { class: 'zfs-buttons' }).appendTo(content);
  const copy = $('<button>', { type: 'button', class: 'red-ui-button' })
    .append('<i class="fa fa-clipboard"></i> ', document.createTextNode(dialog.t('tools.copy')))
    .appendTo(buttons);
  copy.on('click', () => {
    text.trigger('select');
    RED.clipboard.copyText(pair.publicKey, copy, dialog.t('tools.copied'));
  });
  show(result, '', content);
}
