// A login to the API of a TrueNAS, for whatever is to be done with it: a certificate that nobody vouches for is shown and
// confirmed, a second factor is asked for when it is wanted, and nothing secret goes over plain http unless the person says so.
import { isRefusal, type Refusal } from '../../dialog/admin';
import { Pane, type Translate } from './set-up-pane';
import type { Step } from './set-up-types';
import { problemOf } from './set-up-words';

const FIELDS = ['url', 'username', 'password', 'apiKey', 'otp'];
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

/** Asks for it in a form. */
export function loginFields(pane: Pane, t: Translate, host: string): void {
  pane.text('url', {
    label: t('setUp.truenas.url'),
    value: host === '' ? '' : `https://${host}`,
    placeholder: 'https://truenas.example.org',
  });
  pane.text('username', { label: t('setUp.truenas.username'), placeholder: 'truenas_admin' });
  const kinds = { password: t('password.label'), apiKey: t('setUp.truenas.apiKey') };
  pane.choice('with', kinds, { label: t('setUp.truenas.with') });
  pane.secret('password', { label: t('password.label'), hint: t('setUp.truenas.once') });
  pane.secret('apiKey', { label: t('setUp.truenas.apiKey'), hint: t('setUp.truenas.apiKeyHint') });
  pane.text('otp', { label: t('setUp.truenas.otp'), placeholder: '123456' }).attr('inputmode', 'numeric');
  pane.toggle('otp', false);
  const update = (): void => {
    const secret = pane.value('with');
    pane.toggle('password', secret === 'password');
    pane.toggle('apiKey', secret === 'apiKey');
  };
  pane.onInput(update);
  update();
}

/** `nas.example.org` is enough, as in a browser. */
export function urlOf(pane: Pane): string {
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

export interface LoginOptions<A> {
  t: Translate;
  /** With the fields of `loginFields`. */
  form: Pane;
  /** Names of further fields of the form that an answer may complain about. */
  fields?: readonly string[];
  /** Said while it is being asked. */
  working: string;
  /** Asks with the login. */
  send: (login: Readonly<Record<string, unknown>>, signal: AbortSignal) => Promise<A | Refusal>;
  show: (step: Step, pane: Pane) => void;
  done: (answer: A) => void;
}

export class TrueNasLogin<A extends object> {
  private agreed: Agreed = {};
  private url = '';

  constructor(private readonly options: LoginOptions<A>) {}

  /** What was asked last, as it was sent. */
  get host(): string {
    return URL.canParse(this.url) ? new URL(this.url).hostname : '';
  }

  /** Begins with what the form has. */
  go(): void {
    const { t, form } = this.options;
    form.clearAll();
    if (incomplete(t, form)) return;
    // Agreed is what was agreed for this machine.
    if (urlOf(form) !== this.url) this.agreed = {};
    this.url = urlOf(form);
    if (/^http:/i.test(this.url) && this.agreed.insecure !== true) this.confirmPlain();
    else this.ask(form);
  }

  private ask(pane: Pane): void {
    const { send, done, working } = this.options;
    void pane.busy(working, async (signal) => {
      const login = this.login();
      const answer = await send(login, signal);
      if (isRefusal(answer)) this.refused(answer, login);
      else done(answer);
    });
  }

  private login(): Record<string, unknown> {
    const { form } = this.options;
    const secret = form.value('with');
    const otp = form.value('otp');
    return {
      url: urlOf(form),
      username: form.value('username'),
      [secret]: form.value(secret),
      ...(otp === '' ? {} : { otp }),
      ...this.agreed,
    };
  }

  private refused(answer: Refusal, asked: Readonly<Record<string, unknown>>): void {
    const { t, form, show, fields = [] } = this.options;
    const { url } = this;
    if (answer.code === 'CERTIFICATE_UNKNOWN') return this.confirmCertificate(answer['certificate'] as Certificate);
    const isPlain = /^http:/i.test(url) && asked['insecure'] !== true && 'password' in asked;
    if (answer.code === 'INVALID_OPTIONS' && answer.field === 'url' && isPlain) return this.confirmPlain();
    show('truenas', form);
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
    const problem = problemOf(t, answer, {
      fields: [...FIELDS, ...fields],
      places: { ...PLACES, AUTHENTICATION_FAILED: secret, OTP_REQUIRED: 'otp' },
      values: { host: URL.canParse(url) ? new URL(url).host : url, user: form.value('username'), ...said(answer) },
    });
    const isSsh = answer.code === 'AUTHENTICATION_FAILED' && problem.field === 'sshUser';
    form.complain(isSsh ? { ...problem, text: t('setUp.failed.sshLogin') } : problem);
  }

  private confirmCertificate(certificate: Certificate): void {
    const { t, form, show } = this.options;
    const isOther = this.agreed.certificate !== undefined;
    const pane = new Pane(t, t(isOther ? 'setUp.certificate.changed' : 'setUp.certificate.title'));
    pane.about(t(isOther ? 'setUp.certificate.changedAbout' : 'setUp.certificate.about'), isOther);
    pane.add(showCertificate(t, certificate));
    pane.button(t('setUp.certificate.yes'), 'confirm', () => {
      this.agreed = { ...this.agreed, certificate: certificate.fingerprint };
      this.ask(pane);
    });
    pane.button(t('setUp.back'), 'back', () => show('truenas', form));
    show('certificate', pane);
  }

  private confirmPlain(): void {
    const { t, form, show } = this.options;
    const pane = new Pane(t, t('setUp.plain.title'));
    pane.about(t('setUp.plain.about'), true);
    pane.button(t('setUp.plain.https'), 'confirm', () => {
      form.set('url', this.url.replace(/^http:/i, 'https:'));
      show('truenas', form);
    });
    pane.button(t('setUp.plain.yes'), 'insecure', () => {
      this.agreed = { ...this.agreed, insecure: true };
      this.ask(pane);
    });
    pane.button(t('setUp.back'), 'back', () => show('truenas', form));
    show('plain', pane);
  }
}

/** What TrueNAS said no to. */
function said({ details }: Refusal): Record<string, string> {
  const text = (name: string): string => (typeof details?.[name] === 'string' ? details[name] : '');
  return { method: text('method') || 'API', errname: text('errname') };
}
