// The command line of the system's `ssh` program for one connection and for the jump hosts on its way: our pinned host
// keys, our agents or the user's, and nothing of the user's own configuration. What it runs over there is `ssh-host.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quoteArg } from '../shell/quote';
import { startAgent } from './agent';
import { hostKeyAlgorithms, hostKeyLine, parseHostKeys } from './host-keys';
import { createPrivateDirectory, removePrivateDirectory, SOCKET_NAME } from './private-directory';
import { publicKeyLine } from './private-key';
import { readCredential, type SshHostOptions } from './ssh-options';
import type { SshProgram } from './working-ssh';

/** Any name: known_hosts and the connection only have to agree on it. */
const HOST_KEY_ALIAS = 'zfsflow';
const AES_FIRST = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'chacha20-poly1305@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
];
const CHACHA_FIRST = ['chacha20-poly1305@openssh.com', ...AES_FIRST.filter((name) => !name.startsWith('chacha'))];

/** Files and agent of a connection, shared by all `ssh` processes that use it at the same time. */
export class SshProgramFiles {
  private users = 0;
  private ready: Promise<{ args: string[]; dispose: () => void }> | undefined;
  private readonly hop: SshProgramFiles | undefined;

  constructor(private readonly options: SshHostOptions) {
    this.hop = options.jump && new SshProgramFiles(options.jump);
  }

  /** Arguments up to and including `--`; call `release` when the process has ended. Throws AUTHENTICATION_FAILED. */
  async acquire(program: SshProgram, remoteAes: boolean): Promise<Acquired> {
    const hop = await this.hop?.acquireForward(program, this.options);
    try {
      const own = await this.acquireOwn(program, remoteAes);
      const { host, port, username } = this.options;
      const through = hop === undefined ? [] : ['-o', `ProxyCommand=${hop.command}`];
      return {
        args: [...own.args, ...through, '-p', String(port), '-l', username, '--', host],
        release: () => (own.release(), hop?.release()),
      };
    } catch (error) {
      hop?.release();
      throw error;
    }
  }

  /** A command for ssh_config's ProxyCommand that leads from this host to the next, as `-J` makes one. */
  private async acquireForward(
    program: SshProgram,
    to: SshHostOptions,
  ): Promise<{ command: string; release: () => void }> {
    // What its CPU can do is not known; most have AES.
    const { args, release } = await this.acquire(program, true);
    const words = [program.file, '-W', `[${to.host}]:${to.port}`, ...args];
    return { command: words.map(quoteArg).join(' ').replaceAll('%', '%%'), release };
  }

  private async acquireOwn(program: SshProgram, remoteAes: boolean): Promise<Acquired> {
    this.users++;
    const ready = (this.ready ??= this.create());
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      if (--this.users > 0 || this.ready !== ready) return;
      this.ready = undefined;
      void ready.then(({ dispose }) => dispose()).catch(() => undefined);
    };
    try {
      const { args } = await ready;
      return { args: [...args, ...cipherArgs(this.options.ciphers, program, remoteAes)], release };
    } catch (error) {
      release();
      throw error;
    }
  }

  private async create(): Promise<{ args: string[]; dispose: () => void }> {
    const { options } = this;
    const credential = readCredential(options.auth, options.label);
    const pinned = parseHostKeys(options.hostKeys);
    const directory = createPrivateDirectory();
    try {
      const knownHosts = join(directory, 'known_hosts');
      writeFileSync(knownHosts, pinned.map((key) => `${HOST_KEY_ALIAS} ${hostKeyLine(key)}\n`).join(''));
      const args = baseArgs(options, knownHosts, hostKeyAlgorithms(pinned.map((key) => key.type)).join(','));
      if (credential.kind !== 'key') {
        if (credential.kind === 'agent') args.push('-o', `IdentityAgent="${credential.socket}"`);
        return { args, dispose: () => removePrivateDirectory(directory) };
      }
      const agent = await startAgent(credential.key, join(directory, SOCKET_NAME));
      const publicKey = join(directory, 'identity.pub');
      writeFileSync(publicKey, `${publicKeyLine(credential.key, 'zfsflow')}\n`);
      // The public half as IdentityFile makes ssh ask the agent for exactly this key (ssh_config(5), IdentitiesOnly).
      args.push('-o', `IdentityAgent="${agent.socket}"`, '-o', 'IdentitiesOnly=yes', '-i', publicKey);
      return { args, dispose: () => (agent.close(), removePrivateDirectory(directory)) };
    } catch (error) {
      removePrivateDirectory(directory);
      throw error;
    }
  }
}

interface Acquired {
  args: string[];
  release: () => void;
}

function baseArgs(options: SshHostOptions, knownHosts: string, hostKeys: string): string[] {
  const settings = [
    'BatchMode=yes',
    'PreferredAuthentications=publickey',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile="${knownHosts}"`,
    'GlobalKnownHostsFile=/dev/null',
    `HostKeyAlias=${HOST_KEY_ALIAS}`,
    `HostKeyAlgorithms=${hostKeys}`,
    'UpdateHostKeys=no',
    'CheckHostIP=no',
    'ControlPath=none',
    'ForwardAgent=no',
    // At ERROR, ssh would not say why it lost a connection ("Connection closed by …" is INFO).
    'LogLevel=INFO',
    `ConnectTimeout=${Math.max(1, Math.ceil(options.connectTimeout))}`,
    `ServerAliveInterval=${Math.ceil(options.keepaliveInterval)}`,
    'ServerAliveCountMax=3',
  ];
  // -T: no terminal, which would alter bytes; -x: no X11.
  return ['-F', 'none', '-T', '-x', ...settings.flatMap((setting) => ['-o', setting])];
}

/** What the option `ciphers` allows, with `auto` in no particular order. */
export function wantedCiphers(ciphers: string): readonly string[] {
  const wanted = ciphers.split(/[\s,]+/).filter((cipher) => cipher !== '');
  return wanted.length === 0 || wanted[0] === 'auto' ? AES_FIRST : wanted;
}

/** Only what this build of `ssh` knows: it refuses a whole list for one name that it does not. */
function cipherArgs(ciphers: string, program: SshProgram, remoteAes: boolean): string[] {
  const wanted = wantedCiphers(ciphers);
  const inOrder = wanted === AES_FIRST && !(remoteAes && localAes()) ? CHACHA_FIRST : wanted;
  return ['-o', `Ciphers=${inOrder.filter((cipher) => program.ciphers.has(cipher)).join(',')}`];
}

/** This machine's CPU has AES instructions. Where it does not say so (no /proc), those of the last decade do. */
function localAes(): boolean {
  try {
    return /^(flags|Features)\s*:.*\baes\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return process.arch === 'x64' || process.arch === 'arm64';
  }
}
