// The one description of each option: a capability's `options.ts` is a table of fields. Types, reading, the dialogs'
// defaults and validators, the forms' limits and the reference are derived from it or checked against it.
// Words: a *property* is what a node stores (and what `error.field` names), an *option* is what the engine gets of it, and
// a *field* is the row of a table that describes both. Plain data, bundled into the dialogs too: nothing of Node.js here.
import type { RawOptions } from './read';

/** How a literal is stored. `list` = JSON array of strings, `json` = any JSON value; both as such, not as text. */
export type LiteralType = 'str' | 'num' | 'bool' | 'json' | 'list';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What the values of a property are. The words of the reference for it are in nodes/locales. */
export type Kind =
  | 'text'
  | 'flag'
  | 'choice'
  | 'count'
  | 'number'
  | 'share'
  | 'seconds'
  | 'hours'
  | 'duration'
  | 'bytes'
  | 'list'
  | 'choices'
  | 'connection'
  | 'dataset'
  | 'datasets'
  | 'excludes'
  | 'schema'
  | 'schemas'
  | 'regex'
  | 'cron'
  | 'schedule'
  | 'timeZone'
  | 'clockTime'
  | 'timeLimit'
  | 'freeSpace'
  | 'policy'
  | 'scope'
  | 'destinations'
  | 'userProperties'
  | 'properties'
  | 'propertyNames'
  | 'hooks'
  | 'keyLocation'
  | 'host'
  | 'hostKeys'
  | 'path'
  | 'ciphers'
  | 'port'
  | 'address';

/** Throws INVALID_OPTIONS for the property `name` unless `text` is one of its kind. */
export type Check = (text: string, name: string) => unknown;

/** `T` is the option: what the engine gets. */
export interface Field<T = unknown> {
  readonly kind: Kind;
  readonly type: LiteralType;
  /** What a missing property means. */
  readonly default: Json;
  /** A **T** field: `<name>Type` beside it says where the value comes from; missing = the literal type. */
  readonly typed: boolean;
  /** The part of the dialog and of the reference that it belongs to; '' = above all parts. */
  readonly section: string;
  /** An empty text or list is refused. */
  readonly required: boolean;
  /** The values that a literal, or each text of a list, may have. */
  readonly choices?: readonly string[];
  /** Those of `choices` whose engine part does not exist yet: they are stored and shown, and a run ends with UNSUPPORTED. */
  readonly later?: readonly string[];
  /** null is stored where an earlier version knew nothing of it, and means the default. */
  readonly mayBeNull?: boolean;
  /** Numbers only: the smallest and largest value, both allowed. */
  readonly min?: number;
  readonly max?: number;
  /** Numbers only. */
  readonly integer?: boolean;
  /** Holds the id of a `zfs-ssh-connection`, '' = the machine that runs Node-RED. */
  readonly connection?: boolean;
  /** What is asked of a text that is not empty, or of each text of a list. */
  readonly check?: Check;
  /** The option. Throws INVALID_OPTIONS for the property `name`, and UNSUPPORTED for what is `later`. */
  readonly read: (raw: RawOptions, name: string) => T;
}

export type FieldTable = Readonly<Record<string, Field>>;

/** What the engine gets for a table. */
export type OptionsOf<T extends FieldTable> = {
  [K in keyof T]: ReturnType<T[K]['read']>;
};

/** Every option of a table, in its order. Throws INVALID_OPTIONS with the property in `field`, and UNSUPPORTED. */
export function readOptions<T extends FieldTable>(table: T, raw: RawOptions): OptionsOf<T> {
  const fields = Object.entries(table).map(([name, field]) => [name, field.read(raw, name)] as const);
  return Object.fromEntries(fields) as OptionsOf<T>;
}

/** Some fields of a table. */
export function pick<T extends FieldTable, K extends keyof T>(table: T, ...names: K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, table[name]])) as Pick<T, K>;
}

/** The fields of one part of the dialog. */
export function section<T extends FieldTable>(name: string, fields: T): T {
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, { ...field, section: name }])) as T;
}

/** A **T** field. */
export function typed<F extends Field>(field: F): F {
  return { ...field, typed: true };
}
