// What a test run leaves behind: processes, files, mounts, network namespaces, memory. A run is told from whatever
// else goes on on the machine by a mark in the environment of its processes and by a temporary folder of its own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bornAt } from '../../test/lab/leftovers';

const NAMESPACES = '/run/netns';
const MEMORY = '/dev/shm';
const MARK = 'ZFS_TEST_RUN';

export class RunTraces {
  readonly scratch = mkdtempSync(path.join(os.tmpdir(), 'run-'));
  private readonly mark = `${MARK}=${path.basename(this.scratch)}`;
  private readonly before = new Set(this.shared());

  /** For the environment of everything that the run starts. */
  get environment(): Record<string, string> {
    return { TMPDIR: this.scratch, [MARK]: path.basename(this.scratch) };
  }

  /** One line for each thing that is there now. */
  left(): string[] {
    const processes = pids().filter((pid) => this.isOurs(pid));
    const files = readdirSync(this.scratch).filter((name) => name.startsWith('zfs'));
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    return [
      ...processes.map((pid) => `process ${pid}: ${commandOf(pid)}`),
      ...files.map((name) => path.join(this.scratch, name)),
      ...mounts.filter((where) => where.startsWith(this.scratch)).map((where) => `mount ${where}`),
      ...this.shared().filter((file) => !this.before.has(file)),
    ];
  }

  remove(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }

  // What cannot be in a folder of the run: without those in use by somebody who is not of this run.
  private shared(): string[] {
    const list = (where: string): string[] =>
      existsSync(where) ? readdirSync(where).filter((name) => name.startsWith('zfslab-')) : [];
    const namespaces = list(NAMESPACES).filter((name) => {
      const inside = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout.split('\n');
      return inside.every((pid) => pid === '' || commandOf(pid) === '' || this.isOurs(pid));
    });
    const memory = list(MEMORY).filter((name) => {
      const owner = name.split('-')[1] ?? '';
      return bornAt(Number(owner)) === null || this.isOurs(owner);
    });
    return [...namespaces.map((name) => path.join(NAMESPACES, name)), ...memory.map((name) => path.join(MEMORY, name))];
  }

  private isOurs(pid: string): boolean {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(this.mark);
    } catch {
      return false; // has ended
    }
  }
}

const pids = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name) && bornAt(Number(name)) !== null);

/** Empty for what has ended, and for programs inside a machine, which end with its kernel. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 120);
  } catch {
    return '';
  }
}
