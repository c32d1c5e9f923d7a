// The zfs-ssh-connection dialog. What its properties mean is nodes/fields.ts; connecting is src/host. The three
// buttons are in tools.ts.
import { dialogOf } from '../dialog/dialog-life';
import { credentialsOf, defaultsOf } from '../dialog/defaults';
import type { Dialog } from '../dialog/dialog';
import { checkWhileTyping, textList } from '../dialog/rows';
import { current } from '../dialog/validate';
import { hostKeysProblem } from './editor/host-keys';
import { jumpSelect, jumpValidator } from './editor/jump';
import { ownSetUp } from './editor/own-set-up';
import { connectionTools } from './editor/tools';

const TYPE = 'zfs-ssh-connection';

const DEFAULTS = defaultsOf(TYPE, {
  host: {
    check: (node, text) => (/^[^\s/@]+$/.test(text) ? null : node._('invalid.host')),
    required: (node) => node._('invalid.noHost'),
  },
  username: { required: (node) => node._('common.invalid.empty') },
  keyFile: {
    required: (node) => (current(node, TYPE, 'authMethod') === 'keyFile' ? node._('common.invalid.empty') : null),
  },
  jumpConnection: jumpValidator,
  hostKeys: {
    check: (node, text) => hostKeysProblem(node, text),
    required: (node) => node._('invalid.noHostKey'),
  },
});

/** `auto`, or the ciphers in the order in which they are offered. */
function ciphersEditor(dialog: Dialog): void {
  const stored = dialog.value('ciphers');
  const own = dialog.form.find('#zfs-ciphers-own').val(Array.isArray(stored) ? 'own' : 'auto');
  const list = textList({
    dialog,
    element: dialog.form.find('#zfs-ciphers'),
    initial: Array.isArray(stored) ? stored.map(String) : [],
    addLabel: dialog.t('ciphers.add'),
    itemLabel: dialog.t('ciphers.one'),
    placeholder: 'aes128-gcm@openssh.com',
    check: (text) => (/^[a-z0-9@.-]+$/.test(text) ? null : dialog.t('invalid.cipher')),
  });
  const isOwn = (): boolean => own.val() === 'own';
  dialog.showWhen('.zfs-ciphers', isOwn);
  dialog.store('ciphers', () => (isOwn() && list.values().length > 0 ? list.values() : 'auto'));
}

function build(open: Dialog): void {
  const method = (): string => open.shown('authMethod');
  for (const name of ['privateKey', 'keyFile', 'agent', 'password']) {
    open.showWhen(`.zfs-auth-${name}`, () => method() === name);
  }
  open.showWhen('.zfs-auth-key', () => method() === 'privateKey' || method() === 'keyFile');
  open.showWhen('.zfs-not-root', () => open.shown('username') !== 'root' || open.shown('sudo') !== 'none');
  checkWhileTyping(open, open.input('hostKeys'), (text) =>
    text.trim() === '' ? open.t('invalid.noHostKey') : hostKeysProblem(open.node, text),
  );
  ciphersEditor(open);
  jumpSelect(open);
  connectionTools(open);
  ownSetUp(open);
  open.summary('machine', () => {
    const port = open.shown('port');
    return `${open.shown('username')}@${open.shown('host') || '…'}${port === '22' ? '' : `:${port}`}`;
  });
  open.summary('authentication', () => open.t(`authMethod.${method()}`));
  open.summary('hostKey', () =>
    open.shown('hostKeys').trim() === ''
      ? open.t('hostKeys.none')
      : open.t('hostKeys.some', { count: open.shown('hostKeys').trim().split('\n').length }),
  );
}

const life = dialogOf(TYPE, build);

export const definition: EditorNodeDefinition = {
  category: 'config',
  color: '#A6BBCF',
  icon: 'zfs-ssh-connection.svg',
  defaults: DEFAULTS,
  credentials: credentialsOf(TYPE),
  paletteLabel: 'zfs ssh connection',
  label() {
    if (this.name) return this.name;
    const { host, username } = this;
    if (typeof host !== 'string' || host === '') return this._('label');
    return typeof username === 'string' && username !== '' ? `${username}@${host}` : host;
  },
  oneditprepare: life.prepare,
  oneditsave: life.save,
  oneditcancel: life.close,
  oneditdelete: life.close,
};
