// Compares parts of two opened volumes, each read and hashed where it is: only places and hashes travel.
import { randomInt } from 'node:crypto';
import { ZfsFlowError } from '../../base/errors';
import { HASH_BLOCKS } from '../../host/shell/drill-scripts';
import { sample } from '../plan/turn';
import { Findings, type Comparison } from './findings';
import type { Opened } from './open';
import { runDrillScript } from './script';

const MIB = 1 << 20;
/** Where all of a volume is compared, it is in so many parts at most. */
const MOST_PARTS = 4096;
const PARTS_AT_ONCE = 64;

/** In MiB. */
interface Part {
  offset: number;
  length: number;
}

function partsOf(size: number, count: number): Part[] {
  const total = Math.ceil(size / MIB);
  if (count > 0) return sample(total, count, (below) => randomInt(below)).map((offset) => ({ offset, length: 1 }));
  const length = Math.max(1, Math.ceil(total / MOST_PARTS));
  return Array.from({ length: Math.ceil(total / length) }, (_, index) => ({ offset: index * length, length }));
}

/** SHA-256 of each part; null where it cannot be read. */
async function hashParts(
  { host, device, snapshot }: Opened,
  parts: readonly Part[],
  signal: AbortSignal,
): Promise<(string | null)[]> {
  const stdin = parts.map(({ offset, length }) => `${offset} ${length}\n`).join('');
  const what = `the volume "${snapshot}" cannot be read`;
  const text = await runDrillScript(host, what, HASH_BLOCKS, [device], { stdin, signal, timeoutMs: 0 });
  const lines = text.trimEnd().split('\n');
  const found = lines.map((line) => (line === '!' ? null : /^=([0-9a-f]{64})$/i.exec(line)?.[1]?.toLowerCase()));
  if (found.length === parts.length && found.every((one) => one !== undefined)) return found;
  throw new ZfsFlowError('ZFS_ERROR', `${what} on ${host.label}: ${lines.length} answers for ${parts.length} parts`, {
    host: host.label,
    stderr: text.slice(0, 1000),
  });
}

/** `count`: so many blocks of 1 MiB, 0 = all of it. Throws the classified error where they cannot be compared. */
export async function compareBlocks(
  source: Opened,
  target: Opened,
  { count, progress, signal }: { count: number; progress: (done: number, all: number) => void; signal: AbortSignal },
): Promise<Comparison> {
  const findings = new Findings(source.snapshot, target.snapshot, 'block');
  if (source.size !== target.size) {
    const problem = `"${target.snapshot}" is ${target.size} bytes large, and "${source.snapshot}" ${source.size}`;
    return { ...findings.result(), problems: [problem] };
  }
  const parts = partsOf(source.size, count);
  for (let start = 0; start < parts.length; start += PARTS_AT_ONCE) {
    const some = parts.slice(start, start + PARTS_AT_ONCE);
    const [here, there] = await Promise.all([source, target].map((side) => hashParts(side, some, signal)));
    some.forEach(({ offset, length }, index) => {
      const begin = offset * MIB;
      const bytes = Math.min(length * MIB, source.size - begin);
      const name = `bytes ${begin} to ${begin + bytes - 1}`;
      const [left, right] = [here?.[index] ?? null, there?.[index] ?? null];
      if (left === null) findings.unreadable('source', name);
      else if (right === null) findings.unreadable('target', name);
      else if (left !== right) findings.different(name);
      if (right !== null) findings.compared(bytes);
    });
    progress(start + some.length, parts.length);
  }
  return findings.result();
}
