// The account of a TrueNAS that SSH logs in to, as the API tells and takes it: its keys, shell and sudo. Pure: what has to be
// changed, from what is there. Nothing else of an answer is kept; it holds hashes of passwords too.
import { invalidOption, ZfsFlowError } from '../../base/errors';

export interface Account {
  /** Of the database, not the uid. */
  id: number;
  username: string;
  uid: number;
  home: string;
  shell: string;
  locked: boolean;
  /** Text of authorized_keys; '' where there is none. */
  keys: string;
  sudo: SudoRights;
}

/** SCALE lists what needs no password. CORE has one list, and one switch for all of it. */
export type SudoRights =
  | { form: 'scale'; withoutPassword: string[] }
  | { form: 'core'; allowed: boolean; withoutPassword: boolean; commands: string[] };

type Json = Record<string, unknown>;

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
const asTexts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** Out of what `user.query` lists. Throws INVALID_OPTIONS (field `sshUser`) where it is not there or cannot log in, API_ERROR for what is no list. */
export function accountOf(listed: unknown, username: string): Account {
  if (!Array.isArray(listed)) throw nonsense('user.query');
  // CORE has no accounts but its own, and says nothing of that.
  const found = (listed as Json[]).find((user) => user['username'] === username && user['local'] !== false);
  if (found === undefined) {
    throw invalidOption(
      'sshUser',
      `the TrueNAS has no user "${username}" of its own`,
      'Users of a directory service cannot be set up.',
    );
  }
  const { id, uid } = found;
  if (typeof id !== 'number' || typeof uid !== 'number') throw nonsense('user.query');
  if (found['locked'] === true) throw invalidOption('sshUser', `the user "${username}" is locked on the TrueNAS`);
  const { home, shell, sshpubkey } = found;
  return {
    id,
    uid,
    username,
    home: asText(home),
    shell: asText(shell),
    locked: false,
    keys: asText(sshpubkey),
    sudo: sudoOf(found),
  };
}

function sudoOf(user: Json): SudoRights {
  if ('sudo_commands_nopasswd' in user)
    return { form: 'scale', withoutPassword: asTexts(user['sudo_commands_nopasswd']) };
  const { sudo, sudo_nopasswd: withoutPassword, sudo_commands: commands } = user;
  return {
    form: 'core',
    allowed: sudo === true,
    withoutPassword: withoutPassword === true,
    commands: asTexts(commands),
  };
}

function nonsense(method: string): ZfsFlowError {
  const details = { method, errname: '' };
  return new ZfsFlowError('API_ERROR', `TrueNAS answered ${method} with something else than expected`, { details });
}

/** Homes that are none. */
export function hasNoHome({ home }: Account): boolean {
  return home === '' || home.startsWith('/nonexistent') || home === '/var/empty';
}

/**
 * The text of authorized_keys with this key too, or undefined where it is there. The API takes the whole file, so all that was
 * there is in it, to the letter.
 */
export function keysWith(keys: string, publicKey: string): string | undefined {
  if (hasKey(keys, publicKey)) return undefined;
  const before = keys.replace(/\s+$/, '');
  return before === '' ? publicKey : `${before}\n${publicKey}`;
}

/** By type and key, whatever options stand before it and whatever comment behind. */
export function hasKey(keys: string, publicKey: string): boolean {
  const [type = '', base64 = ''] = publicKey.split(' ');
  return linesOf(keys).some((line) => {
    const words = line.split(/\s+/);
    return !line.startsWith('#') && words.some((word, at) => word === base64 && words[at - 1] === type);
  });
}

/** Lines that were there before and are not any more. */
export function lostLines(before: string, after: string): string[] {
  const left = new Set(linesOf(after));
  return linesOf(before).filter((line) => !left.has(line));
}

function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** A shell that lets nobody in. */
export function isNoShell(shell: string): boolean {
  return /\/(?:nologin|false)$/.test(shell);
}

const SHELLS = ['/usr/bin/bash', '/usr/local/bin/bash', '/bin/bash', '/usr/bin/sh', '/bin/sh'];

/** Of those on offer (`user.shell_choices`), the one that our commands are known to work in. */
export function loginShell(choices: unknown): string | undefined {
  const offered = typeof choices === 'object' && choices !== null ? Object.keys(choices) : [];
  return SHELLS.find((shell) => offered.includes(shell));
}

const SCALE_COMMANDS = ['/usr/sbin/zfs', '/usr/sbin/zpool'];
/** Of the base system and of the package: whichever comes first on a PATH is the one that sudo sees. */
const CORE_COMMANDS = ['/usr/local/sbin/zfs', '/usr/local/sbin/zpool', '/sbin/zfs', '/sbin/zpool'];

export interface SudoChange {
  /** For `user.update`. */
  update: Json;
  /** What will need no password that did before, or was not allowed. */
  added: string[];
}

/** What it has to run; `absent`: what this TrueNAS does not have. */
export function sudoCommands({ sudo }: Account, absent: ReadonlySet<string> = new Set()): string[] {
  return (sudo.form === 'scale' ? SCALE_COMMANDS : CORE_COMMANDS).filter((command) => !absent.has(command));
}

/**
 * What lets the account run `zfs` and `zpool` as root without a password, and nothing else; undefined where it may.
 * Throws INVALID_OPTIONS, field `sudo`.
 */
export function sudoChange(account: Account, absent?: ReadonlySet<string>): SudoChange | undefined {
  const { username, sudo } = account;
  const there = sudoCommands(account, absent);
  if (sudo.form === 'scale') {
    const { withoutPassword } = sudo;
    if (withoutPassword.includes('ALL')) return undefined;
    const added = there.filter((command) => !withoutPassword.includes(command));
    return added.length === 0
      ? undefined
      : { added, update: { sudo_commands_nopasswd: [...withoutPassword, ...added] } };
  }
  // Commands without the switch are not allowed, and must not become so.
  if (!sudo.allowed) return { added: there, update: { sudo: true, sudo_nopasswd: true, sudo_commands: there } };
  if (!sudo.withoutPassword) {
    const has = sudo.commands.length === 0 ? 'everything' : sudo.commands.join(', ');
    throw invalidOption(
      'sudo',
      `"${username}" may run ${has} with sudo and a password; TrueNAS CORE cannot let it run zfs alone without one`,
      'Take another user for replication, or allow sudo without a password for this one in the TrueNAS.',
    );
  }
  // An empty list means every command.
  const added = sudo.commands.length === 0 ? [] : there.filter((command) => !sudo.commands.includes(command));
  return added.length === 0 ? undefined : { added, update: { sudo_commands: [...sudo.commands, ...added] } };
}
