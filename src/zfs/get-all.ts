// All properties that are set on datasets and snapshots themselves. `zfs get all` tells values in lines that a value can
// imitate, so it is asked for the names alone, and then, by these names, for the values (`marked-values.ts`).
import { toZfsFlowError } from '../base/errors';
import { groupBy } from '../base/group-by';
import { SlicedQueue } from '../base/slices';
import type { Host } from '../host/host';
import { groupNames } from './batch';
import { missingDatasets } from './classify';
import { commandError, fields, NO_RESULT, unreadable } from './command';
import { getArgv, queryOf, type GetRequest, type PropertyValue, type Query, type ValueReader } from './marked-values';

export interface SetRequest extends Omit<GetRequest, 'properties'> {
  /** Where a value may come from. */
  sources: readonly ('local' | 'received')[];
}

export interface SetOptions {
  signal?: AbortSignal | undefined;
  /** Which properties are of interest. */
  wanted: (property: string) => boolean;
  /** What does not exist (any more) has no properties; otherwise it is an error. */
  missingOk?: boolean;
  /** Named in the error. */
  dataset?: string;
}

/** Names in one command … */
const NAMES_PER_COMMAND = 500;
/** … and commands in one remote command; of trees with more names everything is asked. */
const COMMANDS_AT_ONCE = 10;
/** Properties in one command. */
const PROPERTIES_PER_COMMAND = 200;

/** A replacement character stands for bytes that are no UTF-8: what was read is not what was set. */
export const isFaithful = (value: string): boolean => !value.includes('\ufffd');

/** Runs these commands in one remote command, a reader for the lines of each. Throws the classified error of one that fails. */
async function runReaders(
  host: Host,
  argvs: readonly string[][],
  readers: readonly ValueReader[],
  { signal, missingOk, dataset }: SetOptions,
): Promise<void> {
  const queue = new SlicedQueue<() => void>((work) => work());
  const results = await host.runAll(argvs, {
    signal,
    onLine: (line, index, whole) =>
      queue.push(() => {
        if (!whole) throw unreadable(line, host);
        readers[index]?.push(line);
      }),
  });
  const failure = await queue.drained().then(
    () => null,
    (thrown: unknown) => toZfsFlowError(thrown),
  );
  for (const [index, argv] of argvs.entries()) {
    const result = results[index] ?? NO_RESULT;
    const gone = missingOk === true && (missingDatasets(result.stderr) ?? []).length > 0;
    if (result.code !== 0 && !gone) throw commandError(host, argv, result, dataset);
  }
  if (failure) throw failure;
  for (const reader of readers) reader.end();
}

/** Which properties are set, by name of the dataset or snapshot: names hold neither tabs nor ends of lines. */
async function readNames(
  host: Host,
  requests: readonly SetRequest[],
  options: SetOptions,
): Promise<Map<string, string[]>> {
  const names = new Map<string, string[]>();
  const reader: ValueReader = {
    push: (line) => {
      const [name = '', property = ''] = fields(line, 2, host);
      if (!options.wanted(property)) return;
      const known = names.get(name);
      if (known === undefined) names.set(name, [property]);
      else known.push(property);
    },
    end: () => undefined,
  };
  const argvs = requests.map((request) => getArgv({ ...request, properties: ['all'] }, 'name,property'));
  await runReaders(
    host,
    argvs,
    argvs.map(() => reader),
    options,
  );
  return names;
}

/** Asks for the values by the names of those that have any; where they are too many for that, again for everything. */
function valueQueries(requests: readonly SetRequest[], names: ReadonlyMap<string, readonly string[]>): Query[] {
  const { sources = [] } = requests[0] ?? {};
  const inTrees = requests.some(({ depth }) => depth !== undefined);
  if (inTrees && names.size > NAMES_PER_COMMAND * COMMANDS_AT_ONCE) {
    const all = [...new Set([...names.values()].flat())];
    return groupNames(all, PROPERTIES_PER_COMMAND).flatMap((properties) =>
      requests.map((request) => queryOf({ ...request, properties })),
    );
  }
  const alike = groupBy(names, ([, properties]) => properties.join(','));
  return [...alike.values()].flatMap((group) => {
    const properties = group[0]?.[1] ?? [];
    const of = groupNames(
      group.map(([name]) => name),
      NAMES_PER_COMMAND,
    );
    return groupNames(properties, PROPERTIES_PER_COMMAND).flatMap((some) =>
      of.map((part) => queryOf({ of: part, properties: some, sources })),
    );
  });
}

/**
 * Calls `take` for each wanted property that is set on (or received by) what the requests are of, its value whole whatever
 * it holds. Two remote commands, one where nothing is set; the event loop stays free. Throws the classified error of a
 * command that fails.
 */
export async function eachSetProperty(
  host: Host,
  requests: readonly SetRequest[],
  options: SetOptions,
  take: (value: PropertyValue) => void,
): Promise<void> {
  if (requests.length === 0) return;
  const queries = valueQueries(requests, await readNames(host, requests, options));
  for (let start = 0; start < queries.length; start += COMMANDS_AT_ONCE) {
    const some = queries.slice(start, start + COMMANDS_AT_ONCE);
    await runReaders(
      host,
      some.map(({ argv }) => argv),
      some.map(({ reader }) => reader(host, take)),
      options,
    );
  }
}

/** Properties by name of the dataset or snapshot; what has none is absent. */
export async function readSetProperties(
  host: Host,
  request: SetRequest,
  options: SetOptions,
): Promise<Map<string, Map<string, string>>> {
  const found = new Map<string, Map<string, string>>();
  const requests = groupNames(request.of, NAMES_PER_COMMAND).map((of) => ({ ...request, of }));
  await eachSetProperty(host, requests, options, ({ name, property, value }) => {
    const of = found.get(name) ?? new Map<string, string>();
    found.set(name, of.set(property, value));
  });
  return found;
}
