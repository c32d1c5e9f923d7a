// The kinds of properties that only a replication knows: properties of ZFS that a receive leaves out or sets, and where
// a key is kept. Pure; the dialogs bundle this file too.
import { invalidOption } from '../../base/errors';
import type { Field } from '../../options/field';
import { json, list, text } from '../../options/kinds';
import { readTextTable, type RawOptions } from '../../options/read';

/** Properties that only the options of the same meaning may set: ZFS accepts them in some receives and not in others. */
const ENCRYPTION_PROPERTIES: readonly string[] = ['encryption', 'keyformat', 'keylocation', 'pbkdf2iters'];

/** Throws INVALID_OPTIONS for the property `name` unless `property` is what `zfs receive -x` takes. */
export function checkLeftOut(property: string, name: string): void {
  if (/^[0-9a-z:._+-]+$/.test(property) && !property.startsWith('-')) return;
  throw invalidOption(name, `${name}: ${JSON.stringify(property)} is no ZFS property`);
}

/** Throws INVALID_OPTIONS for the property `name` unless `property` is what `zfs receive -o` may be given here. */
export function checkOverride(property: string, name: string): void {
  if (!/^[0-9a-z][0-9a-z:._+-]*$/.test(property)) {
    throw invalidOption(name, `${name}: ${JSON.stringify(property)} is no ZFS property`);
  }
  if (ENCRYPTION_PROPERTIES.includes(property)) {
    const hint = 'Use the fields for encryption at the target.';
    throw invalidOption(name, `${name}: "${property}" cannot be set there`, hint);
  }
}

/** Names of ZFS properties. */
export function propertyNames(...value: string[]): Field<readonly string[]> {
  return list(value, { kind: 'propertyNames', check: checkLeftOut });
}

function readOverrides(raw: RawOptions, name: string): Readonly<Record<string, string>> {
  const table = readTextTable(raw, name);
  for (const property of Object.keys(table)) checkOverride(property, name);
  return table;
}

/** ZFS properties with their values. */
export function overrides(): Field<Readonly<Record<string, string>>> {
  return json('properties', {}, readOverrides);
}

function checkKeyLocation(place: string, name: string): void {
  // What `file://` may not hold is refused.
  if (place === 'stored' || /^\/[^\0\n]+$/.test(place)) return;
  const given = JSON.stringify(place);
  throw invalidOption(name, `${name}: ${given} is neither "stored" nor an absolute path on the target`);
}

/** 'stored' (the key comes with the run), or the path of a file on the target. */
export function keyLocation(): Field<string> {
  return text('stored', { kind: 'keyLocation', required: true, check: checkKeyLocation });
}
