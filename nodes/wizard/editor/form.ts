// The fields of the wizard: a label, an input with the name of the property it sets, a hint, and a place for what is wrong
// with it. What is entered goes into the answers at once and comes back out of them, so that it does not matter which
// inputs are in the page. What is wrong is decided by src/wizard.
import { textOf } from '../../dialog/dialog';
import type { Store, TextName } from './store';

export interface RowOptions {
  label: string;
  hint?: string;
}

export interface TextOptions extends RowOptions {
  placeholder?: string;
  mono?: boolean;
}

let forms = 0;

/** Not by jQuery's second parameter, to which some names of attributes are methods (width). */
export const make = (tag: string, attributes: Readonly<Record<string, string | number>> = {}): JQuery =>
  $(`<${tag}>`).attr(attributes);

/** One line is one entry; empty ones are none. */
export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

const sameLines = (a: readonly string[], b: readonly string[]): boolean => a.join('\n') === b.join('\n');

export class Form {
  private readonly id = `zfs-wizard-${++forms}`;
  private readonly inputs = new Map<string, JQuery>();
  private readonly refreshers: (() => void)[] = [];

  constructor(
    readonly element: JQuery,
    private readonly store: Store,
  ) {
    store.onChange(() => this.refresh());
  }

  /** Shows what the answers say. */
  refresh(): void {
    for (const refresh of this.refreshers) refresh();
  }

  /** Called now and after each change of the answers. */
  live(show: () => void): void {
    this.refreshers.push(show);
    show();
  }

  /** Shows the rows only while `condition` holds. */
  showWhen(condition: () => boolean, ...rows: JQuery[]): void {
    this.live(() => {
      for (const row of rows) row.toggleClass('zfs-hidden', !condition());
    });
  }

  /** A part of the step, with a title of its own. */
  part(title: string, about = ''): JQuery {
    const id = `${this.id}-part-${this.element.children().length}`;
    const part = make('section', { class: 'zfs-wizard-part', 'aria-labelledby': id }).appendTo(this.element);
    make('h4', { id }).text(title).appendTo(part);
    if (about !== '') make('p', { class: 'zfs-wizard-about' }).text(about).appendTo(part);
    return part;
  }

  text(parent: JQuery, name: TextName, options: TextOptions): JQuery {
    const input = make('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
    return this.bound(parent, name, input, options);
  }

  secret(parent: JQuery, name: TextName, options: TextOptions): JQuery {
    // Browsers would offer to keep it, as if it were the login of this page.
    return this.bound(parent, name, make('input', { type: 'password', autocomplete: 'new-password' }), options);
  }

  /** A text, one entry a line, for an answer that is a list. */
  lines(parent: JQuery, name: 'sourceDatasets' | 'exclude' | 'namingSchemas', options: TextOptions): JQuery {
    const { store } = this;
    const input = make('textarea', { rows: 3, spellcheck: 'false', autocomplete: 'off', wrap: 'off' });
    const row = this.row(parent, name, input, options);
    input.on('input change', () => {
      const lines = linesOf(textOf(input));
      if (!sameLines(lines, store.answers[name])) store.set({ [name]: lines });
    });
    this.live(() => {
      const wanted = store.answers[name];
      if (!sameLines(linesOf(textOf(input)), wanted)) input.val(wanted.join('\n'));
      input.attr('rows', Math.min(8, Math.max(2, textOf(input).split('\n').length)));
    });
    return row;
  }

  choice(parent: JQuery, name: TextName, choices: readonly (readonly [string, string])[], options: RowOptions): JQuery {
    const select = make('select');
    for (const [value, label] of choices) make('option', { value }).text(label).appendTo(select);
    return this.bound(parent, name, select, options);
  }

  check(parent: JQuery, name: 'recursive' | 'encryptionKeyGenerate', options: RowOptions): JQuery {
    const { store } = this;
    const box = make('input', {
      type: 'checkbox',
      name,
      id: this.idOf(name),
      'aria-describedby': this.describedBy(name),
    });
    const label = make('label', { class: 'zfs-check' }).append(box, make('span').text(options.label));
    const row = this.bare(parent, name).append(make('span', { class: 'zfs-label' }));
    const control = make('div', { class: 'zfs-control' }).append(label).appendTo(row);
    this.foot(control, name, options.hint);
    this.inputs.set(name, box);
    box.on('change', () => store.set({ [name]: box.prop('checked') === true }));
    this.live(() => {
      box.prop('checked', store.answers[name]);
    });
    return row;
  }

  /** An input that shows and sets one text of the answers. */
  private bound(parent: JQuery, name: TextName, input: JQuery, options: TextOptions): JQuery {
    const row = this.row(parent, name, input, options);
    this.bind(name, input);
    return row;
  }

  /** For inputs that stand beside others. */
  bind(name: TextName, input: JQuery): void {
    const { store } = this;
    input.on('input change', () => {
      if (textOf(input) !== store.answers[name]) store.set({ [name]: textOf(input) });
    });
    this.live(() => {
      if (textOf(input) !== store.answers[name]) input.val(store.answers[name]);
    });
  }

  /** A row with an input of one's own. */
  row(parent: JQuery, name: string, input: JQuery, { label, hint, placeholder, mono }: TextOptions): JQuery {
    this.name(name, input);
    if (placeholder !== undefined) input.attr('placeholder', placeholder);
    if (mono === true) input.addClass('zfs-mono');
    const row = this.bare(parent, name).append(make('label', { for: this.idOf(name) }).text(label));
    const control = make('div', { class: 'zfs-control' }).append(input).appendTo(row);
    this.foot(control, name, hint);
    return row;
  }

  /** Makes an input that of a field; its row needs a foot. */
  name(name: string, input: JQuery): void {
    input.attr({ id: this.idOf(name), name, 'aria-describedby': this.describedBy(name) });
    this.inputs.set(name, input);
  }

  bare(parent: JQuery, name: string): JQuery {
    return make('div', { class: 'form-row', 'data-zfs-field': name }).appendTo(parent);
  }

  /** The hint of a field, and the place for what is wrong with it. */
  foot(control: JQuery, name: string, hint?: string): void {
    make('div', { class: 'zfs-problem', id: `${this.idOf(name)}-problem`, role: 'alert' }).appendTo(control);
    const text = make('div', { class: 'zfs-hint', id: `${this.idOf(name)}-hint` }).appendTo(control);
    text.text(hint ?? '').toggleClass('zfs-hidden', hint === undefined);
  }

  hint(name: string, text: string): void {
    const place = this.element.find(`[id="${this.idOf(name)}-hint"]`);
    if (place.text() !== text) place.text(text);
    place.toggleClass('zfs-hidden', text === '');
  }

  idOf(name: string): string {
    return `${this.id}-${name}`;
  }

  private describedBy(name: string): string {
    return `${this.idOf(name)}-problem ${this.idOf(name)}-hint`;
  }

  input(name: string): JQuery {
    return this.inputs.get(name) ?? $();
  }

  get names(): string[] {
    return [...this.inputs.keys()];
  }

  /** Says what is wrong with a field, or, with '', nothing any more. */
  complain(name: string, text: string): void {
    const place = this.element.find(`[id="${this.idOf(name)}-problem"]`);
    const input = this.input(name);
    if (text === '') {
      place.empty().removeAttr('data-zfs-problem');
      input.removeClass('input-error').removeAttr('aria-invalid');
      return;
    }
    if (place.text() !== text) place.text(text);
    place.attr('data-zfs-problem', name);
    input.addClass('input-error').attr('aria-invalid', 'true');
  }

  /** Names of fields that something is said of. */
  get complained(): string[] {
    return this.names.filter((name) => this.input(name).attr('aria-invalid') === 'true');
  }
}
