// Lets a public key into the account that a host is logged in to, and says line by line what that changed over there. The
// shell's half, and what it refuses, is host/shell/install-key-script.ts.
import { ZfsFlowError, type ErrorCode } from '../base/errors';
import type { Host, RunOptions } from '../host/host';
import { INSTALL_KEY, KEY_SETTINGS } from '../host/shell/install-key-script';

export interface Installed {
  /** A sentence for each change; none when the key was there. */
  changed: string[];
  /** What only a person can mend. */
  warnings: string[];
}

/** Milliseconds; a home directory may be on a server that answers slowly. */
const PATIENCE = 30_000;

type Fields = readonly string[];

/**
 * Appends `publicKey`, a line for `authorized_keys`, unless it is there. Throws PERMISSION_DENIED for a file or directory
 * that is a link, another user's or not to be written, UNSUPPORTED for a TrueNAS (which writes the file by itself), with
 * `details.changed`: nothing, but for what failed half-way.
 */
export async function installKey(host: Host, publicKey: string, signal?: AbortSignal): Promise<Installed> {
  const options: RunOptions = { stdin: `${publicKey}\n`, timeoutMs: PATIENCE, signal };
  const { stdout, stderr } = await host.runScript(INSTALL_KEY, options);
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  const of = (kind: string): Fields[] => lines.filter(([first]) => first === kind).map(([, ...rest]) => rest);
  const changed = of('did').map(change);
  const [stop] = of('stop');
  if (stop) throw refusal(host, stop);
  const [failed] = of('failed');
  if (failed) throw failure(host, failed, changed);
  // Neither there nor added: the script did not get to its end.
  const isThere = lines.some(([kind, what]) => kind === 'had' || (kind === 'did' && what === 'key'));
  if (!isThere) throw failure(host, ['authorized_keys', stderr.trim() || 'the script ended before that'], changed);
  return { changed, warnings: of('warn').map(warning) };
}

function change([what, path = '', mode = '']: Fields): string {
  if (what === 'dir') return `made the directory ${path} (mode 0700)`;
  if (what === 'file') return `made the file ${path} (mode 0600)`;
  if (what === 'newline') return `ended the last line of ${path}, which had no line break`;
  if (what === 'mode') return `took the right to write to ${path} from group and others (its mode was ${mode})`;
  if (what === 'label') return `restored the SELinux labels of ${path}`;
  return `added the key to ${path}`;
}

function warning([what, path = '', mode = '']: Fields): string {
  if (what === 'appliance') {
    return 'This system makes authorized_keys anew from its own configuration when it boots: enter the key there too.';
  }
  return `${path} can be written by others (mode ${mode}), so sshd may refuse the key; only its owner can change that.`;
}

function refusal(host: Host, [reason = '', path = '', owner = '']: Fields): ZfsFlowError {
  const { code, text, hint } = REFUSALS[reason]?.(path, owner) ?? other(reason);
  const details = { reason, changed: [], ...(path === '' ? {} : { path }) };
  return new ZfsFlowError(code, `${host.label}: ${text}; nothing was changed`, { host: host.label, hint, details });
}

interface Refusal {
  code: ErrorCode;
  text: string;
  hint: string;
}

const BY_HAND = 'Add the public key there by hand, or use another account.';

const REFUSALS: Readonly<Record<string, (path: string, owner: string) => Refusal>> = {
  link: (path) => ({ code: 'PERMISSION_DENIED', text: `${path} is a symbolic link`, hint: BY_HAND }),
  foreign: (path, owner) => ({
    code: 'PERMISSION_DENIED',
    text: `${path} belongs to another user (id ${owner})`,
    hint: 'sshd would not trust it. Give it to the user whose account this is.',
  }),
  kind: (path) => ({
    code: 'PERMISSION_DENIED',
    text: `${path} is not what it should be, a directory with a file in it`,
    hint: BY_HAND,
  }),
  write: (path) => ({
    code: 'PERMISSION_DENIED',
    text: `${path} cannot be written`,
    hint: 'Is the file system read-only, or the mode wrong?',
  }),
  home: (path) => ({
    code: 'PERMISSION_DENIED',
    text: `the home directory ${path} is not there or cannot be entered`,
    hint: 'Make it, or use another account.',
  }),
  truenas: () => ({
    code: 'UNSUPPORTED',
    text: 'this is a TrueNAS, which writes authorized_keys from its own configuration',
    hint: 'Set it up as a TrueNAS, through its API.',
  }),
};

function other(reason: string): Refusal {
  return { code: 'PERMISSION_DENIED', text: `the key cannot be added (${reason})`, hint: BY_HAND };
}

function failure(host: Host, [path = '', said = '']: Fields, changed: readonly string[]): ZfsFlowError {
  const code = /no space left|quota/i.test(said) ? 'OUT_OF_SPACE' : 'PERMISSION_DENIED';
  const until = changed.length === 0 ? 'nothing was changed' : `changed until then: ${changed.join('; ')}`;
  const message = `${host.label}: ${path} could not be written: ${said}; ${until}`;
  return new ZfsFlowError(code, message, { host: host.label, details: { path, changed: [...changed] } });
}

/** Why sshd does not take a key that is in place, as far as it tells; undefined when it does not. */
export async function whyNoKey(host: Host, username: string, signal?: AbortSignal): Promise<string | undefined> {
  const { stdout } = await host.runScript(KEY_SETTINGS, { timeoutMs: PATIENCE, signal });
  const settings = new Map<string, string[]>();
  for (const line of stdout.split('\n')) {
    const [, name = '', value = ''] = /^(\S+)\s+(.*?)\s*$/.exec(line) ?? [];
    settings.set(name.toLowerCase(), [...(settings.get(name.toLowerCase()) ?? []), value]);
  }
  return [keysOff, keysElsewhere, rootOff, moreThanKeys, notAllowed]
    .map((reason) => reason(settings, username))
    .find((text) => text !== undefined);
}

type Reason = (settings: ReadonlyMap<string, readonly string[]>, username: string) => string | undefined;

const keysOff: Reason = (settings) =>
  settings.get('pubkeyauthentication')?.[0] === 'no' ? 'its sshd takes no keys (PubkeyAuthentication no)' : undefined;

const keysElsewhere: Reason = (settings, username) => {
  const told = [...(settings.get('authorizedkeysfile') ?? []), ...(settings.get('perhaps') ?? [])];
  const elsewhere = told.find((files) => !files.split(/\s+/).some((file) => USUAL_FILE.test(file)));
  if (elsewhere === undefined) return undefined;
  const shown = elsewhere.replaceAll('%u', username).replaceAll('%h', '~').replaceAll('%%', '%');
  return `its sshd looks for keys in ${shown.split(/\s+/).join(' and ')} (AuthorizedKeysFile)`;
};

const USUAL_FILE = /^(%h\/|\/.*\/)?\.ssh\/authorized_keys$/;

const rootOff: Reason = (settings, username) => {
  const [value] = settings.get('permitrootlogin') ?? [];
  if (username !== 'root' || (value !== 'no' && value !== 'forced-commands-only')) return undefined;
  return `its sshd does not let root in like this (PermitRootLogin ${value})`;
};

const moreThanKeys: Reason = (settings) => {
  const value = settings.get('authenticationmethods')?.[0] ?? 'any';
  if (value === 'any' || value.split(/\s+/).includes('publickey')) return undefined;
  return `its sshd asks for more than a key (AuthenticationMethods ${value})`;
};

const notAllowed: Reason = (settings) => {
  const names = ['denyusers', 'denygroups', 'allowusers', 'allowgroups'].filter((name) => settings.has(name));
  return names.length === 0 ? undefined : `its sshd lets in some users only (${names.join(', ')})`;
};
