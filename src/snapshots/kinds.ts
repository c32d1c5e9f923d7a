// The kinds of properties that only taking snapshots knows: user properties for the new snapshots, and shell commands
// around them. Pure; the dialogs bundle this file too.
import { invalidOption } from '../base/errors';
import type { Field } from '../options/field';
import { json } from '../options/kinds';
import { readObject, type RawOptions } from '../options/read';
import { userPropertyProblem } from '../zfs/names';

/** ZAP_MAXVALUELEN: what ZFS takes as the value of a user property, less the terminating NUL. */
const MAX_PROPERTY_VALUE = 8191;
/** Seconds: a day. What freezes an application for longer is a mistake. */
export const MAX_HOOK_TIMEOUT = 86_400;

/** Throws INVALID_OPTIONS for the property `name` unless `key` can be a user property. */
export function checkUserProperty(key: string, name: string): void {
  const problem = userPropertyProblem(key);
  if (problem !== null) throw invalidOption(name, `${name}: ${JSON.stringify(key)}: ${problem}`);
}

function readUserProperties(raw: RawOptions, name: string): Readonly<Record<string, string>> {
  const properties: Record<string, string> = {};
  for (const [key, value] of Object.entries(readObject(raw, name))) {
    checkUserProperty(key, name);
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw invalidOption(name, `${name}: the value of ${key} must be a text`);
    }
    const text = String(value);
    // A line break or tab would make every listing that shows the property ambiguous.
    if (/[\0-\x1f]/.test(text)) throw invalidOption(name, `${name}: ${key} holds a control character`);
    if (new TextEncoder().encode(text).length > MAX_PROPERTY_VALUE) {
      throw invalidOption(name, `${name}: the value of ${key} is longer than ${MAX_PROPERTY_VALUE} bytes`);
    }
    properties[key] = text;
  }
  return properties;
}

/** Names of user properties with their values. */
export function userProperties(): Field<Readonly<Record<string, string>>> {
  return json('userProperties', {}, readUserProperties);
}

export interface Hooks {
  before: string;
  after: string;
  /** Seconds. */
  timeout: number;
}

const NO_HOOKS = { before: '', after: '', timeout: 60 } as const satisfies Hooks;

function readHooks(raw: RawOptions, name: string): Hooks {
  const { before = '', after = '', timeout = NO_HOOKS.timeout, ...unknown } = readObject(raw, name);
  const stranger = Object.keys(unknown)[0];
  if (stranger !== undefined) {
    throw invalidOption(name, `${name}: there is no "${stranger}"; it holds before, after and timeout`);
  }
  if (typeof before !== 'string' || typeof after !== 'string') {
    throw invalidOption(name, `${name}: before and after must be texts (shell commands)`);
  }
  const seconds = typeof timeout === 'string' && timeout.trim() !== '' ? Number(timeout) : timeout;
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= MAX_HOOK_TIMEOUT)) {
    const limits = `more than 0 and at most ${MAX_HOOK_TIMEOUT}`;
    throw invalidOption(name, `${name}: timeout must be a number of seconds, ${limits}`);
  }
  return { before, after, timeout: seconds };
}

/** Shell commands on the dataset's host. */
export function hooks(): Field<Hooks> {
  return json('hooks', NO_HOOKS, readHooks);
}
