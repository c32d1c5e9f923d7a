// What a user without root may do: who it is on a host, and what `zfs allow` (zfs-allow(8)) says of it. For what must not be
// begun where it could not be ended; everything else is tried, and ZFS says what it lacks.
import type { Host } from '../host/host';
import { poolOf } from './names';
import { complaintsOf } from './stderr';

/** Who commands run as. */
export interface Account {
  names: ReadonlySet<string>;
  groups: ReadonlySet<string>;
}

type Rows = { who: string; rights: readonly string[] }[];

interface Section {
  dataset: string;
  /** Heading of the list, as `zfs allow` prints it, in lower case and without "permissions". */
  lists: Map<string, Rows>;
}

/** Reads what `zfs allow DATASET` prints: a section for the dataset and for each one above it that says something. */
function readSections(text: string): Section[] {
  const sections: Section[] = [];
  let rows: Rows = [];
  for (const line of text.split('\n')) {
    const dataset = /^---- Permissions on (.*) -*$/.exec(line)?.[1];
    const heading = /^(\S.*?) ?(?:permissions|sets):$/i.exec(line)?.[1];
    if (dataset !== undefined) sections.push({ dataset, lists: new Map() });
    else if (heading !== undefined) sections.at(-1)?.lists.set(heading.toLowerCase(), (rows = []));
    else {
      const words = line.trim().split(/\s+/);
      const rights = (words.at(-1) ?? '').split(',');
      // Create time permissions name nobody: they are for whoever creates.
      const isForCreator = words.length === 1 && words[0] !== '';
      if (words.length > 1 || isForCreator) rows.push({ who: words.slice(0, -1).join(' '), rights });
    }
  }
  return sections;
}

function isFor({ names, groups }: Account, who: string): boolean {
  const [kind = '', ...rest] = who.split(' ');
  const name = rest.join(' ').replace(/^\(unknown: (.*)\)$/, '$1');
  return who === 'everyone' || (kind === 'user' && names.has(name)) || (kind === 'group' && groups.has(name));
}

/** The rights that an account has on `dataset`, from what `zfs allow` prints of it; sets (`@name`) are taken apart. */
export function rightsIn(text: string, dataset: string, account: Account): Set<string> {
  return collect(readSections(text), dataset, account, []);
}

/** The rights that an account will have on `dataset`, which it has yet to create, from what `zfs allow` prints of its parent. */
export function rightsInOwn(text: string, dataset: string, account: Account): Set<string> {
  const sections = readSections(text);
  const own = sections.flatMap(({ lists }) => (lists.get('create time') ?? []).flatMap(({ rights }) => rights));
  return collect(sections, dataset, account, own);
}

/** `more`: rights that come from elsewhere, which may be sets too. */
function collect(
  sections: readonly Section[],
  dataset: string,
  account: Account,
  more: readonly string[],
): Set<string> {
  const sets = sections.flatMap(({ lists }) => lists.get('permission') ?? []);
  const found = new Set<string>();
  const give = (right: string): void => {
    if (found.has(right)) return;
    found.add(right);
    for (const { who, rights } of sets) if (who === right) rights.forEach(give);
  };
  more.forEach(give);
  for (const section of sections) {
    const below = dataset.startsWith(`${section.dataset}/`);
    if (!below && section.dataset !== dataset) continue;
    for (const heading of [below ? 'descendent' : 'local', 'local+descendent']) {
      for (const { who, rights } of section.lists.get(heading) ?? []) if (isFor(account, who)) rights.forEach(give);
    }
  }
  return found;
}

/** The name of the user that commands run as, for a sentence that tells what to allow it. */
export async function userName(host: Host, signal?: AbortSignal): Promise<string> {
  const who = await host.run(['id', '-un'], { signal }).catch(() => null);
  const name = who?.code === 0 ? who.stdout.trim() : '';
  return name === '' ? 'USER' : name;
}

/** Commands of ZFS have all rights there: as root, or through sudo or doas. */
export async function hasAllRights(host: Host, signal?: AbortSignal): Promise<boolean> {
  return host.elevates === true || (await host.facts({ signal })).isRoot;
}

export interface Lacking {
  /** The name of the user, for a sentence that tells what to allow it. */
  user: string;
  /** By dataset; those on which nothing is lacking are absent. */
  lacking: Map<string, string[]>;
}

/** What of `wanted` the user lacks. What cannot be found out counts as lacking. One remote command, none for who has all rights. */
export async function lackingRights(
  host: Host,
  datasets: readonly string[],
  wanted: readonly string[],
  signal?: AbortSignal,
): Promise<Lacking> {
  const lacking = new Map<string, string[]>();
  if (datasets.length === 0 || (await hasAllRights(host, signal))) return { user: '', lacking };
  const { user, account, texts } = await askRights(host, datasets, signal);
  datasets.forEach((dataset, index) => {
    const rights = rightsIn(texts[index] ?? '', dataset, account);
    const missing = wanted.filter((right) => !rights.has(right));
    if (missing.length > 0) lacking.set(dataset, missing);
  });
  return { user, lacking };
}

/**
 * What the user lacks to create `dataset`, and on it once it is there. What cannot be found out counts as lacking. One remote
 * command, none for who has all rights.
 */
export async function lackingForNew(
  host: Host,
  dataset: string,
  wanted: { onParent: readonly string[]; onItself: readonly string[] },
  signal?: AbortSignal,
): Promise<{ user: string; onParent: string[]; onItself: string[] }> {
  if (await hasAllRights(host, signal)) return { user: '', onParent: [], onItself: [] };
  const parent = dataset.slice(0, dataset.lastIndexOf('/'));
  const { user, account, texts } = await askRights(host, [parent], signal);
  const text = texts[0] ?? '';
  const [here, there] = [rightsIn(text, parent, account), rightsInOwn(text, dataset, account)];
  return {
    user,
    onParent: wanted.onParent.filter((right) => !here.has(right)),
    onItself: wanted.onItself.filter((right) => !there.has(right)),
  };
}

/** What `zfs allow` prints of each dataset, '' where it failed, and who asks. One remote command. */
async function askRights(
  host: Host,
  datasets: readonly string[],
  signal?: AbortSignal,
): Promise<{ user: string; account: Account; texts: string[] }> {
  const who = ['-un', '-u', '-Gn', '-G'].map((option) => ['id', option]);
  const results = await host.runAll([...who, ...datasets.map((dataset) => ['zfs', 'allow', dataset])], { signal });
  const words = (...indices: number[]): Set<string> => {
    return new Set(indices.flatMap((index) => (results[index]?.stdout ?? '').trim().split(/\s+/)));
  };
  const texts = datasets.map((_, index) => {
    const result = results[who.length + index];
    return result?.code === 0 && complaintsOf(result.stderr).length === 0 ? result.stdout : '';
  });
  return {
    user: results[0]?.stdout.trim() || 'USER',
    account: { names: words(0, 1), groups: words(2, 3) },
    texts,
  };
}

/**
 * The rights of the user on `pools` and on datasets in them, by dataset: for somebody who asks what it may do at all. At most
 * `most` datasets without children are looked at, with all above them; where nothing can be found out, there are none.
 */
export async function rightsInPools(
  host: Host,
  pools: readonly string[],
  most: number,
  signal?: AbortSignal,
): Promise<{ user: string; rights: Map<string, Set<string>> }> {
  const listing = await host.run(['zfs', 'list', '-Hpo', 'name', '-r', ...pools], { signal });
  const listed = listing.code === 0 ? listing.stdout.split('\n').filter((name) => name !== '') : [];
  const parents = new Set(listed.map((name) => name.slice(0, Math.max(0, name.lastIndexOf('/')))));
  const leaves = listed.filter((name) => !parents.has(name)).slice(0, most);
  // What is said of a dataset includes what is said of those above it.
  const asked = [...leaves, ...pools.filter((pool) => !leaves.some((leaf) => poolOf(leaf) === pool))];
  const { user, account, texts } = await askRights(host, asked, signal);
  const rights = new Map<string, Set<string>>();
  asked.forEach((dataset, index) => {
    for (let name = dataset; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('/')))) {
      if (!rights.has(name)) rights.set(name, rightsIn(texts[index] ?? '', name, account));
    }
  });
  return { user, rights };
}
