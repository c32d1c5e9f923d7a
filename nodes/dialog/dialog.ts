// What every dialog shares: filling inputs with what a missing property means, storing values with their real JSON type,
// section summaries, and cleaning up. Which inputs there are is said by form.html; what they mean by the node's editor.ts.
import type { Field, FieldTable } from '../../src/options/field';
import { FIELDS } from '../fields';
import { CREDENTIALS, type NodeType } from '../node-options';
import preview from './preview.css';
import style from './style.css';

const STYLE_ID = 'zfs-flows-style';

/**
 * The node of each type whose dialog is open; validators look at the form only for that one. A connection's dialog lies
 * above that of the node which uses it, and both are open then.
 */
const edited = new Map<string, EditorNode>();

export function isBeingEdited(node: EditorNode): boolean {
  return edited.get(node.type) === node;
}

export function inputPrefix(type: NodeType): string {
  return type === 'zfs-ssh-connection' ? 'node-config-input-' : 'node-input-';
}

/** The text of an input, '' when there is none. */
export function textOf(input: JQuery): string {
  const value = input.val();
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Once in a page; for what stands in an element of class `zfs-form`. */
export function useStyle(): void {
  if (document.getElementById(STYLE_ID) === null)
    $('<style>', { id: STYLE_ID })
      .text(style + preview)
      .appendTo('head');
}

export class Dialog {
  readonly form: JQuery;
  readonly prefix: string;
  private readonly fields: FieldTable;
  private readonly readers = new Map<string, () => unknown>();
  private readonly listeners: (() => void)[] = [];
  private readonly savers: (() => boolean)[] = [];
  private readonly disposers: (() => void)[] = [];
  private pending: number | null = null;
  private shownOnce = false;

  constructor(
    readonly node: EditorNode,
    readonly type: NodeType,
  ) {
    edited.set(type, node);
    this.prefix = inputPrefix(type);
    this.fields = FIELDS[type];
    this.form = $(`#${this.prefix}name`).closest('.zfs-form');
    useStyle();
    for (const [property, field] of Object.entries(this.fields)) this.fillMissing(property, field);
    this.form.on('change.zfs keyup.zfs paste.zfs input.zfs sortupdate.zfs', () => this.changed());
    this.changed();
  }

  t(key: string, replacements?: Record<string, unknown>): string {
    return this.node._(key, replacements);
  }

  input(property: string): JQuery {
    return $(`#${this.prefix}${property}`);
  }

  /** The text of a property's label. It is not in the form yet when the dialog is prepared; only its key is. */
  label(property: string): string {
    const key = this.form.find(`label[for="${this.prefix}${property}"] [data-i18n]`).attr('data-i18n');
    return key === undefined ? '' : RED._(key);
  }

  /** The stored value, or what its absence means. */
  value(property: string): unknown {
    return this.node[property] ?? this.fields[property]?.default;
  }

  /** What the form shows now: the text of an input or the state of a checkbox. */
  shown(property: string): string {
    return textOf(this.input(property));
  }

  checked(property: string): boolean {
    return this.input(property).prop('checked') === true;
  }

  /** Id of the connection chosen in the form, '' = the machine that runs Node-RED. */
  connection(property: string): string {
    const id = this.shown(property);
    return id === '_ADD_' ? '' : id;
  }

  /** `read` gives the property's JSON value when the dialog is saved; the input's text is not stored then. */
  store(property: string, read: () => unknown): void {
    this.readers.set(property, read);
  }

  /** All properties as the form shows them now, with their JSON types. */
  present(): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [property, field] of Object.entries(this.fields)) {
      const read = this.readers.get(property);
      if (read !== undefined) values[property] = read();
      else if (this.input(property).length === 0) values[property] = this.value(property);
      else if (field.connection === true) values[property] = this.connection(property);
      else if (field.type === 'bool') values[property] = this.checked(property);
      else if (field.type === 'num') values[property] = Number(this.shown(property));
      else values[property] = this.shown(property);
      if (field.typed) values[`${property}Type`] = this.shown(`${property}Type`);
    }
    return values;
  }

  /** Called after each change in the form, and once after the dialog was built. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Called when the dialog is confirmed, before it closes. `true`: something was changed that is in no input. */
  onSave(save: () => boolean): void {
    this.savers.push(save);
  }

  onClose(dispose: () => void): void {
    this.disposers.push(dispose);
  }

  /** Something in the form changed that raised no event of its own. */
  changed(): void {
    if (this.pending !== null) return;
    this.pending = window.setTimeout(() => {
      this.pending = null;
      for (const listener of this.listeners) listener();
      this.form.find('.zfs-section').each((_, section) => this.markSection($(section)));
      this.shownOnce = true;
    }, 0);
  }

  /** A section with something wrong says what, in place of its summary. */
  private markSection(section: JQuery): void {
    const wrong = section.find('.input-error');
    section.toggleClass('zfs-invalid', wrong.length > 0);
    if (wrong.length === 0) return;
    const [reason] = wrong.get().flatMap((element) => this.reasonFor($(element)) ?? []);
    if (reason !== undefined) section.find('.zfs-section-summary').text(reason).attr('title', reason);
    // What is wrong is seen at once, but a section that is closed again stays closed.
    if (!this.shownOnce) section.attr('open', '');
  }

  /** Rows keep the reason as their title; for other inputs the validator is asked again. */
  private reasonFor(input: JQuery): string | null {
    const title = input.attr('title') ?? '';
    if (title !== '') return title;
    const property = (input.attr('id') ?? '').slice(this.prefix.length);
    const { defaults } = this.node['_def'] as EditorNodeDefinition;
    const answer = defaults[property]?.validate?.call(this.node, textOf(input), {});
    return typeof answer === 'string' ? answer : null;
  }

  /** Shows `describe()` at the right of the section's title: what the section is set to. */
  summary(section: string, describe: () => string): void {
    const target = this.form.find(`[data-section="${section}"] .zfs-section-summary`);
    this.onChange(() => {
      const text = describe();
      target.text(text).attr('title', text);
    });
  }

  /** Shows the elements only while `condition()` holds. */
  showWhen(selector: string, condition: () => boolean): void {
    const elements = this.form.find(selector);
    this.onChange(() => {
      elements.toggleClass('zfs-hidden', !condition());
    });
  }

  /**
   * oneditsave. Node-RED reads the inputs afterwards; those whose id is gone keep what is stored here. Returns whether there
   * was a change that Node-RED does not see.
   */
  save(): boolean {
    const changed = this.savers.map((save) => save()).includes(true);
    for (const [property, field] of Object.entries(this.fields)) {
      const input = this.input(property);
      const read = this.readers.get(property);
      if (read !== undefined) {
        this.assign(property, field, read());
        input.removeAttr('id');
      } else if (field.type === 'num') {
        const text = textOf(input).trim();
        if (text !== '' && Number.isFinite(Number(text))) this.assign(property, field, Number(text));
      }
      this.keepMissing(property, field);
    }
    // Node-RED takes an empty secret that was never there for a change.
    for (const name of CREDENTIALS[this.type]) {
      const had = this.node.credentials?.[`has_${name}`] === true || Boolean(this.node.credentials?.[name]);
      if (!had && textOf(this.input(name)) === '') this.input(name).removeAttr('id');
    }
    this.close();
    return changed;
  }

  /** Also oneditcancel. */
  close(): void {
    if (this.pending !== null) window.clearTimeout(this.pending);
    for (const dispose of this.disposers.splice(0)) dispose();
    this.form.off('.zfs');
    if (isBeingEdited(this.node)) edited.delete(this.type);
  }

  private assign(property: string, field: Field, value: unknown): void {
    if (this.node[property] === undefined && sameJson(value, field.default)) return;
    this.node[property] = value;
  }

  /** A property that was missing and still means its default is left out, so that OK alone changes nothing. */
  private keepMissing(property: string, field: Field): void {
    const input = this.input(property);
    if (this.node[property] === undefined) {
      const text = field.connection === true ? this.connection(property) : textOf(input);
      const shown: unknown = input.is(':checkbox') ? input.prop('checked') : text;
      if (shown === field.default || shown === JSON.stringify(field.default)) input.removeAttr('id');
    }
    if (field.typed && this.node[`${property}Type`] === undefined) {
      const typeInput = this.input(`${property}Type`);
      if (textOf(typeInput) === field.type) typeInput.removeAttr('id');
    }
  }

  private fillMissing(property: string, field: Field): void {
    if (this.node[property] !== undefined) return;
    const input = this.input(property);
    if (field.connection === true) input.val('_ADD_');
    else if (field.type === 'bool') input.prop('checked', field.default === true);
    else if (typeof field.default === 'string' || typeof field.default === 'number') input.val(field.default);
  }
}
