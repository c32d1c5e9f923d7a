// The set-up in the dialog of the connection itself: it is asked first where nothing is filled in yet, what comes of it goes
// into the form, and the key that waits on the server is shown as Node-RED shows any stored secret.
import { ask } from '../../dialog/admin';
import type { Dialog } from '../../dialog/dialog';
import { textOf } from '../../dialog/dialog';
import { CREDENTIALS } from '../../node-options';
import { connectionSetUp, type SetUp } from './set-up';
import type { Known, SetUpConnection } from './set-up-types';
import { mayConnect, STORED } from './tools';

/** Connections that were confirmed with a key which waits on the server, until they are deployed. */
const waiting = new Set<string>();
let isListening = false;

function remember(id: string): void {
  waiting.add(id);
  if (!isListening) RED.events.on('deploy', () => waiting.clear());
  isListening = true;
}

function isConfigured({ node }: Dialog): boolean {
  const isFilled = (value: unknown): boolean => typeof value === 'string' && value !== '';
  const hasSecret = CREDENTIALS['zfs-ssh-connection'].some((name) => node.credentials?.[`has_${name}`] === true);
  return isFilled(node['host']) || isFilled(node['hostKeys']) || hasSecret;
}

/** Properties that decide how a machine is reached, beside those that the set-up asks for itself. */
const REACHING = ['sudo', 'zfsPath', 'connectTimeout', 'ciphers', 'jumpConnection'];

function known(dialog: Dialog): Known {
  const values = dialog.present();
  const more = Object.fromEntries(REACHING.flatMap((name) => (name in values ? [[name, values[name]]] : [])));
  const text = (name: string): string => dialog.shown(name).trim();
  return { host: text('host'), port: text('port'), username: text('username'), hostKeys: text('hostKeys'), more };
}

function fillIn(dialog: Dialog, values: Readonly<Record<string, string | number | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) dialog.input(name).val(value).trigger('change');
  }
}

/** The properties of a connection that was set up, and the key as one that is stored. */
function takeOver(dialog: Dialog, { host, port, username, hostKeys, sudo }: SetUpConnection): void {
  fillIn(dialog, {
    host,
    port,
    username,
    hostKeys,
    sudo,
    authMethod: 'privateKey',
    privateKey: STORED,
    passphrase: '',
  });
  // All that is in them is right; what was done over there, and whether it works, is to be seen at once.
  for (const section of ['machine', 'authentication', 'hostKey']) {
    dialog.form.find(`[data-section="${section}"]`).removeAttr('open');
  }
  dialog.changed();
  dialog.form.find('#zfs-test').trigger('click');
}

/** What Node-RED is told of the secrets when the dialog is confirmed: stored ones, of which it sends nothing at a deploy. */
function tellEditor(node: EditorNode): void {
  const { has_password = false } = node.credentials ?? {};
  const has = { has_privateKey: true, has_passphrase: false, has_password };
  node.credentials = { ...has, _: has };
}

export function ownSetUp(dialog: Dialog): void {
  const { node, form } = dialog;
  const button = form.find('#zfs-set-up-remote');
  const isOld = (RED.nodes.node(node.id) ?? null) !== null;
  let isDone = false;
  let isSaved = false;
  const setUp: SetUp = connectionSetUp({
    container: form.find('.zfs-set-up-place'),
    id: node.id,
    replace: isOld,
    known: () => known(dialog),
    done: (connection) => {
      isDone = true;
      takeOver(dialog, connection);
    },
    byHand: (typed) => {
      const { host, port, username } = typed;
      fillIn(dialog, { host, port, username });
      dialog.input('host').trigger('focus');
    },
    onStep: (step) => {
      form.toggleClass('zfs-leading', !['', 'choose', 'done'].includes(step));
    },
  });
  button.on('click', (event) => {
    event.preventDefault();
    setUp.ask();
    form.find('.zfs-set-up-ways button').first().trigger('focus');
  });
  dialog.onSave(() => {
    isSaved = isDone && textOf(dialog.input('privateKey')) === STORED;
    if (isSaved) {
      tellEditor(node);
      remember(node.id);
      return true;
    }
    // Another key was entered since: the one that waits must not come in its place.
    if (waiting.has(node.id) && textOf(dialog.input('privateKey')) !== STORED) forget(dialog);
    return false;
  });
  dialog.onClose(() => {
    // What was confirmed before is not lost by thinking better of something now.
    const isKept = isSaved || waiting.has(node.id);
    setUp.dispose(isKept);
    if (isDone && !isKept) tellWhatStays(dialog);
  });
  if (mayConnect() && !isConfigured(dialog)) setUp.ask();
}

function forget(dialog: Dialog): void {
  waiting.delete(dialog.node.id);
  void ask('forget-staged-key', { id: dialog.node.id }, (key, values) => dialog.t(key, values));
}

/** The other machine is not gone back to: what the key opened there, it opens no more, since there is no such key. */
function tellWhatStays(dialog: Dialog): void {
  const host = $('<span>').text(dialog.shown('host')).html();
  RED.notify(dialog.t('setUp.dropped', { host }), { type: 'warning', timeout: 15_000 });
}
