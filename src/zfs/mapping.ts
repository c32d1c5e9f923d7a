// Where a source dataset lands on the target (pure). TrueNAS's rule: target + the path below the sources' common path;
// with one source exactly at the target.
import { invalidOption } from '../base/errors';
import { isWithin } from './records';

/** Common path of all sources by whole components, `''` when there is none; one source is its own common path. */
export function commonPath(sources: readonly string[]): string {
  const [first = '', ...others] = sources.map((source) => source.split('/'));
  const parts = Array.isArray(first) ? first : [];
  let length = parts.length;
  for (const other of others) {
    let same = 0;
    while (same < length && same < other.length && other[same] === parts[same]) same++;
    length = same;
  }
  return parts.slice(0, length).join('/');
}

/** Target dataset of `source`, which is `common` or below it. */
export function mapDataset(source: string, common: string, target: string): string {
  if (source === common) return target;
  return `${target}/${common === '' ? source : source.slice(common.length + 1)}`;
}

/** The source that the target is, or is inside of where trees are copied. */
export function overlapping(sources: readonly string[], target: string, recursive: boolean): string | undefined {
  return sources.find((source) => source === target || (recursive && isWithin(target, source)));
}

/**
 * Refuses (INVALID_OPTIONS) what could only go wrong: a target inside its own source or the other way round on the same
 * machine, where each run would replicate the copies of the one before.
 */
export function checkOverlap(
  sources: readonly string[],
  target: string,
  recursive: boolean,
  hint = 'Choose a target outside the source, on another pool or another machine.',
): void {
  const source = overlapping(sources, target, recursive);
  if (source === undefined) return;
  const what = source === target ? 'the source itself' : `inside the source "${source}"`;
  throw invalidOption('targetDataset', `the target "${target}" is ${what}`, hint);
}
