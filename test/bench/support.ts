// What the benches share: times and medians, a syncoid that uses the lab's machines, the machine that it all ran on, and
// the one JSON line with the table that each of them prints.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { TARGET_HOLD_TAG } from '../../src/zfs/marks';
import type { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';

/** Seconds that `work` takes; with a name it is told on standard error, since some take minutes. */
export async function seconds(work: () => Promise<unknown>, name?: string): Promise<number> {
  const begun = performance.now();
  await work();
  const took = (performance.now() - begun) / 1000;
  if (name !== undefined) console.error(`${name}: ${took.toFixed(2)} s (load ${loadavg()[0]?.toFixed(1) ?? '?'})`);
  return took;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

export const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

/** OpenSSH on this host, set up for the lab's machines by name, through the same links that the engine uses. */
export class SshClient {
  private readonly directory = mkdtempSync(path.join(tmpdir(), 'zfs-bench-'));

  constructor(machines: readonly Machine[]) {
    const key = path.join(this.directory, 'key');
    const known = path.join(this.directory, 'known_hosts');
    writeFileSync(key, machines[0]?.privateKey ?? '', { mode: 0o600 });
    writeFileSync(known, machines.map(({ name, hostKey }) => `${name} ${hostKey}\n`).join(''));
    const hosts = machines.map(({ name, port }) => {
      const lines = [`Host ${name}`, 'HostName 127.0.0.1', `Port ${port}`, 'User root', `HostKeyAlias ${name}`];
      return [...lines, `IdentityFile ${key}`, 'IdentitiesOnly yes', `UserKnownHostsFile ${known}`].join('\n  ');
    });
    writeFileSync(path.join(this.directory, 'config'), `${hosts.join('\n')}\n`);
    const real = '/usr/bin/ssh';
    const wrapper = `#!/bin/sh\nexec ${real} -F ${path.join(this.directory, 'config')} "$@"\n`;
    writeFileSync(path.join(this.directory, 'ssh'), wrapper, { mode: 0o755 });
  }

  /** Runs a shell script on this host with `ssh NAME` leading to the machines; throws what it said when it fails. */
  async shell(script: string): Promise<string> {
    const env = { ...process.env, PATH: `${this.directory}:${process.env['PATH'] ?? ''}` };
    const child = spawn('bash', ['-o', 'pipefail', '-ec', script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`exit code ${String(code)}: ${script}\n${said.slice(-2000)}`);
    return said;
  }

  /** Debian's syncoid. Without snapshots of its own, and without a compressor, which the engine does not use either. */
  async syncoid(source: string, target: string, more = ''): Promise<void> {
    await this.shell(`syncoid --no-sync-snap --compress=none --quiet ${more} ${source} ${target} </dev/null`);
  }

  /**
   * bzfs from the folder that BZFS names, in the same way: without a compressor, with all snapshots of its own accord, and
   * as it comes in everything else; `more`: options.
   */
  async bzfs(source: string, target: string, more = ''): Promise<void> {
    const common = `--quiet --compression-program=- --log-dir=${this.directory}/bzfs-logs`;
    await this.shell(`cd "$BZFS" && python3 -m bzfs_main.bzfs ${source} ${target} ${common} ${more} </dev/null`);
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Whether bzfs is to be measured too: a folder with a checkout of it, for Python 3.9 or newer. */
export const hasBzfs = (process.env['BZFS'] ?? '') !== '';

/** Fails with what to install before any time is spent. */
export async function requireSyncoid(): Promise<void> {
  const child = spawn('syncoid', ['--version'], { stdio: 'ignore' });
  const [code] = await once(child, 'close').catch(() => [127]);
  if (code !== 0) throw new Error('this bench needs syncoid: apt-get install sanoid mbuffer pv');
}

/** Processor, Node and load: figures mean little without them. */
export function surroundings(lab: Pick<Lab, 'flavour'>): Record<string, unknown> {
  return {
    cpu: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    flavour: lab.flavour,
    load: loadavg().map((load) => round(load, 1)),
  };
}

/** Removes a copy, and the hold that the engine put on its newest snapshot. */
export async function discard(machine: Machine, copy: string): Promise<void> {
  const script = 'zfs release -r "$2" "$1@s1" 2>/dev/null || true; zfs destroy -r "$1"; zpool sync';
  await machine.sh(script, { args: [copy, TARGET_HOLD_TAG] });
}

export interface Row {
  what: string;
  value: string;
  /** What was to be reached, and whether it was. */
  goal?: { text: string; met: boolean };
}

/** A table for people on standard error, one JSON line for programs on standard output. */
export function report(bench: string, rows: readonly Row[], figures: Record<string, unknown>): void {
  const [first, second] = [
    Math.max(...rows.map(({ what }) => what.length)),
    Math.max(...rows.map((r) => r.value.length)),
  ];
  for (const { what, value, goal } of rows) {
    const judged = goal ? `   ${goal.met ? 'ok  ' : 'MISS'} goal ${goal.text}` : '';
    console.error(`${what.padEnd(first)}  ${value.padStart(second)}${judged}`);
  }
  console.log(JSON.stringify({ bench, ...figures }));
}

/** Runs a bench; a failure ends the process with code 1, after everything has been tidied up. */
export function main(bench: () => Promise<void>): void {
  bench().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
