// Reads properties: `zfs get`, with one reader of its lines for everybody (zfs-get(8), "-H -p -o"). A value may hold tabs,
// that of a user property ends of lines too; a name or a property never does.
import { toZfsFlowError } from '../base/errors';
import { SlicedQueue } from '../base/slices';
import type { CommandResult, Host } from '../host/host';
import { commandError, missingIn, NO_RESULT, unreadable } from './command';

export interface GetRequest {
  /** Datasets or snapshots; their number is the caller's to limit. None, with a depth, is everything there is. */
  of: readonly string[];
  /** Property names, or `['all']`. */
  properties: readonly string[];
  /** Only values that come from there, such as `['local', 'received']`. */
  sources?: readonly string[];
  /** Of what lies below `of`: so many levels, or everything (`Infinity`). */
  depth?: number;
  /** Of these kinds only, such as `['filesystem', 'volume']`. */
  types?: readonly string[];
}

export interface GetOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  /** Named in the error. */
  dataset?: string;
}

export interface PropertyValue {
  /** Dataset or snapshot. */
  name: string;
  property: string;
  value: string;
}

export function getArgv({ of, properties, sources, depth, types }: GetRequest): string[] {
  const levels = depth === undefined ? [] : depth === Infinity ? ['-r'] : ['-d', String(depth)];
  const kinds = types === undefined ? [] : ['-t', types.join(',')];
  const from = sources === undefined ? [] : ['-s', sources.join(',')];
  const columns = ['-o', 'name,property,value', properties.join(',')];
  return ['zfs', 'get', '-Hp', ...levels, ...kinds, ...from, ...columns, ...of];
}

/** One line of `getArgv`'s output, or null for what is none. */
export function parseValue(line: string): PropertyValue | null {
  const [, name, property, value] = /^([^\t]+)\t([^\t]+)\t(.*)$/s.exec(line) ?? [];
  return name === undefined || property === undefined || value === undefined ? null : { name, property, value };
}

function readValues(host: Host, request: GetRequest, { stdout }: Pick<CommandResult, 'stdout'>): PropertyValue[] {
  const { of, properties, depth } = request;
  const isAsked = ({ name }: PropertyValue): boolean => depth !== undefined || of.includes(name);
  // Only where the names are known can the next value be told from a further line of the last one.
  const mayGoOn = ({ property }: PropertyValue): boolean =>
    depth === undefined && (property.includes(':') || properties.includes('all'));
  const values: PropertyValue[] = [];
  for (const line of stdout.replace(/\n$/, '').split('\n')) {
    const value = parseValue(line);
    const last = values.at(-1);
    if (value && isAsked(value)) values.push(value);
    else if (last && mayGoOn(last)) last.value += `\n${line}`;
    else if (line !== '') throw unreadable(line, host);
  }
  return values;
}

/** With `missingOk`, what does not exist has no values; any other failure is one. */
type Judging = Pick<GetOptions, 'dataset'> & { missingOk?: boolean };

function judge(host: Host, request: GetRequest, result: CommandResult, options: Judging): PropertyValue[] {
  const argv = getArgv(request);
  const gone = missingIn(host, argv, result, options.dataset);
  if (gone.length > 0 && options.missingOk !== true) throw commandError(host, argv, result, options.dataset);
  return readValues(host, request, result);
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
  return judge(host, request, await host.run(getArgv(request), run), options);
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
  const results = await host.runAll(requests.map(getArgv), run);
  return requests.map((request, index) => {
    const result = results[index] ?? NO_RESULT;
    try {
      return judge(host, request, result, options);
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
 * Calls `take` for each value, for answers too long to be kept or to be read at one go: one remote command, and the event
 * loop stays free. What does not exist (any more) has no values. A value that spans lines is given up to the first end of
 * line. Throws the classified error of a command that fails otherwise.
 */
export async function eachProperty(
  host: Host,
  requests: readonly GetRequest[],
  take: (value: PropertyValue) => void,
  signal?: AbortSignal,
): Promise<void> {
  const queue = new SlicedQueue<string>((line) => {
    const value = parseValue(line);
    if (value !== null) take(value);
  });
  const argvs = requests.map(getArgv);
  const results = await host.runAll(argvs, { signal, onLine: (line) => queue.push(line) });
  await queue.drained();
  for (const [index, argv] of argvs.entries()) missingIn(host, argv, results[index] ?? NO_RESULT);
}
