// Whose turn it is to be looked into, and which parts of it are (pure).

/** The one after `last` in the order of names, so that all have their turn; by `start` (0 to 1) where none had it yet. */
export function nextTurn(names: readonly string[], last: string | undefined, start: number): string | undefined {
  const ordered = names.toSorted();
  if (last === undefined) return ordered[Math.floor(start * ordered.length)];
  return ordered.find((name) => name > last) ?? ordered[0];
}

/** `count` different whole numbers below `total`, in order; all of them where there are not more. `random`: below its argument. */
export function sample(total: number, count: number, random: (below: number) => number): number[] {
  if (count >= total) return Array.from({ length: total }, (_, index) => index);
  // Floyd: as many draws as numbers, whatever the total is.
  const chosen = new Set<number>();
  for (let top = total - count; top < total; top++) {
    const drawn = random(top + 1);
    chosen.add(chosen.has(drawn) ? top : drawn);
  }
  return [...chosen].toSorted((a, b) => a - b);
}
