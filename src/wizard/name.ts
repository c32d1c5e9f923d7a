// The name that a new task is suggested (TrueNAS's words for it): its sources and its target. Pure.

/** Sources that are all named. */
const MOST = 3;

/** '' as long as there is nothing to name it by. */
export function suggestedName(sources: readonly string[], target: string): string {
  const [first = ''] = sources;
  const from = sources.length > MOST ? `${first},...,${sources.at(-1) ?? ''}` : sources.join(',');
  return [from, target].filter((part) => part !== '').join(' - ');
}
