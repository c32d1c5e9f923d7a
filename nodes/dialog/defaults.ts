// A definition's `defaults` and `credentials`, from the tables of the properties. The build writes them out into each node's
// html (scripts/build/registration.ts), where the flow library reads them.
import type { Field, FieldTable } from '../../src/options/field';
import { FIELDS } from '../fields';
import { CREDENTIALS, type NodeType } from '../node-options';
import { type Rules, SCHEDULE_PROPERTIES, scheduleValidator, validatorOf } from './validate';

/** Nobody can enter a wrong one. */
const UNCHECKED: ReadonlySet<string> = new Set(['version', 'name']);

/** What the field of a property alone does not say, for those that have more to it. */
export type Own<T extends NodeType> = Partial<Record<keyof (typeof FIELDS)[T] & string, Rules | EditorValidator>>;

function validatorFor(type: NodeType, name: string, own: Rules | EditorValidator | undefined): EditorValidator {
  if (typeof own === 'function') return own;
  const scheduled = SCHEDULE_PROPERTIES.find((property) => property === name);
  return scheduled === undefined ? validatorOf(type, name, own) : scheduleValidator(type, scheduled);
}

function propertyOf(
  type: NodeType,
  name: string,
  field: Field,
  own: Rules | EditorValidator | undefined,
): EditorProperty {
  const value = field.default;
  if (field.connection === true) {
    // The editor itself sees that there is such a node, unless we look for more.
    const validate = typeof own === 'function' ? { validate: own } : {};
    return { value, type: 'zfs-ssh-connection', required: false, ...validate };
  }
  return UNCHECKED.has(name) ? { value } : { value, validate: validatorFor(type, name, own) };
}

export function defaultsOf<T extends NodeType>(type: T, own: Own<T> = {}): Record<string, EditorProperty> {
  const defaults: Record<string, EditorProperty> = {};
  const rules: Readonly<Record<string, Rules | EditorValidator | undefined>> = own;
  for (const [name, field] of Object.entries(FIELDS[type] as FieldTable)) {
    defaults[name] = propertyOf(type, name, field, rules[name]);
    if (field.typed) defaults[`${name}Type`] = { value: field.type };
  }
  return defaults;
}

export function credentialsOf(type: NodeType): Record<string, { type: 'password' }> {
  return Object.fromEntries(CREDENTIALS[type].map((name) => [name, { type: 'password' as const }]));
}
