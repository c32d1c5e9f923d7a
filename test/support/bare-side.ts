// A machine with nothing but what docs/far-side.md says that a far side has, as near to FreeBSD as it can be had on Linux
// (test/bare-side/side), for the time of a suite; over real SSH, with another `/bin/sh` each time. Takes root.
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SshHost } from '../../src/host/ssh/ssh-host';

const ROOT = path.resolve(__dirname, '../..');

/** What is `/bin/sh`; FreeBSD's own where FREEBSD_TOOLS is a directory with its programs (test/bare-side/side). */
const SHELLS = ['dash', 'busybox', 'mksh', 'yash', ...(freebsd('sh') ? [freebsd('sh')] : [])];

/** Each of them, and once behind csh, for which it makes no difference what is started from it. */
export const SIDES = [['dash', 'toor'], ...SHELLS.map((shell) => [shell, 'root'])] as [string, 'root' | 'toor'][];

function freebsd(program: string): string {
  const tools = process.env['FREEBSD_TOOLS'] ?? '';
  return tools !== '' && existsSync(path.join(tools, program)) ? path.join(tools, program) : '';
}

/** Programs in the first column of the tables below a heading of docs/far-side.md. */
export function documented(...headings: string[]): string[] {
  const text = readFileSync(path.join(ROOT, 'docs/far-side.md'), 'utf8');
  const sections = text.split(/^## /m).filter((section) => headings.includes(section.split('\n', 1)[0] ?? ''));
  assert.equal(sections.length, headings.length, `not all of these are headings: ${headings.join(', ')}`);
  const cells = sections.flatMap((section) => Array.from(section.matchAll(/^\| (.*?) \|/gm), ([, cell = '']) => cell));
  const words = cells.flatMap((cell) => Array.from(cell.matchAll(/`([a-z0-9]+)`/g), ([, word = '']) => word));
  return [...new Set(words)];
}

export interface BareSide {
  /** `toor` has csh for its login shell. */
  connect(username?: 'root' | 'toor'): SshHost;
  /** Arguments of its processes, as this machine sees them. */
  processes(pattern: RegExp): string[];
}

/** Without ZFS and what only sometimes is there; each suite says what of these it adds. */
const NEVER = new Set(['zfs', 'zpool', 'ssh', 'sudo', 'doas', 'restorecon', 'sshd']);

/** One for the suite, with these programs beside the shell. */
export function useBareSide(shell: string, programs: readonly string[], ready: (side: BareSide) => void): void {
  let child: ChildProcess | undefined;
  let directory = '';
  const hosts: SshHost[] = [];
  before(async function () {
    if (process.getuid?.() !== 0) {
      assert.notEqual(process.env['CI'], 'true', 'a bare far side takes root');
      this.skip();
    }
    this.timeout(30_000);
    directory = mkdtempSync(path.join(tmpdir(), 'zfsflow-bare-'));
    const root = path.join(directory, 'root');
    mkdirSync(root);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${root}.key`]);
    const port = await freePort();
    const wanted = programs.filter((program) => !NEVER.has(program));
    const argv = [root, `bare-${path.basename(shell)}`, String(port), shell, ...wanted];
    const started = spawn(path.join(ROOT, 'test/bare-side/side'), argv, { stdio: 'pipe' });
    child = started;
    let said = '';
    let hostKey = '';
    started.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await new Promise<void>((resolve, reject) => {
      started.stdout.on('data', (chunk: Buffer) => {
        hostKey += chunk.toString();
        if (hostKey.endsWith('\n')) resolve();
      });
      started.on('close', (code) => reject(new Error(`the bare side ended with ${code}: ${said}`)));
    });
    ready({
      connect: (username = 'root') => {
        const host = new SshHost({
          id: `bare${hosts.length}`,
          label: 'bare',
          host: '127.0.0.1',
          port,
          username,
          auth: { method: 'privateKey', privateKey: readFileSync(`${root}.key`, 'utf8') },
          hostKeys: hostKey.trim(),
          ciphers: 'auto',
          connectTimeout: 10,
          keepaliveInterval: 5,
          sudo: 'none',
          zfsPath: '',
          maxSessions: 8,
        });
        hosts.push(host);
        return host;
      },
      processes: (pattern) =>
        processesBelow(started.pid ?? 0).filter((args) => pattern.test(args) && !args.includes('bare-side/side')),
    });
  });
  after(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.close()));
    if (child && child.exitCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    if (directory !== '') rmSync(directory, { recursive: true });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Arguments of all descendants. */
function processesBelow(pid: number): string[] {
  const rows = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((row) => row !== null)
    .map(([, own = '', parent = '', args = '']) => ({ own: Number(own), parent: Number(parent), args }));
  const below = (parent: number): string[] =>
    rows.filter((row) => row.parent === parent).flatMap((row) => [row.args, ...below(row.own)]);
  return below(pid);
}
