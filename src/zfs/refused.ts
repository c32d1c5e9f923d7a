// What `zfs receive` could not set of what it was given, which it says in a line each and then exits with 0
// (libzfs_sendrecv.c, zfs_receive_one): properties that came with the stream or with `-o`, reservations that do not fit.
import { complaintsOf } from './stderr';
import { allowCommand } from './shown';

/** One property of one dataset, and why. */
export interface Refused {
  property: string;
  dataset: string;
  why: string;
}

/** Datasets named in one warning. */
const MOST_NAMED = 5;

/** Reads one line of the receiver; null for one that says something else. */
export function readRefused(line: string): Refused | null {
  const [said = ''] = complaintsOf(line);
  const [, property, dataset, why] = /^cannot receive (\S+) property on (.+): (.+)$/.exec(said) ?? [];
  return property === undefined || dataset === undefined || why === undefined ? null : { property, dataset, why };
}

/** The right that setting a property takes, see zfs-allow(8). */
function rightFor(property: string): string {
  if (property.includes(':')) return 'userprop';
  if (property === 'keylocation' || property === 'keyformat' || property === 'pbkdf2iters') return 'change-key';
  return property;
}

function list(items: readonly string[], most = items.length): string {
  const shown = items.slice(0, most);
  if (items.length > most) return `${shown.join(', ')} and ${items.length - most} more`;
  return shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}` : shown.join('');
}

/** A sentence for each reason and set of properties; `user` is who lacks the rights on the host. */
export function refusedWarnings(refused: readonly Refused[], host: string, user: string): string[] {
  const byDataset = new Map<string, { dataset: string; why: string; properties: Set<string> }>();
  for (const { property, dataset, why } of refused) {
    const key = `${why}\0${dataset}`;
    const known = byDataset.get(key) ?? { dataset, why, properties: new Set() };
    byDataset.set(key, known);
    known.properties.add(property);
  }
  const alike = new Map<string, { datasets: string[]; why: string; properties: string[] }>();
  for (const { dataset, why, properties: found } of byDataset.values()) {
    const properties = [...found].toSorted();
    const key = [why, ...properties].join('\0');
    const known = alike.get(key) ?? { datasets: [], why, properties };
    alike.set(key, known);
    known.datasets.push(dataset);
  }
  return [...alike.values()].map(({ datasets: all, why, properties }) => {
    const datasets = all.toSorted();
    const where = list(
      datasets.map((dataset) => `"${dataset}"`),
      MOST_NAMED,
    );
    const rights = [...new Set(properties.map(rightFor))];
    const allow = datasets.slice(0, MOST_NAMED).map((dataset) => allowCommand(user, rights, dataset));
    const missing = /permission denied/i.test(why) ? `; missing rights: ${allow.join('; ')}` : '';
    return `could not set ${list(properties)} of ${where} on ${host}: ${why}${missing}`;
  });
}
