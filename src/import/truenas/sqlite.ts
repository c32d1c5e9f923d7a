// Reads tables out of a SQLite 3 file that is already in memory: what TrueNAS's saved configuration is. Read-only, rows only, no
// index, no SQL. The file is a stranger's: each page is visited once, the depth is limited, and what is damaged is refused.
// Format: https://www.sqlite.org/fileformat2.html. Pure.

export type SqlValue = string | number | bigint | Uint8Array | null;
export type SqlRow = Record<string, SqlValue>;

/** Why a file cannot be read; the message is for people and repeats nothing of the content. */
export class BadDatabase extends Error {}

const MAGIC = 'SQLite format 3\0';
const HEADER = 100;
const DEEPEST = 20;
const WAL_VERSION = 2;
const LEAF = 0x0d;
const INTERIOR = 0x05;
/** Of one row; TrueNAS's longest are private keys. */
const LONGEST_ROW = 8 << 20;
const MOST_ROWS = 100_000;

export function isSqlite(file: Uint8Array): boolean {
  return Buffer.from(file.subarray(0, MAGIC.length)).toString('latin1') === MAGIC;
}

interface Table {
  root: number;
  columns: Column[];
}

interface Column {
  name: string;
  /** Of the definition: what rows have that are older than the column. */
  initial: SqlValue;
  /** An alias of the row id, stored as NULL. */
  isRowId: boolean;
}

export class SqliteFile {
  private readonly view: Buffer;
  private readonly pageSize: number;
  private readonly usable: number;
  private readonly pages: number;
  private readonly tables = new Map<string, Table>();

  /** Throws `BadDatabase`. */
  constructor(file: Uint8Array) {
    this.view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
    if (!isSqlite(file) || file.byteLength < HEADER) throw new BadDatabase('it is no SQLite database');
    const stored = this.view.readUInt16BE(16);
    this.pageSize = stored === 1 ? 65_536 : stored;
    if (this.pageSize < 512 || (this.pageSize & (this.pageSize - 1)) !== 0)
      throw damaged('its page size is impossible');
    if (this.view[18] === WAL_VERSION || this.view[19] === WAL_VERSION) {
      throw new BadDatabase(
        'its newest changes stand in a second file (WAL), which is not here: save the configuration in the TrueNAS instead of copying the file',
      );
    }
    this.usable = this.pageSize - (this.view[20] ?? 0);
    if (this.usable < 480) throw damaged('its pages have no room');
    if (this.view.readUInt32BE(56) !== 1) throw new BadDatabase('its texts are not UTF-8');
    this.pages = Math.floor(this.view.byteLength / this.pageSize);
    this.readSchema();
  }

  has(table: string): boolean {
    return this.tables.has(table);
  }

  /** Names of a table's columns, an empty list for one that is not there. */
  columns(table: string): string[] {
    return (this.tables.get(table)?.columns ?? []).map(({ name }) => name);
  }

  /** All rows of a table, an empty list for one that is not there. Throws `BadDatabase`. */
  rows(table: string): SqlRow[] {
    const found = this.tables.get(table);
    if (found === undefined) return [];
    return [...this.records(found.root)].map(({ rowId, values }) =>
      Object.fromEntries(
        found.columns.map(({ name, initial, isRowId }, index) => {
          const value = index < values.length ? (values[index] ?? null) : initial;
          return [name, isRowId && value === null ? rowId : value];
        }),
      ),
    );
  }

  /** Table `sqlite_schema`, whose root is the first page: type, name, tbl_name, rootpage, sql. */
  private readSchema(): void {
    for (const { values } of this.records(1)) {
      const [type, name, , root, sql] = values;
      if (type !== 'table' || typeof name !== 'string' || typeof sql !== 'string') continue;
      if (typeof root !== 'number' || /\bWITHOUT\s+ROWID\b/i.test(sql.slice(-60))) continue;
      this.tables.set(name, { root, columns: columnsOf(sql) });
    }
  }

  private *records(root: number): Generator<{ rowId: number | bigint; values: SqlValue[] }> {
    let count = 0;
    for (const cell of this.cells(root, new Set(), 0)) {
      if (++count > MOST_ROWS) throw damaged('a table has too many rows');
      const { payload, rowId } = this.payloadAt(cell.page, cell.at);
      yield { rowId, values: recordOf(payload) };
    }
  }

  /** Cells of the leaves, in order. */
  private *cells(page: number, visited: Set<number>, depth: number): Generator<{ page: Buffer; at: number }> {
    if (depth > DEEPEST) throw damaged('its trees are too deep');
    if (visited.has(page)) throw damaged('a page of it is part of a tree twice');
    visited.add(page);
    const data = this.page(page);
    const start = page === 1 ? HEADER : 0;
    const kind = data[start];
    if (kind !== LEAF && kind !== INTERIOR) throw damaged('a page of a table is none');
    const header = start + (kind === LEAF ? 8 : 12);
    const cells = uint16(data, start + 3);
    if (header + cells * 2 > this.usable) throw damaged('a page has more cells than room');
    for (let index = 0; index < cells; index++) {
      const at = uint16(data, header + index * 2);
      if (at < header || at >= this.usable) throw damaged('a cell lies outside its page');
      if (kind === LEAF) yield { page: data, at };
      else yield* this.cells(uint32(data, at), visited, depth + 1);
    }
    if (kind === INTERIOR) yield* this.cells(uint32(data, start + 8), visited, depth + 1);
  }

  private page(number: number): Buffer {
    if (number < 1 || number > this.pages) throw damaged('a page of it is missing: the file is cut off');
    return this.view.subarray((number - 1) * this.pageSize, number * this.pageSize);
  }

  /** The record of a leaf's cell, with what of it lies on overflow pages. */
  private payloadAt(page: Buffer, at: number): { payload: Buffer; rowId: number | bigint } {
    const size = varint(page, at);
    const id = varint(page, size.next);
    const length = Number(size.value);
    if (length < 0 || length > LONGEST_ROW) throw damaged('a row is too long');
    const most = this.usable - 35;
    const least = Math.floor(((this.usable - 12) * 32) / 255) - 23;
    const fitting = least + ((length - least) % (this.usable - 4));
    const local = length <= most ? length : fitting <= most ? fitting : least;
    if (id.next + local + (local < length ? 4 : 0) > this.usable) throw damaged('a row lies outside its page');
    const parts = [page.subarray(id.next, id.next + local)];
    if (local < length) this.overflow(uint32(page, id.next + local), length - local, parts);
    return { payload: Buffer.concat(parts), rowId: asNumber(id.value) };
  }

  private overflow(first: number, length: number, parts: Buffer[]): void {
    const visited = new Set<number>();
    let next = first;
    for (let left = length; left > 0;) {
      if (visited.has(next)) throw damaged('an overflow page is used twice');
      visited.add(next);
      const page = this.page(next);
      const part = page.subarray(4, Math.min(this.usable, 4 + left));
      parts.push(part);
      left -= part.length;
      next = uint32(page, 0);
    }
  }
}

const damaged = (why: string): BadDatabase => new BadDatabase(`the database is damaged: ${why}`);

function uint16(data: Buffer, at: number): number {
  if (at + 2 > data.length) throw damaged('something lies outside its page');
  return data.readUInt16BE(at);
}

function uint32(data: Buffer, at: number): number {
  if (at + 4 > data.length) throw damaged('something lies outside its page');
  return data.readUInt32BE(at);
}

/** Up to nine bytes, seven bits each and eight in the last. */
function varint(data: Buffer, at: number): { value: bigint; next: number } {
  let value = 0n;
  for (let index = 0; index < 9; index++) {
    const byte = data[at + index];
    if (byte === undefined) throw damaged('a number lies outside its page');
    if (index === 8) return { value: BigInt.asIntN(64, (value << 8n) | BigInt(byte)), next: at + 9 };
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) return { value, next: at + index + 1 };
  }
  throw damaged('a number has no end');
}

const asNumber = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

const INTEGER_BYTES: readonly number[] = [0, 1, 2, 3, 4, 6, 8];
/** More columns than SQLite allows. */
const MOST_COLUMNS = 32_768;

function recordOf(payload: Buffer): SqlValue[] {
  const header = varint(payload, 0);
  const end = Number(header.value);
  if (end > payload.length) throw damaged('a row is shorter than it says');
  const values: SqlValue[] = [];
  let at = end;
  for (let place = header.next; place < end;) {
    const type = varint(payload, place);
    place = type.next;
    const { value, bytes } = valueOf(payload, at, Number(type.value));
    values.push(value);
    at += bytes;
    if (at > payload.length || values.length > MOST_COLUMNS) throw damaged('a row is shorter than it says');
  }
  return values;
}

function valueOf(data: Buffer, at: number, type: number): { value: SqlValue; bytes: number } {
  if (type >= 12) {
    const bytes = Math.floor((type - 12) / 2);
    const part = data.subarray(at, at + bytes);
    return { value: type % 2 === 1 ? part.toString('utf8') : Uint8Array.from(part), bytes };
  }
  if (type === 0) return { value: null, bytes: 0 };
  if (type === 8 || type === 9) return { value: type - 8, bytes: 0 };
  const bytes = type === 7 ? 8 : INTEGER_BYTES[type];
  if (bytes === undefined || type < 0) throw damaged('a value is of a type that there is not');
  if (at + bytes > data.length) throw damaged('a row is shorter than it says');
  if (type === 7) return { value: data.readDoubleBE(at), bytes };
  if (bytes === 8) return { value: asNumber(data.readBigInt64BE(at)), bytes };
  return { value: data.readIntBE(at, bytes), bytes };
}

const CONSTRAINT = /^(?:CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)\b/i;

/** One column alone, as a constraint of the table. */
const KEY = /^(?:CONSTRAINT\s+\S+\s+)?PRIMARY\s+KEY\s*\(\s*["`[]?([^"`\],)]+?)["`\]]?\s*(?:ASC\s*)?\)/i;

/** The columns of a `CREATE TABLE`, in the order in which rows have them. */
function columnsOf(sql: string): Column[] {
  const parts = definitions(sql);
  const key = parts.map((text) => KEY.exec(text)?.[1]).find((name) => name !== undefined);
  return parts
    .filter((text) => !CONSTRAINT.test(text))
    .map((text) => {
      const [named = '', quoted, bare = ''] = NAME.exec(text) ?? [];
      const name = quoted === undefined ? bare || named.slice(1, -1) : quoted.replaceAll('""', '"');
      const rest = text.slice(named.length).trim();
      // Only this very type makes a key an alias.
      const isKey = /\bPRIMARY\s+KEY\b/i.test(rest) || name.toLowerCase() === key?.toLowerCase();
      return { name, initial: initialOf(text), isRowId: isKey && /^INTEGER(?:\s|$)/i.test(rest) };
    });
}

const NAME = /^(?:"((?:[^"]|"")*)"|`[^`]*`|\[[^\]]*\]|'[^']*'|([\w$]+))/;

/** Texts between the commas of the outer brackets: columns and constraints. */
function definitions(sql: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let part = '';
  for (const character of sql) {
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (/["'`]/.test(character)) quote = character;
    else if (character === '(' && depth++ === 0) continue;
    else if (character === ')' && --depth === 0) break;
    else if (character === ',' && depth === 1) {
      parts.push(part);
      part = '';
      continue;
    }
    if (depth > 0) part += character;
  }
  return [...parts, part].map((text) => text.trim()).filter((text) => text !== '');
}

function initialOf(definition: string): SqlValue {
  const [, text, number, word = ''] =
    /\bDEFAULT\s*\(?\s*(?:'((?:[^']|'')*)'|([+-]?\d+(?:\.\d+)?)|"?(\w+)"?)/i.exec(definition) ?? [];
  if (text !== undefined) return text.replaceAll("''", "'");
  if (number !== undefined) return Number(number);
  return /^(?:true|false)$/i.test(word) ? Number(word.toLowerCase() === 'true') : null;
}
