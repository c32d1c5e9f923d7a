// A new machine by hand, for whoever has a key, a key file or an agent: what a connection needs and no more, the key of the
// machine compared, and the login tried. Where the machine does not answer, it can be taken as it was typed.
import { ask, isRefusal, type Refusal } from '../../dialog/admin';
import { type HostKey, keyLines, showKeys } from '../../ssh-connection/editor/host-keys';
import { Pane } from '../../ssh-connection/editor/set-up-pane';
import type { Known } from '../../ssh-connection/editor/set-up-types';
import { make } from './form';
import type { NewMachine } from './machines';
import { t } from './translate';

export interface ByHandOptions {
  container: JQuery;
  id: string;
  /** What was typed before. */
  typed: Partial<Known>;
  done: (machine: NewMachine) => void;
  back: () => void;
}

/** In the words of the connection's own catalogue. */
const c = (key: string, values?: Record<string, unknown>): string =>
  RED.nodes.getType('zfs-ssh-connection')?._(key, values) ?? key;

const METHODS = ['privateKey', 'keyFile', 'agent', 'password'] as const;
/** The fields that each way to log in needs. */
const OF_METHOD: Readonly<Record<string, readonly string[]>> = {
  privateKey: ['privateKey', 'passphrase'],
  keyFile: ['keyFile', 'passphrase'],
  agent: ['agentSocket'],
  password: ['password'],
};
const SECRETS = ['privateKey', 'passphrase', 'password'];
const FIELDS = ['host', 'port', 'username', 'authMethod', 'privateKey', 'keyFile', 'passphrase', 'agentSocket', 'password', 'sudo']; // prettier-ignore

class HandForm {
  private readonly pane = new Pane(c, t('byHand.title'), t('byHand.about'));

  constructor(private readonly options: ByHandOptions) {
    this.build();
  }

  open(): void {
    this.show(this.pane);
  }

  private build(): void {
    const { pane } = this;
    const { typed, back } = this.options;
    pane.text('host', { label: c('host.label'), value: typed.host ?? '', placeholder: 'nas.example.org' });
    pane.number('port', { label: c('port.label'), value: typed.port || '22', min: 1, max: 65_535, beside: 'host' });
    pane.text('username', { label: c('username.label'), value: typed.username ?? '', placeholder: 'root' });
    const rights = Object.fromEntries(['none', 'sudo', 'doas'].map((word) => [word, c(`sudo.${word}`)]));
    pane.choice('sudo', rights, { label: c('sudo.label') });
    const methods = Object.fromEntries(METHODS.map((method) => [method, c(`authMethod.${method}`)]));
    const method = pane.choice('authMethod', methods, { label: c('authMethod.label') });
    pane.area('privateKey', { label: c('privateKey.label'), hint: t('byHand.privateKey') });
    this.generateButton();
    pane.text('keyFile', { label: c('keyFile.label'), hint: c('keyFile.hint'), placeholder: '/home/nodered/.ssh/id_ed25519' }); // prettier-ignore
    pane.secret('passphrase', { label: c('passphrase.label'), placeholder: c('passphrase.placeholder') });
    pane.text('agentSocket', { label: c('agentSocket.label'), hint: c('agentSocket.hint'), placeholder: '$SSH_AUTH_SOCK' }); // prettier-ignore
    pane.secret('password', { label: c('password.label'), hint: t('byHand.password') });
    const toggle = (): void => {
      const shown = OF_METHOD[pane.value('authMethod')] ?? [];
      for (const name of new Set(Object.values(OF_METHOD).flat())) pane.toggle(name, shown.includes(name));
      pane.toggle('sudo', !['', 'root'].includes(pane.value('username')));
    };
    method.on('change', toggle);
    pane.onInput(toggle);
    toggle();
    pane.button(c('setUp.password.go'), 'next', () => {
      pane.clearAll();
      if (!this.incomplete())
        void pane.busy(c('setUp.password.looking', this.machine()), (signal) => this.look(signal));
    });
    pane.button(c('setUp.back'), 'back', () => {
      this.options.container.empty();
      back();
    });
    pane.button(t('byHand.asItIs'), 'as-it-is', () => {
      pane.clearAll();
      if (!this.incomplete()) this.done('', t('byHand.untried', this.machine()));
    });
  }

  private generateButton(): void {
    const { pane } = this;
    const place = make('div', { class: 'zfs-wizard-public-key' });
    const button = make('button', { type: 'button', class: 'red-ui-button', 'data-zfs-action': 'generate' });
    button.append(make('i', { class: 'fa fa-magic', 'aria-hidden': 'true' }), ` ${c('tools.generate')}`);
    pane.below('privateKey', make('div').append(button, place));
    button.on('click', () => {
      void ask<{ privateKey: string; publicKey: string }>('generate-key-pair', { type: 'ed25519' }, c).then(
        (answer) => {
          if (isRefusal(answer)) {
            pane.complain({ field: 'privateKey', text: answer.message, hint: answer.hint });
            return;
          }
          pane.set('privateKey', answer.privateKey);
          const line = make('textarea', { rows: 3, readonly: 'readonly', 'aria-label': c('tools.publicKeyLabel') });
          const copy = make('button', { type: 'button', class: 'red-ui-button' });
          copy.append(make('i', { class: 'fa fa-clipboard', 'aria-hidden': 'true' }), ` ${c('tools.copy')}`);
          copy.on('click', () => RED.clipboard.copyText(answer.publicKey, copy, c('tools.copied')));
          place.empty().append(make('p').text(t('byHand.publicKey', this.machine())), line.val(answer.publicKey), copy);
        },
      );
    });
  }

  private machine(): { host: string; port: string; user: string } {
    const { pane } = this;
    return { host: pane.value('host') || '…', port: pane.value('port'), user: pane.value('username') || 'root' };
  }

  /** Names the first field that must not be as it is. */
  private incomplete(): boolean {
    const { pane } = this;
    const port = Number(pane.value('port'));
    const method = pane.value('authMethod');
    const needed = { privateKey: 'privateKey', keyFile: 'keyFile', password: 'password' }[method];
    const problems: [string, boolean, string][] = [
      ['host', /^[^\s/@]+$/.test(pane.value('host')), c(pane.value('host') === '' ? 'invalid.noHost' : 'invalid.host')],
      ['port', Number.isInteger(port) && port >= 1 && port <= 65_535, c('setUp.port')],
      [needed ?? 'host', needed === undefined || pane.value(needed) !== '', t('byHand.needed')],
    ];
    const problem = problems.find(([, isGood]) => !isGood);
    if (problem !== undefined) pane.complain({ field: problem[0], text: problem[2] });
    return problem !== undefined;
  }

  private values(hostKeys: string): Record<string, unknown> {
    const { pane } = this;
    const text = (name: string): string => pane.value(name);
    const method = text('authMethod');
    const own = (OF_METHOD[method] ?? []).filter((name) => !SECRETS.includes(name));
    return {
      name: text('host'),
      host: text('host'),
      port: Number(text('port')),
      username: text('username') || 'root',
      authMethod: method,
      hostKeys,
      ...(text('sudo') === 'none' || ['', 'root'].includes(text('username')) ? {} : { sudo: text('sudo') }),
      ...Object.fromEntries(own.filter((name) => text(name) !== '').map((name) => [name, text(name)])),
    };
  }

  private credentials(): Record<string, string> {
    const { pane } = this;
    const own = (OF_METHOD[pane.value('authMethod')] ?? []).filter((name) => SECRETS.includes(name));
    return Object.fromEntries(own.filter((name) => pane.value(name) !== '').map((name) => [name, pane.value(name)]));
  }

  private async look(signal: AbortSignal): Promise<void> {
    const answer = await ask<{ keys: HostKey[] }>('discover-host-key', this.values(''), c, signal);
    if (isRefusal(answer)) return this.complain(answer);
    const pane = new Pane(c, c('setUp.hostKey.title', this.machine()), t('byHand.compare'));
    pane.add(showKeys(answer.keys)).add(make('p', { class: 'zfs-hint' }).text(c('setUp.hostKey.compare')));
    pane.button(t('byHand.trust'), 'confirm', () => {
      void pane.busy(t('byHand.trying', this.machine()), (stop) => this.test(keyLines(answer.keys), stop));
    });
    pane.button(c('setUp.back'), 'back', () => this.show(this.pane));
    this.show(pane);
  }

  private async test(hostKeys: string, signal: AbortSignal): Promise<void> {
    const { id } = this.options;
    const question = { id, ...this.values(hostKeys), credentials: this.credentials() };
    const answer = await ask('test-connection', question, c, signal);
    if (isRefusal(answer)) return this.complain(answer);
    this.done(hostKeys, t('byHand.works', this.machine()));
  }

  private complain(refusal: Refusal): void {
    this.show(this.pane);
    if (refusal.code === 'CANCELLED') return;
    const { message: text, hint, field, code } = refusal;
    this.pane.complain({ text, hint, code, field: field !== undefined && FIELDS.includes(field) ? field : undefined });
  }

  private done(hostKeys: string, text: string): void {
    const { id, done } = this.options;
    const credentials = this.credentials();
    const machine = { id, values: this.values(hostKeys), credentials };
    const pane = new Pane(c, t('byHand.done', this.machine()));
    pane.element.addClass('zfs-set-up-done');
    pane.about(text);
    this.show(pane);
    done(machine);
  }

  private show(pane: Pane): void {
    this.options.container.removeClass('zfs-hidden').children().detach();
    this.options.container.append(pane.element);
    pane.focus();
  }
}

export function byHand(options: ByHandOptions): void {
  new HandForm(options).open();
}
