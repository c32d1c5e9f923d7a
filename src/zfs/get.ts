// Reads properties by name: `zfs get`, with one reader of its lines for everybody (zfs-get(8), "-H -p -o"). A value may hold
// anything, lines that look like other values included (`marked-values.ts` tells them apart); a name or a property never
// does. All properties that are set on something: `get-all.ts`.
import { toZfsFlowError } from '../base/errors';
import type { CommandResult, Host } from '../host/host';
import { commandError, missingIn, NO_RESULT, unreadable } from './command';
import { complaintsOf } from './stderr';
import { getArgv, queryOf, type GetRequest, type PropertyValue, type Query } from './marked-values';

export interface GetOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  /** Named in the error. */
  dataset?: string;
}

function readValues(host: Host, query: Query, stdout: string): PropertyValue[] {
  const lines = stdout.replace(/\n$/, '').split('\n');
  if (stdout === '') return [];
  const values: PropertyValue[] = [];
  const { of, depth } = query.request;
  const reader = query.reader(host, (value) => {
    if (depth === undefined && !of.includes(value.name)) throw unreadable(value.name, host);
    values.push(value);
  });
  for (const line of lines) reader.push(line);
  reader.end();
  return values;
}

/** With `missingOk`, what does not exist has no values; any other failure is one. */
type Judging = Pick<GetOptions, 'dataset'> & { missingOk?: boolean };

function judge(host: Host, query: Query, result: CommandResult, options: Judging): PropertyValue[] {
  const gone = missingIn(host, query.argv, result, options.dataset);
  if (gone.length > 0 && options.missingOk !== true) throw commandError(host, query.argv, result, options.dataset);
  return readValues(host, query, result.stdout);
}

/**
 * The values of properties. Throws the classified error where the command fails, except that with `missingOk` what does
 * not exist has none.
 */
export async function getProperties(
  host: Host,
  request: GetRequest,
  options: GetOptions & Judging = {},
): Promise<PropertyValue[]> {
  if (request.of.length === 0) return [];
  const { dataset: _dataset, missingOk: _missingOk, ...run } = options;
  const query = queryOf(request);
  return judge(host, query, await host.run(query.argv, run), options);
}

/** The value of one property of one dataset or snapshot. Throws the classified error. */
export async function getProperty(
  host: Host,
  name: string,
  property: string,
  options: GetOptions = {},
): Promise<string> {
  const request = { of: [name], properties: [property] };
  return onlyValue(host, request, await getProperties(host, request, { dataset: name, ...options }));
}

/** Exit code 0 without a value says nothing: it is an error too. */
function onlyValue(host: Host, request: GetRequest, [found]: readonly PropertyValue[]): string {
  if (found !== undefined) return found.value;
  throw commandError(host, getArgv(request), { code: 0, signal: null, stderr: '' }, request.of[0]);
}

/** Several questions in one remote command; each has its own answer, or the error that its command stands for. */
export async function getEach(
  host: Host,
  requests: readonly GetRequest[],
  options: GetOptions & Judging = {},
): Promise<(PropertyValue[] | Error)[]> {
  if (requests.length === 0) return [];
  const { dataset: _dataset, missingOk: _missingOk, ...run } = options;
  const queries = requests.map(queryOf);
  const results = await host.runAll(
    queries.map(({ argv }) => argv),
    run,
  );
  return queries.map((query, index) => {
    const result = results[index] ?? NO_RESULT;
    try {
      return judge(host, query, result, options);
    } catch (error) {
      return toZfsFlowError(error);
    }
  });
}

/**
 * One property of each of several datasets or snapshots, in their order, in one remote command. Throws the classified error
 * of the first that does not tell it.
 */
export async function getPropertyOfEach(
  host: Host,
  names: readonly string[],
  property: string,
  options: GetOptions = {},
): Promise<string[]> {
  const requests = names.map((name): GetRequest => ({ of: [name], properties: [property] }));
  const answers = await getEach(host, requests, options);
  return requests.map((request, index) => {
    const answer = answers[index] ?? [];
    if (answer instanceof Error) throw answer;
    return onlyValue(host, request, answer);
  });
}

/**
 * Some snapshot of the dataset has a property that was set on it. Values are not read, since they may hold anything. Throws the
 * classified error.
 */
export async function snapshotsHaveProperties(host: Host, dataset: string, signal?: AbortSignal): Promise<boolean> {
  const argv = [
    'zfs',
    'get',
    '-H',
    '-d',
    '1',
    '-t',
    'snapshot',
    '-s',
    'local,received',
    '-o',
    'property',
    'all',
    dataset,
  ];
  const result = await host.run(argv, { signal });
  if (result.code !== 0 || complaintsOf(result.stderr).length > 0) throw commandError(host, argv, result, dataset);
  return result.stdout.trim() !== '';
}
