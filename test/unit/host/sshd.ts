// A throw-away sshd on loopback for the tests of src/host and src/stream: its own host keys, accounts with any login
// shell (made for the test and removed again). Needs root and Debian's openssh-server.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SshHostOptions } from '../../../src/host/ssh-options';

export interface TestSshd {
  port: number;
  directory: string;
  /** `type base64` lines of all its keys. */
  hostKeys: string;
  /** OpenSSH text of the key that is authorised for every test account. */
  privateKey: string;
  /** sshd's log so far. */
  log(): string;
  options(more?: Partial<SshHostOptions>): SshHostOptions;
  /** Makes an account with this login shell and home directory files; removed by `stop`. */
  account(name: string, shell: string, files?: Record<string, string>, password?: string): void;
  stop(): Promise<void>;
}

export interface SshdSettings {
  /** Lines for sshd_config. */
  config?: string;
  hostKeyTypes?: readonly ('ed25519' | 'ecdsa' | 'rsa')[];
}

/** sshd, its tests' accounts and their shells can be had. */
export function canRunSshd(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/sbin/sshd');
}

export async function startSshd(settings: SshdSettings = {}): Promise<TestSshd> {
  const directory = mkdtempSync(join(tmpdir(), 'sshd-test-'));
  // Accounts of other users must be able to reach their authorized_keys in here.
  run('chmod', '755', directory);
  const types = settings.hostKeyTypes ?? ['ed25519'];
  for (const type of types) run('ssh-keygen', '-q', '-t', type, '-N', '', '-f', join(directory, `host_${type}`));
  run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(directory, 'key'));
  const authorized = join(directory, 'authorized_keys');
  writeFileSync(authorized, readFileSync(join(directory, 'key.pub')), { mode: 0o644 });
  const port = await freePort();
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...types.map((type) => `HostKey ${join(directory, `host_${type}`)}`),
    `AuthorizedKeysFile ${authorized}`,
    `PidFile ${join(directory, 'pid')}`,
    // The first value of a setting counts, so the test's own come before these.
    settings.config ?? '',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UseDNS no',
    'MaxStartups 200',
    'PrintMotd no',
    'PrintLastLog no',
  ].join('\n');
  writeFileSync(join(directory, 'config'), `${config}\n`);
  mkdirSync('/run/sshd', { recursive: true });
  const log = join(directory, 'log');
  writeFileSync(log, '');
  const child = spawn('/usr/sbin/sshd', ['-D', '-f', join(directory, 'config'), '-E', log], { stdio: 'ignore' });
  await listening(port, child, log);
  const hostKeys = types
    .map((type) =>
      readFileSync(join(directory, `host_${type}.pub`), 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' '),
    )
    .join('\n');
  const privateKey = readFileSync(join(directory, 'key'), 'utf8');
  const accounts: string[] = [];
  return {
    port,
    directory,
    hostKeys,
    privateKey,
    log: () => readFileSync(log, 'utf8'),
    options: (more = {}) => ({
      id: 'test',
      label: 'testhost',
      host: '127.0.0.1',
      port,
      username: 'root',
      auth: { method: 'privateKey', privateKey },
      hostKeys,
      ciphers: 'auto',
      connectTimeout: 10,
      keepaliveInterval: 15,
      sudo: 'none',
      zfsPath: '',
      maxSessions: 8,
      ...more,
    }),
    account: (name, shell, files = {}, password = '*') => {
      const home = join(directory, name);
      run('useradd', '-m', '-d', home, '-s', shell, '-K', 'UMASK=022', name);
      accounts.push(name);
      if (password !== '*') execFileSync('chpasswd', { input: `${name}:${password}\n` });
      else run('usermod', '-p', '*', name);
      for (const [file, text] of Object.entries(files)) {
        const path = join(home, file);
        mkdirSync(join(path, '..'), { recursive: true });
        writeFileSync(path, text);
        run('chown', '-R', `${name}:`, home);
      }
    },
    stop: async () => {
      const over = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await over;
      for (const name of accounts) {
        await endProcessesOf(name);
        run('userdel', name);
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function run(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: 'pipe' });
}

async function endProcessesOf(user: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const pids = (() => {
      try {
        return execFileSync('ps', ['-o', 'pid=', '-u', user], { encoding: 'utf8' }).split(/\s+/).filter(Boolean);
      } catch {
        return [];
      }
    })();
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    await sleep(20);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function listening(port: number, child: ChildProcess, log: string): Promise<void> {
  for (let tries = 0; tries < 250; tries++) {
    if (child.exitCode !== null) break;
    if (/Server listening/.test(readFileSync(log, 'utf8'))) return;
    await sleep(20);
  }
  throw new Error(`sshd does not listen on ${port}: ${readFileSync(log, 'utf8')}`);
}
