// The lines of `zfs get`, and how a value is told from what it only looks like. Whoever may set a user property may put into
// it what reads like the values that follow ("x", end of line, "tank/other<tab>setuid<tab>off"). So between any two values
// that are free text a property is asked for that nobody has and nobody could guess: its line ends a value for certain.
import { randomBytes } from 'node:crypto';
import type { Host } from '../host/host';
import { unreadable } from './command';

export interface GetRequest {
  /** Datasets or snapshots; their number is the caller's to limit. None, with a depth, is everything there is. */
  of: readonly string[];
  /** Property names. */
  properties: readonly string[];
  /** Only values that come from there, such as `['local', 'received']`. */
  sources?: readonly string[];
  /** Of what lies below `of`: so many levels, or everything (`Infinity`). */
  depth?: number;
  /** Of these kinds only, such as `['filesystem', 'volume']`. */
  types?: readonly string[];
}

export interface PropertyValue {
  /** Dataset or snapshot. */
  name: string;
  property: string;
  value: string;
}

const VALUE_COLUMNS = 'name,property,value';

/** `columns`: of zfs-get(8), `-o`. */
export function getArgv({ of, properties, sources, depth, types }: GetRequest, columns = VALUE_COLUMNS): string[] {
  const levels = depth === undefined ? [] : depth === Infinity ? ['-r'] : ['-d', String(depth)];
  const kinds = types === undefined ? [] : ['-t', types.join(',')];
  const from = sources === undefined ? [] : ['-s', sources.join(',')];
  return ['zfs', 'get', '-Hp', ...levels, ...kinds, ...from, '-o', columns, properties.join(','), ...of];
}

/** One line of name, property and value, or null for what is none. */
export function parseValue(line: string): PropertyValue | null {
  const [, name, property, value] = /^([^\t]+)\t([^\t]+)\t(.*)$/s.exec(line) ?? [];
  return name === undefined || property === undefined || value === undefined ? null : { name, property, value };
}

/** Native properties that are free text too; the values of the others are numbers, names and words of ZFS. */
const FREE_TEXT: ReadonlySet<string> = new Set([
  'context',
  'defcontext',
  'fscontext',
  'keylocation',
  'mlslabel',
  'mountpoint',
  'rootcontext',
  'sharenfs',
  'sharesmb',
]);

export const isUserProperty = (property: string): boolean => property.includes(':');
const isFreeText = (property: string): boolean => isUserProperty(property) || FREE_TEXT.has(property);

export interface ValueReader {
  /** Takes a line of the output. Throws ZFS_ERROR for what ZFS does not print. */
  push: (line: string) => void;
  /** After the last line. Throws ZFS_ERROR where a value has no end. */
  end: () => void;
}

/** A command and what reads its output. */
export interface Query {
  request: GetRequest;
  argv: string[];
  reader: (host: Host, take: (value: PropertyValue) => void) => ValueReader;
}

/** For values that are free text: `mark` after each property. */
function markedReader(
  { properties, sources }: GetRequest,
  mark: string,
  host: Host,
  take: (value: PropertyValue) => void,
) {
  const end = sources === undefined ? `\t${mark}\t-` : `\t${mark}\t-\t-`;
  let chunk: string[] = [];
  let count = 0;
  const value = (name: string, property: string): void => {
    const text = chunk.join('\n');
    const begin = `${name}\t${property}\t`;
    if (!text.startsWith(begin)) throw unreadable(text, host);
    const rest = text.slice(begin.length);
    if (sources === undefined) return take({ name, property, value: rest });
    // The source comes last and holds no tab. '-': the property is not set, and asked for only because the mark is not.
    const tab = rest.lastIndexOf('\t');
    if (tab < 0) throw unreadable(text, host);
    if (rest.slice(tab + 1) !== '-') take({ name, property, value: rest.slice(0, tab) });
  };
  return {
    push: (line: string): void => {
      if (!line.endsWith(end)) return void chunk.push(line);
      // A dataset's properties come in the order in which they are asked for.
      const property = properties[count++ % properties.length] ?? '';
      if (chunk.length > 0) value(line.slice(0, -end.length), property);
      chunk = [];
    },
    end: (): void => {
      if (chunk.length > 0 || count % properties.length !== 0) throw unreadable(chunk.join('\n'), host);
    },
  };
}

function plainReader(host: Host, take: (value: PropertyValue) => void): ValueReader {
  return {
    push: (line: string): void => {
      const value = parseValue(line);
      if (value) take(value);
      else if (line !== '') throw unreadable(line, host);
    },
    end: () => undefined,
  };
}

/** The command for a request. */
export function queryOf(request: GetRequest): Query {
  if (!request.properties.some(isFreeText)) {
    return { request, argv: getArgv(request), reader: plainReader };
  }
  const mark = `zfsflow:end-${randomBytes(12).toString('hex')}`;
  const { sources } = request;
  const properties = request.properties.flatMap((property) => [property, mark]);
  const marked = { ...request, properties, ...(sources === undefined ? {} : { sources: [...sources, 'none'] }) };
  return {
    request,
    argv: getArgv(marked, sources === undefined ? VALUE_COLUMNS : `${VALUE_COLUMNS},source`),
    reader: (host, take) => markedReader(request, mark, host, take),
  };
}
