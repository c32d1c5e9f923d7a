// zrepl's filter of file systems, `{"tank<": true, "tank/tmp": false}`: `<` means the dataset and everything below it; the most
// specific entry counts. As datasets with and without their children, and what is left out. Pure.
import { isWithin } from '../../zfs/records';
import { alone } from '../text-draft';

export interface Tree {
  recursive: boolean;
  datasets: string[];
  exclude: string[];
}

/** Trees, and in words what of the filter they do not say. */
export function treesOf(filter: unknown): { trees: Tree[]; problems: string[] } {
  const problems: string[] = [];
  const entries = typeof filter === 'object' && filter !== null ? Object.entries(filter) : [];
  const named = entries.map(([key, wanted]) => ({
    name: key.replace(/<$/, ''),
    deep: key.endsWith('<'),
    wanted: wanted === true,
  }));
  if (named.some(({ name, wanted }) => name === '' && wanted)) {
    problems.push('it takes every dataset of every pool ("<": true): name the datasets');
  }
  const known = named.filter(({ name }) => name !== '');
  const left = known.filter(({ wanted }) => !wanted);
  const deep = known.filter(({ wanted, deep: isDeep }) => wanted && isDeep).map(({ name }) => name);
  // What another tree has already.
  const roots = deep.filter((name) => !deep.some((other) => other !== name && isWithin(name, other)));
  for (const { name } of known.filter(({ wanted }) => wanted)) {
    if (left.some((other) => other.deep && other.name !== name && isWithin(name, other.name))) {
      problems.push(`it takes ${name} back in from what it leaves out: add a node for that`);
    }
  }
  const exclude = left.map((one) => (one.deep ? one.name : alone(one.name)));
  const single = known
    .filter(({ wanted, deep: isDeep, name }) => wanted && !isDeep && !roots.some((root) => isWithin(name, root)))
    .map(({ name }) => name);
  const trees = [
    { recursive: true, datasets: roots, exclude },
    { recursive: false, datasets: single, exclude: [] },
  ].filter(({ datasets }) => datasets.length > 0);
  if (trees.length === 0 && problems.length === 0) problems.push('it names no dataset');
  return { trees, problems };
}
