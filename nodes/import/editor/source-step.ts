// The first step: where it comes from – a running TrueNAS, a file, a text – and what the machine is for this Node-RED. Says
// what is missing, asks the runtime, and hands on its answer.
import { isRefusal, type Refusal } from '../../dialog/admin';
import { textOf } from '../../dialog/dialog';
import { Pane } from '../../ssh-connection/editor/set-up-pane';
import type { Step } from '../../ssh-connection/editor/set-up-types';
import { loginFields, TrueNasLogin, urlOf } from '../../ssh-connection/editor/truenas-login';
import { askImport } from './answer';
import type { ImportAnswer } from './answer-types';
import { sourceOf } from './file';
import { HereField, type Here } from './here';
import { t } from './translate';

const LOGIN_TYPE = 'zfs-ssh-connection';

export interface SourceOptions {
  /** Another part of this step is to be seen: the form, or something that it asks back. */
  show: (pane: Pane) => void;
  /** A part of it wants the buttons for itself. */
  leading: (leads: boolean) => void;
  done: (answer: ImportAnswer) => void;
}

export class SourceStep {
  readonly form: Pane;
  readonly here: HereField;
  private readonly login: TrueNasLogin<ImportAnswer>;
  private readonly file: HTMLInputElement;
  private answered: Here = { value: '' };

  constructor(private readonly options: SourceOptions) {
    // Of a login to a TrueNAS the connection's own words speak.
    const words = RED.nodes.getType(LOGIN_TYPE);
    const of = (key: string, values?: Record<string, unknown>): string => words?._(key, values) ?? key;
    this.form = new Pane(of, t('source.title'), t('source.about'));
    this.heading('source.live', 'source.liveHint');
    loginFields(this.form, of, '');
    this.heading('source.document');
    this.file = this.fileField();
    this.form.area('json', {
      label: t('source.json'),
      hint: t('source.jsonHint'),
      placeholder: t('source.jsonPlaceholder'),
    });
    this.heading('source.hereTitle');
    this.here = new HereField(this.form, options.leading);
    // Of the address alone: whoever chooses a machine is not to be corrected meanwhile.
    this.form.element.find('[name="url"]').on('input change', () => this.here.guess(this.host));
    this.login = new TrueNasLogin<ImportAnswer>({
      t: of,
      form: this.form,
      fields: ['here', 'json', 'file'],
      working: t('working.asking'),
      send: (live, signal) => askImport({ live, here: this.answered.value }, signal),
      show: (step: Step, pane) => {
        options.leading(step !== 'truenas');
        options.show(pane);
      },
      done: (answer) => this.finish(answer),
    });
  }

  /** Asks with what is filled in. */
  next(): void {
    const { form } = this;
    form.clearAll();
    const hasDocument = this.file.files?.[0] !== undefined || form.value('json') !== '';
    const hasAddress = form.value('url') !== '';
    if (hasAddress === hasDocument) {
      form.complain({ field: hasAddress ? 'url' : undefined, text: t(hasAddress ? 'source.both' : 'source.nothing') });
      return;
    }
    const here = this.here.value;
    if (here === undefined) return;
    this.answered = here;
    if (hasAddress) this.login.go();
    else void form.busy(t('working.reading'), (signal) => this.read(signal));
  }

  private async read(signal: AbortSignal): Promise<void> {
    const chosen = this.file.files?.[0];
    const text = this.form.value('json');
    const short = chosen === undefined && text.length < 1_000_000;
    const content = chosen ?? new Blob([text]);
    const source = short
      ? { json: text }
      : await sourceOf(content, signal, (percent) => this.form.say(t('working.sending', { percent })));
    const answer = isRefusal(source) ? source : await askImport({ ...source, here: this.answered.value }, signal);
    if (isRefusal(answer)) this.refused(answer, chosen === undefined ? 'json' : 'file');
    else this.finish(answer);
  }

  private refused({ code, field = '', message, hint }: Refusal, at: string): void {
    if (code === 'CANCELLED') return;
    const isOurs = ['json', 'text', 'file', 'upload'].includes(field);
    this.form.complain({ field: isOurs ? at : field, code, text: message, hint });
  }

  private finish(answer: ImportAnswer): void {
    this.options.leading(false);
    this.options.done(withOwn(answer, this.answered));
  }

  private get host(): string {
    const url = urlOf(this.form);
    return URL.canParse(url) ? new URL(url).hostname : '';
  }

  private heading(key: string, hint?: string): void {
    const heading = $('<h5>', { class: 'zfs-import-heading' }).text(t(key));
    this.form.add(heading);
    if (hint !== undefined) this.form.add($('<p>', { class: 'zfs-hint' }).text(t(hint)));
  }

  private fileField(): HTMLInputElement {
    const input = this.form.text('file', { label: t('source.file'), hint: t('source.fileHint') });
    input.attr({ type: 'file', accept: '.json,.db,.tar,.conf,.yml,.yaml,.txt,*' });
    const clear = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' });
    clear.append($('<i>', { class: 'fa fa-times', 'aria-hidden': 'true' })).attr('aria-label', t('source.noFile'));
    input.wrap('<div class="zfs-import-file">').after(clear.hide());
    input.on('change', () => clear.toggle(textOf(input) !== ''));
    clear.on('click', () => input.val('').trigger('change').trigger('focus'));
    return input.get(0) as HTMLInputElement;
  }
}

/** The connection that was set up here is part of what is imported. */
function withOwn(answer: ImportAnswer, { connection }: Here): ImportAnswer {
  if (connection === undefined) return answer;
  const decides = Object.keys(connection).filter((name) => name !== 'id' && name !== 'type');
  const own = { item: 'self', id: connection.id, decides, whyDisabled: '' };
  return { ...answer, nodes: [...answer.nodes, connection], items: [own, ...answer.items] };
}
