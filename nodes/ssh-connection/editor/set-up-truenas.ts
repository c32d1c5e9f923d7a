// Set up a TrueNAS through its API (face.md §5): a certificate that nobody vouches for is shown and confirmed, a second
// factor is asked for when it is wanted, and nothing secret goes over plain http unless the person says so.
import { ask, isRefusal, type Refusal } from '../../dialog/admin';
import { Pane, type Translate } from './set-up-pane';
import type { SetUpAnswer, SetUpConnection, Stage, Way } from './set-up-types';
import { problemOf } from './set-up-words';

const FIELDS = ['url', 'username', 'password', 'apiKey', 'otp', 'sshUser', 'sudo'];
const PLACES = {
  HOST_NOT_FOUND: 'url',
  HOST_UNREACHABLE: 'url',
  CONNECTION_REFUSED: 'url',
  CONNECTION_TIMEOUT: 'url',
  UNSUPPORTED: 'url',
};

interface Certificate {
  /** SHA-256. */
  fingerprint: string;
  subject: string;
  /** ISO 8601, or as the certificate has them. */
  validFrom: string;
  validTo: string;
}

/** What the person has agreed to in this set-up. */
interface Agreed {
  certificate?: string;
  insecure?: true;
}

function buildForm({ t, known }: Stage): Pane {
  const pane = new Pane(t, t('setUp.truenas.title'), t('setUp.truenas.about'));
  pane.text('url', {
    label: t('setUp.truenas.url'),
    value: known.host === '' ? '' : `https://${known.host}`,
    placeholder: 'https://truenas.example.org',
  });
  pane.text('username', { label: t('setUp.truenas.username'), placeholder: 'truenas_admin' });
  const kinds = { password: t('password.label'), apiKey: t('setUp.truenas.apiKey') };
  pane.choice('with', kinds, { label: t('setUp.truenas.with') });
  pane.secret('password', { label: t('password.label'), hint: t('setUp.truenas.once') });
  pane.secret('apiKey', { label: t('setUp.truenas.apiKey'), hint: t('setUp.truenas.apiKeyHint') });
  pane.text('otp', { label: t('setUp.truenas.otp'), placeholder: '123456' }).attr('inputmode', 'numeric');
  pane.toggle('otp', false);
  pane.text('sshUser', { label: t('setUp.truenas.sshUser'), placeholder: t('setUp.truenas.sshUserSame') });
  pane.check('sudo', { label: t('setUp.truenas.sudo'), hint: t('setUp.truenas.sudoHint'), checked: true });
  const update = (): void => {
    const secret = pane.value('with');
    pane.toggle('password', secret === 'password');
    pane.toggle('apiKey', secret === 'apiKey');
    pane.toggle('sudo', sshUser(pane) !== 'root');
  };
  pane.onInput(update);
  update();
  return pane;
}

/** The account that is to log in over SSH. */
const sshUser = (pane: Pane): string => pane.value('sshUser') || pane.value('username') || 'root';

/** `nas.example.org` is enough, as in a browser. */
function urlOf(pane: Pane): string {
  const text = pane.value('url');
  return text === '' || /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
}

function incomplete(t: Translate, pane: Pane): boolean {
  const url = urlOf(pane);
  const secret = pane.value('with');
  const isPlain = /^http:/i.test(url);
  const problems: [string, boolean, string][] = [
    ['url', URL.canParse(url) && /^https?:/i.test(url), t('setUp.truenas.urlNeeded')],
    // Sent like that, TrueNAS revokes it for good.
    ['url', !(isPlain && secret === 'apiKey'), t('setUp.truenas.plainKey')],
    // A key of older ones belongs to nobody.
    ['username', pane.value('username') !== '' || secret === 'apiKey', t('setUp.truenas.usernameNeeded')],
    [secret, pane.value(secret) !== '', t('setUp.truenas.secretNeeded')],
  ];
  const problem = problems.find(([, isGood]) => !isGood);
  if (problem !== undefined) pane.complain({ field: problem[0], text: problem[2] });
  return problem !== undefined;
}

function day(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date.toLocaleDateString(undefined, { dateStyle: 'medium' });
}

function showCertificate(t: Translate, { fingerprint, subject, validFrom, validTo }: Certificate): JQuery {
  const list = $('<dl>', { class: 'zfs-set-up-facts' });
  const row = (label: string, text: string, mono = false): void => {
    $('<dt>').text(label).appendTo(list);
    $('<dd>', mono ? { class: 'zfs-mono' } : {})
      .text(text)
      .appendTo(list);
  };
  row(t('setUp.certificate.subject'), subject);
  row(t('setUp.certificate.validity'), t('setUp.certificate.fromTo', { from: day(validFrom), to: day(validTo) }));
  row(t('setUp.certificate.fingerprint'), fingerprint, true);
  return list;
}

export function truenasWay(stage: Stage): Way {
  const { t } = stage;
  const form = buildForm(stage);
  let agreed: Agreed = {};
  let url = '';

  const question = (): Record<string, unknown> => {
    const secret = form.value('with');
    const otp = form.value('otp');
    const user = form.value('sshUser');
    return {
      ...stage.request,
      url: urlOf(form),
      username: form.value('username'),
      [secret]: form.value(secret),
      ...(otp === '' ? {} : { otp }),
      ...(user === '' ? {} : { sshUser: user }),
      ...(sshUser(form) === 'root' ? {} : { sudo: form.checked('sudo') ? 'sudo' : 'none' }),
      ...agreed,
    };
  };

  const work = async (signal: AbortSignal): Promise<void> => {
    const asked = question();
    stage.begin();
    const answer = await ask<SetUpAnswer>('set-up-truenas', asked, t, signal);
    if (isRefusal(answer)) refused(answer, asked);
    else stage.done(connectionOf(answer), answer);
  };

  const connectionOf = ({ host, port, username, hostKeys, sudo }: SetUpAnswer): SetUpConnection => ({
    host: host ?? new URL(url).hostname,
    port: port ?? 22,
    username: username ?? sshUser(form),
    hostKeys,
    ...(sudo === undefined ? {} : { sudo }),
  });

  const refused = (answer: Refusal, asked: Record<string, unknown>): void => {
    if (answer.code === 'CERTIFICATE_UNKNOWN') return confirmCertificate(answer['certificate'] as Certificate);
    const isPlain = /^http:/i.test(url) && asked['insecure'] !== true && 'password' in asked;
    if (answer.code === 'INVALID_OPTIONS' && answer.field === 'url' && isPlain) return confirmPlain();
    stage.show('truenas', form);
    if (answer.code === 'CANCELLED') return;
    const hadOtp = 'otp' in asked;
    if (answer.code === 'OTP_REQUIRED') {
      form.toggle('otp', true);
      form.set('otp', '');
    }
    // The code is good once, whatever became of it.
    if (hadOtp) form.set('otp', '');
    if (hadOtp && answer.code === 'OTP_REQUIRED') {
      return form.complain({ field: 'otp', code: answer.code, text: t('setUp.truenas.otpWrong'), hint: answer.hint });
    }
    const secret = hadOtp ? 'otp' : form.value('with');
    form.complain(
      problemOf(t, answer, {
        fields: FIELDS,
        places: { ...PLACES, AUTHENTICATION_FAILED: secret, OTP_REQUIRED: 'otp' },
        values: { host: URL.canParse(url) ? new URL(url).host : url, user: form.value('username'), ...said(answer) },
      }),
    );
  };

  const goOn = (pane: Pane): void => {
    void pane.busy(t('setUp.truenas.working'), work);
  };

  const confirmCertificate = (certificate: Certificate): void => {
    const isOther = agreed.certificate !== undefined;
    const pane = new Pane(t, t(isOther ? 'setUp.certificate.changed' : 'setUp.certificate.title'));
    pane.about(t(isOther ? 'setUp.certificate.changedAbout' : 'setUp.certificate.about'), isOther);
    pane.add(showCertificate(t, certificate));
    pane.button(t('setUp.certificate.yes'), 'confirm', () => {
      agreed = { ...agreed, certificate: certificate.fingerprint };
      goOn(pane);
    });
    pane.button(t('setUp.back'), 'back', () => stage.show('truenas', form));
    stage.show('certificate', pane);
  };

  const confirmPlain = (): void => {
    const pane = new Pane(t, t('setUp.plain.title'));
    pane.about(t('setUp.plain.about'), true);
    pane.button(t('setUp.plain.https'), 'confirm', () => {
      form.set('url', url.replace(/^http:/i, 'https:'));
      stage.show('truenas', form);
    });
    pane.button(t('setUp.plain.yes'), 'insecure', () => {
      agreed = { ...agreed, insecure: true };
      goOn(pane);
    });
    pane.button(t('setUp.back'), 'back', () => stage.show('truenas', form));
    stage.show('plain', pane);
  };

  form.button(t('setUp.truenas.go'), 'next', () => {
    form.clearAll();
    if (incomplete(t, form)) return;
    // Agreed is what was agreed for this machine.
    if (urlOf(form) !== url) agreed = {};
    url = urlOf(form);
    if (/^http:/i.test(url) && agreed.insecure !== true) confirmPlain();
    else goOn(form);
  });
  form.button(t('setUp.back'), 'back', () => stage.back());
  return { pane: form, typed: () => (URL.canParse(urlOf(form)) ? { host: new URL(urlOf(form)).hostname } : {}) };
}

/** What TrueNAS said no to. */
function said({ details }: Refusal): Record<string, string> {
  const text = (name: string): string => (typeof details?.[name] === 'string' ? details[name] : '');
  return { method: text('method') || 'API', errname: text('errname') };
}
