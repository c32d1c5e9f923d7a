// What ZFS accepts as a name, checked before any command is built, and the exclude patterns over dataset names.
// Pure and free of Node modules: the edit dialogs bundle this file too.
// Source: zfs_namecheck.c (entity_namecheck, pool_namecheck, zfs_component_namecheck) and zfsconcepts(7).
import { invalidOption } from '../base/errors';

/** ZFS_MAX_DATASET_NAME_LEN less the terminating NUL; the whole name with `@snapshot` counts. */
const MAX_NAME_LENGTH = 255;
/** zfs_max_dataset_nesting */
const MAX_NESTING = 50;
const COMPONENT = /^[0-9A-Za-z_.: -]+$/;
const RESERVED_POOL = /^(mirror|raidz|draid|spare|log)$|^c[0-9]|^raidz[0-9]|^draid[0-9]/;

function componentProblem(component: string): string | null {
  const what = 'a part of the dataset name';
  if (component === '') return `${what} must not be empty`;
  if (component === '.' || component === '..') return `${what} must not be "${component}"`;
  if (!COMPONENT.test(component)) {
    const bad = Array.from(component).find((character) => !COMPONENT.test(character)) ?? component;
    return `${what} contains ${JSON.stringify(bad)}; ZFS allows letters, digits, space and _ . : -`;
  }
  return null;
}

/** Why `name` is no dataset name (file system or volume), or null when it is one. */
export function datasetNameProblem(name: string): string | null {
  if (name === '') return 'the dataset name must not be empty';
  if (name.length > MAX_NAME_LENGTH) return `the dataset name is longer than ${MAX_NAME_LENGTH} characters`;
  if (name.startsWith('/')) return 'a dataset name does not begin with "/" (tank/data, not /mnt/tank/data)';
  if (name.endsWith('/')) return 'a dataset name does not end with "/"';
  if (name.includes('@') || name.includes('#')) return 'a dataset name holds no "@" or "#"';
  const components = name.split('/');
  if (components.length > MAX_NESTING) return `the dataset is nested deeper than ${MAX_NESTING} levels`;
  for (const component of components) {
    const problem = componentProblem(component);
    if (problem !== null) return problem;
  }
  const pool = components[0] ?? '';
  if (!/^[A-Za-z]/.test(pool)) return 'a pool name begins with a letter';
  if (RESERVED_POOL.test(pool)) return `"${pool}" is reserved by ZFS and cannot be a pool name`;
  return null;
}

/** Why no snapshot of this name can be on `dataset`, whose own name is one, or null. */
export function snapshotNameProblem(dataset: string, name: string): string | null {
  if (dataset.length + 1 + name.length <= MAX_NAME_LENGTH) return null;
  return `"${dataset}@${name}" would be longer than the ${MAX_NAME_LENGTH} characters that ZFS allows`;
}

/** The pool of a dataset, snapshot or bookmark. */
export const poolOf = (name: string): string => /^[^/@#]*/.exec(name)?.[0] ?? name;

/** Throws INVALID_OPTIONS for the property `field` unless `name` is a dataset name. */
export function checkDatasetName(name: unknown, field: string): string {
  if (typeof name !== 'string') throw invalidOption(field, `${field} must be a dataset name`);
  const problem = datasetNameProblem(name);
  if (problem !== null) throw invalidOption(field, `${field}: ${JSON.stringify(name)} is no dataset: ${problem}`);
  return name;
}

/** Why `key` is no user property name (zfsprops(7), "User Properties"), or null. */
export function userPropertyProblem(key: string): string | null {
  if (!/^[0-9a-z:._+-]+$/.test(key)) return 'a user property holds lowercase letters, digits and : . _ + -';
  if (!key.includes(':')) return 'a user property contains a colon (company:purpose)';
  if (key.startsWith('-')) return 'a user property does not begin with "-"';
  if (key.length > 255) return 'a user property is at most 255 characters long';
  return null;
}

const GLOB = /[*?[]/;

/** A shell glob over a full dataset name as a regular expression; `*` and `?` also match `/` (fnmatch without flags). */
function globToRegExp(glob: string): RegExp {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const character = glob.charAt(i);
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '[') {
      const end = glob.indexOf(']', i + 2);
      if (end < 0) source += '\\[';
      else {
        const inner = glob
          .slice(i + 1, end)
          .replaceAll('\\', '\\\\')
          .replace(/^!/, '^');
        source += `[${inner}]`;
        i = end;
      }
    } else source += character.replace(/[.+^${}()|\]\\/]/g, '\\$&');
  }
  return new RegExp(`^${source}$`, 's');
}

export type ExcludeFilter = (dataset: string) => boolean;

/**
 * True for datasets that one of `patterns` excludes: a full dataset name excludes itself and everything below it, a
 * pattern with `*`, `?` or `[` is matched against the whole name. Throws INVALID_OPTIONS for what is neither. What is
 * compiled already stays as it is.
 */
export function compileExcludes(patterns: readonly string[] | ExcludeFilter, field = 'exclude'): ExcludeFilter {
  if (typeof patterns === 'function') return patterns;
  const exact: string[] = [];
  const globs: RegExp[] = [];
  for (const pattern of patterns) {
    if (typeof pattern !== 'string' || pattern === '') throw invalidOption(field, `${field}: an entry is empty`);
    if (GLOB.test(pattern)) {
      try {
        globs.push(globToRegExp(pattern));
      } catch {
        throw invalidOption(field, `${field}: ${JSON.stringify(pattern)} is no valid pattern`);
      }
    } else exact.push(checkDatasetName(pattern, field));
  }
  return (dataset) =>
    exact.some((name) => dataset === name || dataset.startsWith(`${name}/`)) ||
    globs.some((glob) => glob.test(dataset));
}
