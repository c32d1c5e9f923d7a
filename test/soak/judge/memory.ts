// Whether memory is flat: the slope of what is in use after a collection, over the longest life, once it has warmed up. Pure; bytes
// and seconds.
import type { Life, MemorySample } from '../book';

export interface Flatness {
  /** Bytes per hour. */
  slope: number;
  /** What it comes to over the time that was looked at. */
  growth: number;
  seconds: number;
  samples: number;
}

/** What the logs of tasks fill up to while they are young, and what a collection leaves by chance. */
const ALLOWANCE = { heap: 6 << 20, rss: 40 << 20 };
/** Everything has been loaded and has run a few times by then. */
const WARM_UP = 120;
const LEAST_SAMPLES = 8;

/** The median of the slopes between all pairs (Theil and Sen): a moment in the middle of a run counts for little. */
export function flatness(samples: readonly MemorySample[], what: 'heap' | 'rss'): Flatness {
  const slopes = samples.flatMap((one, index) =>
    samples.slice(index + 1).map((other) => (other[what] - one[what]) / (other.at - one.at)),
  );
  const slope = slopes.toSorted((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? 0;
  const seconds = (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0);
  return { slope: slope * 3600, growth: slope * seconds, seconds, samples: samples.length };
}

/** Of the longest life, warm. */
export function judged(samples: readonly MemorySample[], lives: readonly Life[]): MemorySample[] {
  const longest = lives.toSorted((a, b) => b.to - b.from - (a.to - a.from))[0];
  if (longest === undefined) return [];
  const warm = samples.filter(({ at }) => at > longest.from + WARM_UP && at < longest.to);
  // Of an hour the second half alone: whatever fills up has done so.
  const half = (longest.to - longest.from) / 2;
  const late = warm.filter(({ at }) => at > longest.from + half);
  return half > 600 ? late : warm;
}

export function judgeMemory(samples: readonly MemorySample[], lives: readonly Life[]): string[] {
  const looked = judged(samples, lives);
  if (looked.length < LEAST_SAMPLES) return [`memory was looked at ${looked.length} times in one life`];
  return (['heap', 'rss'] as const).flatMap((what) => {
    const { growth, seconds } = flatness(looked, what);
    if (growth <= ALLOWANCE[what]) return [];
    return [`${what} grew by ${(growth / 2 ** 20).toFixed(1)} MiB in ${seconds.toFixed(0)} s`];
  });
}
