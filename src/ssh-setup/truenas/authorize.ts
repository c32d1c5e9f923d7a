// Puts a public key into the account of a TrueNAS, and gives the account a shell and sudo where it needs them: through public
// methods, and through the one of TrueNAS's own pairing where those refuse the home directory. Every change is told at once.
import { ZfsFlowError } from '../../base/errors';
import {
  accountOf,
  hasKey,
  hasNoHome,
  isNoShell,
  keysWith,
  loginShell,
  lostLines,
  sudoChange,
  sudoCommands,
  type Account,
  type SudoChange,
} from './account';
import type { TrueNasClient } from './client';
import { apiDetails, isUnknownMethod } from './refusals';

type Changed = (line: string) => void;

/** Throws INVALID_OPTIONS (field `sshUser`), API_ERROR. */
export async function findAccount(client: TrueNasClient, username: string): Promise<Account> {
  return accountOf(await client.call('user.query', [['username', '=', username]], {}), username);
}

/** Throws API_ERROR where the key did not get there, or something else got lost. */
export async function addKey(
  client: TrueNasClient,
  account: Account,
  publicKey: string,
  changed: Changed,
): Promise<void> {
  const keys = keysWith(account.keys, publicKey);
  if (keys === undefined) return;
  await assertReadable(client, account);
  try {
    await client.call('user.update', account.id, { sshpubkey: keys });
  } catch (error) {
    if (!refusesHome(error) || hasNoHome(account)) throw error;
    await pairInstead(client, account, publicKey, error as ZfsFlowError);
  }
  changed(`SSH key of "${account.username}" added: ${publicKey}`);
  const { keys: after } = await findAccount(client, account.username);
  const lost = lostLines(account.keys, after);
  if (lost.length === 0 && hasKey(after, publicKey)) return;
  const what = lost.length === 0 ? 'the key is not there' : `other keys are missing: ${lost.join(', ')}`;
  throw new ZfsFlowError('API_ERROR', `TrueNAS took the key of "${account.username}", but afterwards ${what}`, {
    hint: 'Look at the SSH public keys of this user in the TrueNAS (Credentials › Users): somebody may have changed them at the same time.',
    details: { method: 'user.update', errname: '' },
  });
}

/**
 * TrueNAS says the same of a file that it cannot read as of one that is not there; writing would lose what is in it. Where
 * this login may not look at files there is nothing better to go by.
 */
async function assertReadable(client: TrueNasClient, { keys, home, username }: Account): Promise<void> {
  if (keys !== '') return;
  const file = `${home}/.ssh/authorized_keys`;
  let found: unknown;
  try {
    found = await client.call('filesystem.stat', file);
  } catch (error) {
    if (apiDetails(error) === undefined) throw error;
    return;
  }
  const { size } = (found ?? {}) as { size?: unknown };
  if (typeof size !== 'number' || size <= 2) return;
  throw new ZfsFlowError(
    'API_ERROR',
    `the TrueNAS does not tell the keys that "${username}" has, and would lose them`,
    {
      hint: `Look at ${file} there: it has to be text in UTF-8.`,
      details: { method: 'user.query', errname: '' },
    },
  );
}

function refusesHome(error: unknown): boolean {
  const fields = apiDetails(error)?.fields ?? [];
  return fields.some(({ field, message }) => /(?:^|\.)sshpubkey$/.test(field) && /home/i.test(message));
}

/** Where that does not work either, both reasons are told: the first is the one that can be helped. */
async function pairInstead(
  client: TrueNasClient,
  { username }: Account,
  publicKey: string,
  first: ZfsFlowError,
): Promise<void> {
  try {
    await pair(client, username, publicKey);
  } catch (error) {
    if (apiDetails(error) === undefined) throw error;
    const { hint, message } = first;
    const more = hint === undefined ? {} : { hint };
    throw (error as ZfsFlowError).with({ message: `${message}; ${(error as Error).message}`, ...more });
  }
}

/**
 * What one TrueNAS calls on another: it writes into whatever home there is. Not part of the public API, but reachable for an
 * administrator; the older name is for those that lack the other.
 */
async function pair(client: TrueNasClient, username: string, publicKey: string): Promise<void> {
  try {
    const data = { remote_hostname: 'any-host', username, public_key: publicKey };
    await client.call('keychaincredential.ssh_pair', data);
  } catch (error) {
    if (!isUnknownMethod(error)) throw error;
    await client.call('replication.pair', { hostname: 'any-host', 'public-key': publicKey, user: username });
  }
}

const BASH = '/usr/bin/bash';
const CORE_BASH = '/usr/local/bin/bash';

/** CORE takes the user here, the others groups: without either they list what everybody may have. */
async function shellChoices(client: TrueNasClient): Promise<unknown> {
  try {
    return await client.call('user.shell_choices');
  } catch (error) {
    if (apiDetails(error) === undefined) throw error;
    return undefined;
  }
}

/** Without a shell nobody gets in, whatever key he has. Throws API_ERROR. */
export async function giveShell(client: TrueNasClient, account: Account, changed: Changed): Promise<void> {
  if (!isNoShell(account.shell)) return;
  const shell = loginShell(await shellChoices(client)) ?? (account.sudo.form === 'core' ? CORE_BASH : BASH);
  await client.call('user.update', account.id, { shell });
  changed(`login shell of "${account.username}": ${account.shell} → ${shell}`);
}

/** `zfs` and `zpool` as root without a password. Throws INVALID_OPTIONS (field `sudo`), API_ERROR. */
export async function giveSudo(client: TrueNasClient, account: Account, changed: Changed): Promise<void> {
  let change = sudoChange(account);
  if (change === undefined) return;
  try {
    await client.call('user.update', account.id, change.update);
  } catch (error) {
    const absent = absentCommands(error, change.update);
    if (absent.size === 0) throw error;
    const left = sudoCommands(account, absent);
    // Without both there is nothing that helps.
    if (!['/zfs', '/zpool'].every((ending) => left.some((command) => command.endsWith(ending)))) throw error;
    change = sudoChange(account, absent);
    if (change === undefined) return;
    await client.call('user.update', account.id, change.update);
  }
  changed(`sudo without a password for "${account.username}": ${change.added.join(', ')}`);
}

function commandsIn(update: SudoChange['update']): string[] {
  return Object.values(update).find((value): value is string[] => Array.isArray(value)) ?? [];
}

/** CORE takes only paths that are there, and says which are not by their places in the list. */
function absentCommands(error: unknown, update: SudoChange['update']): Set<string> {
  const commands = commandsIn(update);
  const absent = new Set<string>();
  for (const { field, message } of apiDetails(error)?.fields ?? []) {
    const [, place] = /sudo_commands(?:_nopasswd)?\.(\d+)$/.exec(field) ?? [];
    const command =
      place === undefined || !/No paths matching|executable/.test(message) ? undefined : commands[Number(place)];
    if (command !== undefined) absent.add(command);
  }
  return absent;
}
