// One step of the set-up of a connection, as it is seen: a title, rows with fields, a place for what is wrong at each of
// them, and the buttons that lead on and back. Knows nothing of what is set up.
import { textOf } from '../../dialog/dialog';

/** Of the connection's catalogue, wherever the set-up is shown. */
export type Translate = (key: string, replacements?: Record<string, unknown>) => string;

export interface Problem {
  /** Name of the field that it is about; without one it is about the whole step. */
  field?: string | undefined;
  text: string;
  /** What can be done about it. */
  hint?: string | undefined;
  code?: string | undefined;
  /** What was changed on the other machine before it failed. */
  done?: readonly string[];
}

interface FieldOptions {
  label: string;
  hint?: string;
  placeholder?: string;
  value?: string;
}

let panes = 0;

/** Not by jQuery's second parameter, to which some names of attributes are methods (autocomplete). */
const input = (attributes: Readonly<Record<string, string | number>>): JQuery => $('<input>').attr(attributes);

/** What was changed, one thing each. */
export function listOf(texts: readonly string[]): JQuery {
  const list = $('<ul>', { class: 'zfs-set-up-changed' });
  for (const text of texts) $('<li>').text(text).appendTo(list);
  return list;
}

export class Pane {
  readonly element: JQuery;
  private readonly rows: JQuery;
  private readonly actions: JQuery;
  private readonly status: JQuery;
  private readonly general: JQuery;
  private readonly fields = new Map<string, JQuery>();
  private readonly id = `zfs-set-up-${++panes}`;
  private busyWith: AbortController | null = null;
  private readonly cancel: JQuery;
  private readonly foot: JQuery;

  constructor(
    private readonly t: Translate,
    title: string,
    about = '',
  ) {
    this.element = $('<div>', { class: 'zfs-set-up-pane', role: 'group', 'aria-labelledby': `${this.id}-title` });
    $('<h4>', { id: `${this.id}-title`, tabindex: -1 })
      .text(title)
      .appendTo(this.element);
    this.rows = $('<div>').appendTo(this.element);
    if (about !== '') this.about(about);
    this.general = $('<div>', { class: 'zfs-sentence zfs-error zfs-hidden', role: 'alert' }).appendTo(this.element);
    const foot = $('<div>', { class: 'zfs-set-up-foot' }).appendTo(this.element);
    this.actions = $('<div>', { class: 'zfs-buttons' }).appendTo(foot);
    this.status = $('<span>', { class: 'zfs-set-up-status', role: 'status' });
    // In the page only while there is something to be cancelled.
    this.cancel = this.makeButton(this.t('setUp.cancel'), 'cancel', () => this.busyWith?.abort());
    this.foot = foot.append(this.status);
  }

  /** A paragraph; an alarming one is read out at once. */
  about(text: string, alarm = false): this {
    const paragraph = $('<p>', { class: 'zfs-set-up-about' }).text(text);
    if (alarm) paragraph.addClass('zfs-set-up-alarm').attr('role', 'alert');
    return this.add(paragraph);
  }

  /** Something of its own in the place of the rows. */
  add(content: JQuery): this {
    this.rows.append(content);
    return this;
  }

  text(name: string, options: FieldOptions): JQuery {
    return this.field(name, input({ type: 'text', autocomplete: 'off', spellcheck: 'false' }), options);
  }

  secret(name: string, options: FieldOptions): JQuery {
    // Browsers would offer to keep it, as if it were the login of this page.
    return this.field(name, input({ type: 'password', autocomplete: 'new-password' }), options);
  }

  /** A text of several lines, in which Enter is Enter. */
  area(name: string, options: FieldOptions): JQuery {
    const area = $('<textarea>').attr({ rows: 3, autocomplete: 'off', spellcheck: 'false' });
    return this.field(name, area, options);
  }

  /** Puts something below a field, in its row. */
  below(name: string, content: JQuery): void {
    this.rowOf(name).find('.zfs-control').append(content);
  }

  /** On the line of the field `beside`. */
  number(name: string, options: FieldOptions & { min: number; max: number; beside: string }): JQuery {
    const { min, max, beside, label, value = '' } = options;
    const id = this.idOf(name);
    const number = input({ type: 'number', min, max, step: 1, id, name, 'aria-describedby': `${id}-problem` }).val(
      value,
    );
    const neighbour = this.fields.get(beside);
    const line = $('<div>', { class: 'zfs-set-up-line', 'data-zfs-field': name });
    neighbour?.before(line);
    line.append(neighbour ?? '', $('<label>', { for: id }).text(label), number);
    this.problemPlace(name, line.parent());
    return this.wire(name, number);
  }

  choice(name: string, choices: Readonly<Record<string, string>>, options: FieldOptions): JQuery {
    const select = $('<select>');
    for (const [value, label] of Object.entries(choices)) $('<option>', { value }).text(label).appendTo(select);
    return this.field(name, select, options);
  }

  check(name: string, options: { label: string; hint?: string; checked: boolean }): JQuery {
    const box = input({ type: 'checkbox', name, id: this.idOf(name) }).prop('checked', options.checked);
    const row = this.row(name, $('<label>'));
    const control = row.find('.zfs-control');
    control.append($('<label>', { class: 'zfs-check' }).append(box, $('<span>').text(options.label)));
    if (options.hint !== undefined) $('<div>', { class: 'zfs-hint' }).text(options.hint).appendTo(control);
    this.problemPlace(name, control);
    this.fields.set(name, box);
    return box;
  }

  private field(name: string, input: JQuery, { label, hint, placeholder, value }: FieldOptions): JQuery {
    const id = `${this.id}-${name}`;
    input.attr({
      id,
      name,
      'aria-describedby': `${id}-problem`,
      ...(placeholder === undefined ? {} : { placeholder }),
    });
    if (value !== undefined) input.val(value);
    const row = this.row(name, $('<label>', { for: id }).text(label));
    const control = row.find('.zfs-control').append(input);
    if (hint !== undefined) $('<div>', { class: 'zfs-hint' }).text(hint).appendTo(control);
    this.problemPlace(name, control);
    return this.wire(name, input);
  }

  private idOf(name: string): string {
    return `${this.id}-${name}`;
  }

  private wire(name: string, input: JQuery): JQuery {
    input.on('input change', () => this.clear(name));
    input.on('keydown', (event) => {
      if (event.key !== 'Enter' || input.is('textarea') || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.actions.find('.primary:visible').first().trigger('click');
    });
    this.fields.set(name, input);
    return input;
  }

  private row(name: string, label: JQuery): JQuery {
    const row = $('<div>', { class: 'form-row', 'data-zfs-field': name });
    return row.append(label, $('<div>', { class: 'zfs-control' })).appendTo(this.rows);
  }

  private problemPlace(name: string, control: JQuery): void {
    $('<div>', { class: 'zfs-problem', id: `${this.idOf(name)}-problem`, role: 'alert' }).appendTo(control);
  }

  /** Shows or hides the row of a field. */
  toggle(name: string, shown: boolean): void {
    this.rowOf(name).toggleClass('zfs-hidden', !shown);
  }

  private rowOf(name: string): JQuery {
    return this.element.find(`[data-zfs-field="${name}"]`);
  }

  private placeOf(name: string): JQuery {
    return this.element.find(`[id="${this.idOf(name)}-problem"]`);
  }

  value(name: string): string {
    const input = this.fields.get(name);
    return input === undefined ? '' : input.attr('type') === 'password' ? textOf(input) : textOf(input).trim();
  }

  checked(name: string): boolean {
    return this.fields.get(name)?.prop('checked') === true;
  }

  set(name: string, value: string): void {
    this.fields.get(name)?.val(value);
  }

  onInput(listener: () => void): this {
    this.element.on('input change', listener);
    return this;
  }

  /** A button of this step. The first is the one that leads on, which Enter presses. */
  button(label: string, action: string, press: () => void): JQuery {
    const isFirst = this.actions.children().length === 0;
    return this.makeButton(label, action, press).toggleClass('primary', isFirst).appendTo(this.actions);
  }

  private makeButton(label: string, action: string, press: () => void): JQuery {
    const button = $('<button>', { type: 'button', class: 'red-ui-button', 'data-zfs-action': action }).text(label);
    return button.on('click', (event) => {
      event.preventDefault();
      press();
    });
  }

  /**
   * Runs `work` once at a time: meanwhile everything but Cancel is off, and `text` says what is being done. What fails in it
   * is for itself to show; what ends it is its signal.
   */
  async busy(text: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.busyWith !== null) return;
    const controller = (this.busyWith = new AbortController());
    this.clearAll();
    const focused = document.activeElement;
    const off = this.element.find('input, select, textarea, button').not(this.cancel).not(':disabled');
    off.prop('disabled', true);
    this.element.attr('aria-busy', 'true');
    this.say(text);
    this.cancel.appendTo(this.foot).trigger('focus');
    try {
      await work(controller.signal);
    } finally {
      this.busyWith = null;
      off.prop('disabled', false);
      this.element.removeAttr('aria-busy');
      this.status.empty();
      const wasHere = this.cancel.is(document.activeElement ?? '');
      this.cancel.detach();
      if (wasHere && focused instanceof HTMLElement) focused.focus();
    }
  }

  say(text: string): void {
    this.status.empty().append('<i class="fa fa-spinner fa-spin"></i> ', document.createTextNode(text));
  }

  /** Ends what is being done, as Cancel does. */
  abort(): void {
    this.busyWith?.abort();
  }

  /** Says what is wrong where it is wrong, and goes there. */
  complain(problem: Problem): void {
    const input = problem.field === undefined ? undefined : this.fields.get(problem.field);
    const row = problem.field === undefined ? $() : this.rowOf(problem.field);
    const atField = input !== undefined && !row.hasClass('zfs-hidden');
    const place = atField ? this.placeOf(problem.field ?? '') : this.general.removeClass('zfs-hidden');
    place
      .empty()
      .attr('data-zfs-problem', problem.field ?? '')
      .attr('data-zfs-code', problem.code ?? null);
    $('<div>').text(problem.text).appendTo(place);
    if (problem.hint !== undefined && problem.hint !== '')
      $('<div>', { class: 'zfs-hint' }).text(problem.hint).appendTo(place);
    const { done = [] } = problem;
    if (done.length > 0)
      $('<div>', { class: 'zfs-hint' }).text(this.t('setUp.doneSoFar')).append(listOf(done)).appendTo(place);
    if (atField) input.addClass('input-error').attr('aria-invalid', 'true').trigger('focus');
    else this.general.get(0)?.scrollIntoView({ block: 'nearest' });
  }

  private clear(name: string): void {
    this.fields.get(name)?.removeClass('input-error').removeAttr('aria-invalid');
    this.placeOf(name).empty().removeAttr('data-zfs-problem data-zfs-code');
  }

  clearAll(): void {
    for (const name of this.fields.keys()) this.clear(name);
    this.general.addClass('zfs-hidden').empty().removeAttr('data-zfs-problem data-zfs-code');
  }

  /** The first field that is empty, or the title, so that it is read before anything is pressed. */
  focus(): void {
    const inputs = [...this.fields.values()].filter((input) => input.is(':visible'));
    const first = inputs.find((input) => textOf(input) === '') ?? inputs[0] ?? this.element.find('h4');
    first.trigger('focus');
  }
}
