// Whether a clone was left by a drill that is over (pure).

/** A drill ends after so long at the latest; milliseconds. */
export const LONGEST_DRILL_MS = 86_400_000;

/** Clocks of two machines may differ. */
const CERTAIN_MS = 2 * LONGEST_DRILL_MS;

/**
 * `owner`: what is known of the process that made it. `left`: it has ended, or is this one. `busy`: it goes on, or is on
 * another machine, which says nothing: it is over when no drill takes so long. `none`: every drill of ours has an owner.
 */
export function isDead(owner: 'left' | 'busy' | 'none', ageMs: number): boolean {
  return owner !== 'busy' || ageMs > CERTAIN_MS;
}
