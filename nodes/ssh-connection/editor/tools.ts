// The buttons of the connection dialog: discover the host key, generate a key pair, test the connection. They ask the
// runtime with what the form shows, deployed or not; stored secrets stay on the server and are named by the node's id.
import { type Refusal, ask, isRefusal } from '../../dialog/admin';
import type { Dialog } from '../../dialog/dialog';
import { textOf } from '../../dialog/dialog';
import { CREDENTIALS } from '../../node-options';

/** What Node-RED shows in place of a stored secret. */
const STORED = '__PWRD__';

interface HostKey {
  type: string;
  /** Base64. */
  key: string;
  /** `SHA256:…` */
  fingerprint: string;
}

interface KeyPair {
  privateKey: string;
  publicKey: string;
}

interface TestResult {
  ok: true;
  zfsVersion: string;
  zfsKernelVersion?: string;
  platform: string;
  pools: (string | { name: string })[];
  programs: string[];
  isRoot: boolean;
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
    void run();
  });
}

function show(result: JQuery, kind: '' | 'zfs-error' | 'zfs-warning', content: JQuery): void {
  result.removeClass('zfs-hidden zfs-error zfs-warning').addClass(kind).empty().append(content);
  result.get(0)?.scrollIntoView({ block: 'nearest' });
}

function showRefusal(dialog: Dialog, result: JQuery, refusal: Refusal): void {
  const content = $('<div>');
  $('<strong>')
    .text(refusal.code ?? dialog.t('tools.failed'))
    .appendTo(content);
  $('<div>').text(refusal.message).appendTo(content);
  if (refusal.hint !== undefined && refusal.hint !== '')
    $('<div>', { class: 'zfs-hint' }).text(refusal.hint).appendTo(content);
  show(result, 'zfs-error', content);
}

export function connectionTools(dialog: Dialog): void {
  const t: EditorNode['_'] = (key, replacements) => dialog.t(key, replacements);
  const find = (selector: string): JQuery => dialog.form.find(selector);
  dialog.form.find('.zfs-result').addClass('zfs-hidden');

  const discovered = find('.zfs-discovered');
  onClick(dialog, find('#zfs-discover'), discovered, async () => {
    const answer = await ask<{ keys: HostKey[] }>('discover-host-key', formOf(dialog), t);
    if (isRefusal(answer)) showRefusal(dialog, discovered, answer);
    else offerHostKeys(dialog, discovered, answer.keys);
  });

  const generated = find('.zfs-generated');
  onClick(dialog, find('#zfs-generate'), generated, async () => {
    const answer = await ask<KeyPair>('generate-key-pair', { type: textOf(find('#zfs-generate-type')) }, t);
    if (isRefusal(answer)) showRefusal(dialog, generated, answer);
    else showKeyPair(dialog, generated, answer);
  });

  const tested = find('.zfs-tested');
  onClick(dialog, find('#zfs-test'), tested, async () => {
    const answer = await ask<TestResult>('test-connection', formOf(dialog), t);
    if (isRefusal(answer)) showRefusal(dialog, tested, answer);
    else showTest(dialog, tested, answer);
  });
}

/** Shows the fingerprints and asks; nothing is trusted without a click. */
function offerHostKeys(dialog: Dialog, result: JQuery, keys: readonly HostKey[]): void {
  const content = $('<div>');
  $('<div>').text(dialog.t('tools.compare')).appendTo(content);
  const list = $('<ul>', { class: 'zfs-key-list' }).appendTo(content);
  for (const { type, fingerprint } of keys) $('<li>').text(`${type} ${fingerprint}`).appendTo(list);
  const buttons = $('<div>', { class: 'zfs-buttons' }).appendTo(content);
  $('<button>', { type: 'button', class: 'red-ui-button', id: 'zfs-trust' })
    .text(dialog.t('tools.trust'))
    .appendTo(buttons)
    .on('click', () => {
      dialog
        .input('hostKeys')
        .val(keys.map(({ type, key }) => `${type} ${key}`).join('\n'))
        .trigger('change');
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

function showTest(dialog: Dialog, result: JQuery, test: TestResult): void {
  const content = $('<div>');
  $('<strong>').text(dialog.t('tools.works')).appendTo(content);
  const list = $('<dl>').appendTo(content);
  const row = (label: string, text: string): void => {
    $('<dt>').text(dialog.t(label)).appendTo(list);
    $('<dd>').text(text).appendTo(list);
  };
  const kernel = test.zfsKernelVersion ?? '';
  row('tools.zfs', kernel === '' || kernel === test.zfsVersion ? test.zfsVersion : `${test.zfsVersion} (${kernel})`);
  row('tools.platform', test.platform);
  const pools = test.pools.map((pool) => (typeof pool === 'string' ? pool : pool.name));
  row('tools.pools', pools.join(', ') || dialog.t('tools.noPools'));
  row('tools.programs', test.programs.join(', ') || dialog.t('tools.noPrograms'));
  if (!test.isRoot) row('tools.rights', dialog.t('tools.notRoot'));
  show(result, test.isRoot ? '' : 'zfs-warning', content);
}
