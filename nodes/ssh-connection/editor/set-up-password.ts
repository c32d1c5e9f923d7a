// Set up with a password, on any Linux or BSD (face.md §5): the host key is looked at first and confirmed by the person;
// only then the password leaves this page, and is forgotten when the new key works.
import { ask, isRefusal, type Refusal } from '../../dialog/admin';
import { keyLines, type HostKey, showKeys } from './host-keys';
import { Pane, type Translate } from './set-up-pane';
import type { SetUpAnswer, Stage, Way } from './set-up-types';
import { problemOf } from './set-up-words';

const FIELDS = ['host', 'port', 'username', 'password', 'keyType'];
const PLACES = {
  HOST_NOT_FOUND: 'host',
  HOST_UNREACHABLE: 'host',
  CONNECTION_REFUSED: 'port',
  CONNECTION_TIMEOUT: 'host',
  AUTHENTICATION_FAILED: 'password',
};

function buildForm({ t, known }: Stage): Pane {
  const pane = new Pane(t, t('setUp.password.title'), t('setUp.password.about'));
  pane.text('host', { label: t('host.label'), value: known.host, placeholder: 'nas.example.org' });
  pane.number('port', { label: t('port.label'), value: known.port || '22', min: 1, max: 65_535, beside: 'host' });
  pane.text('username', { label: t('username.label'), value: known.username, placeholder: 'root' });
  pane.secret('password', { label: t('password.label'), hint: t('setUp.password.once') });
  pane.choice('keyType', { ed25519: 'Ed25519', rsa: 'RSA' }, { label: t('setUp.keyType') });
  return pane;
}

/** Names the first field that must not be as it is. */
function incomplete(t: Translate, pane: Pane): boolean {
  const port = Number(pane.value('port'));
  const problems: [string, boolean, string][] = [
    ['host', /^[^\s/@]+$/.test(pane.value('host')), t(pane.value('host') === '' ? 'invalid.noHost' : 'invalid.host')],
    ['port', Number.isInteger(port) && port >= 1 && port <= 65_535, t('setUp.port')],
    ['password', pane.value('password') !== '', t('setUp.password.needed')],
  ];
  const problem = problems.find(([, isGood]) => !isGood);
  if (problem !== undefined) pane.complain({ field: problem[0], text: problem[2] });
  return problem !== undefined;
}

export function passwordWay(stage: Stage): Way {
  const { t } = stage;
  const form = buildForm(stage);
  const username = (): string => form.value('username') || 'root';
  const machine = (): Record<string, string> => ({
    host: form.value('host'),
    port: form.value('port'),
    user: username(),
  });

  const complain = (refusal: Refusal): void => {
    stage.show('password', form);
    if (refusal.code === 'CANCELLED') return;
    const telling = (stage.known.more['jumpConnection'] ?? '') !== '';
    form.complain(problemOf(t, refusal, { fields: FIELDS, places: PLACES, values: machine(), telling }));
  };
  const place = (): object => ({
    ...stage.request,
    ...stage.known.more,
    host: form.value('host'),
    port: Number(form.value('port')),
  });

  const install = async (keys: readonly HostKey[], signal: AbortSignal): Promise<void> => {
    const question = {
      ...place(),
      username: username(),
      password: form.value('password'),
      keyType: form.value('keyType'),
      hostKey: keyLines(keys),
    };
    stage.begin();
    const answer = await ask<SetUpAnswer>('set-up-remote', question, t, signal);
    if (isRefusal(answer)) return complain(answer);
    const { host, port } = machine() as { host: string; port: string };
    const { hostKeys, sudo } = answer;
    stage.done({ host, port: Number(port), username: username(), hostKeys, ...(sudo ? { sudo } : {}) }, answer);
  };

  const discover = async (signal: AbortSignal): Promise<void> => {
    const answer = await ask<{ keys: HostKey[] }>('discover-host-key', place(), t, signal);
    if (isRefusal(answer)) return complain(answer);
    const { keys } = answer;
    const trusted = keys.filter(({ type, key }) => stage.known.hostKeys.includes(`${type} ${key}`));
    // What the person has confirmed before needs no second question, as long as it is the same machine.
    if (trusted.length > 0 && form.value('host') === stage.known.host) {
      form.say(t('setUp.password.working', machine()));
      return install(trusted, signal);
    }
    confirm(keys);
  };

  const confirm = (keys: readonly HostKey[]): void => {
    const isOther = form.value('host') === stage.known.host && stage.known.hostKeys.trim() !== '';
    const pane = new Pane(t, t(isOther ? 'setUp.hostKey.changed' : 'setUp.hostKey.title', machine()));
    pane.about(t(isOther ? 'setUp.hostKey.changedAbout' : 'setUp.hostKey.about', machine()), isOther);
    pane.add(showKeys(keys)).add($('<p>', { class: 'zfs-hint' }).text(t('setUp.hostKey.compare')));
    pane.button(t('setUp.hostKey.yes'), 'confirm', () => {
      void pane.busy(t('setUp.password.working', machine()), (signal) => install(keys, signal));
    });
    pane.button(t('setUp.back'), 'back', () => stage.show('password', form));
    stage.show('hostKey', pane);
  };

  form.button(t('setUp.password.go'), 'next', () => {
    form.clearAll();
    if (incomplete(t, form)) return;
    void form.busy(t('setUp.password.looking', machine()), discover);
  });
  form.button(t('setUp.back'), 'back', () => stage.back());
  return {
    pane: form,
    typed: () => ({ host: form.value('host'), port: form.value('port'), username: form.value('username') }),
  };
}
