// Compares files of two opened snapshots, each read and hashed where it is: only names and hashes travel, in pieces of less than
// 1 MiB. Which files: a random choice of those that the source has, and how many there are on both sides.
import { randomInt } from 'node:crypto';
import { ZfsFlowError } from '../../base/errors';
import { COUNT_FILES, HASH_FILES, NEWLINE, PICK_FILES } from '../../host/shell/drill-scripts';
import { sample } from '../plan/turn';
import { Findings, type Comparison } from './findings';
import type { Opened } from './open';
import { runDrillScript } from './script';

/** Names that are asked for at once, and bytes after which a list of names ends; a number in it is a few bytes. */
const NAMES_AT_ONCE = 5_000;
const NAME_BYTES = 400_000;
/** Files in one command, so that it can be seen how it gets on. */
const FILES_AT_ONCE = 200;
const LINE_END = 10;

async function countFiles({ host, mountpoint, snapshot }: Opened, signal: AbortSignal): Promise<number> {
  const what = `not all files of "${snapshot}" can be listed`;
  const text = await runDrillScript(host, what, COUNT_FILES, [mountpoint], { signal, timeoutMs: 0 });
  const count = Number(text.trim() === '' ? Number.NaN : text);
  if (Number.isSafeInteger(count)) return count;
  throw new ZfsFlowError('ZFS_ERROR', `the files of "${snapshot}" cannot be counted: ${text}`, { host: host.label });
}

/** The lines of a list of names, as bytes. */
function namesIn(list: Buffer): Buffer[] {
  const names: Buffer[] = [];
  let start = 0;
  for (let end = list.indexOf(LINE_END); end >= 0; end = list.indexOf(LINE_END, start)) {
    names.push(list.subarray(start, end));
    start = end + 1;
  }
  return names;
}

/** Names of the files with these numbers: all, or as many as fit into one list. */
async function pick(
  { host, mountpoint, snapshot }: Opened,
  numbers: readonly number[],
  signal: AbortSignal,
): Promise<Buffer[]> {
  const what = `the files of "${snapshot}" cannot be listed`;
  const stdin = `${numbers.join('\n')}\n`;
  const args = [mountpoint, String(numbers.length), String(NAME_BYTES)];
  const text = await runDrillScript(host, what, PICK_FILES, args, { stdin, signal, timeoutMs: 0 });
  const list = Buffer.from(text.trim(), 'hex');
  const names = namesIn(list);
  if (names.length === numbers.length || (names.length > 0 && list.length >= NAME_BYTES)) return names;
  throw new ZfsFlowError(
    'ZFS_ERROR',
    `${what} on ${host.label}: ${numbers.length} were asked for, ${names.length} came`,
  );
}

/** What a line of `HASH_FILES` says. */
type Hashed = { hash: string; bytes: number } | 'absent' | 'unreadable';

function readHash(line: string): Hashed | undefined {
  if (line === '-') return 'absent';
  if (line === '!') return 'unreadable';
  const [, hash, bytes] = /^=([0-9a-f]{64}) (\d+)$/i.exec(line) ?? [];
  return hash === undefined ? undefined : { hash: hash.toLowerCase(), bytes: Number(bytes) };
}

async function hashFiles(opened: Opened, names: readonly Buffer[], signal: AbortSignal): Promise<Hashed[]> {
  const { host, mountpoint, snapshot } = opened;
  const stdin = Buffer.concat(names.flatMap((name) => [name, Buffer.of(LINE_END)]));
  const what = `files of "${snapshot}" cannot be read`;
  const text = await runDrillScript(host, what, HASH_FILES, [mountpoint], { stdin, signal, timeoutMs: 0 });
  const found = text.trimEnd().split('\n').map(readHash);
  if (found.length === names.length && found.every((one) => one !== undefined)) return found;
  throw new ZfsFlowError('ZFS_ERROR', `${what} on ${host.label}: ${found.length} answers for ${names.length} files`, {
    host: host.label,
    stderr: text.slice(0, 1000),
  });
}

const pathOf = (name: Buffer): string => name.toString('utf8').replaceAll(NEWLINE, '\n');

function compare(name: Buffer, here: Hashed, there: Hashed, findings: Findings): void {
  const path = pathOf(name);
  if (here === 'unreadable' || here === 'absent') findings.unreadable('source', path);
  else if (there === 'unreadable') findings.unreadable('target', path);
  else if (there === 'absent' || here.hash !== there.hash) findings.different(path);
  if (typeof there === 'object') findings.compared(there.bytes);
}

/** `count`: so many files, 0 = all. Throws the classified error where they cannot be compared. */
export async function compareFiles(
  source: Opened,
  target: Opened,
  { count, progress, signal }: { count: number; progress: (done: number, all: number) => void; signal: AbortSignal },
): Promise<Comparison> {
  const [here, there] = await Promise.all([source, target].map((side) => countFiles(side, signal)));
  const findings = new Findings(source.snapshot, target.snapshot, 'file');
  findings.counted(here ?? 0, there ?? 0);
  const total = here ?? 0;
  const chosen = count === 0 ? null : sample(total, count, (below) => randomInt(below));
  const all = chosen?.length ?? total;
  let done = 0;
  while (done < all) {
    const length = Math.min(NAMES_AT_ONCE, all - done);
    const numbers = chosen?.slice(done, done + length) ?? Array.from({ length }, (_, index) => done + index);
    const names = await pick(source, numbers, signal);
    for (let start = 0; start < names.length; start += FILES_AT_ONCE) {
      const some = names.slice(start, start + FILES_AT_ONCE);
      const [left, right] = await Promise.all([source, target].map((side) => hashFiles(side, some, signal)));
      some.forEach((name, index) =>
        compare(name, left?.[index] ?? 'unreadable', right?.[index] ?? 'unreadable', findings),
      );
      progress(done + start + some.length, all);
    }
    done += names.length;
  }
  return { ...findings.result(), files: all };
}
