// Reads single values out of records that somebody else has written: of whatever type, redacted, wrapped. What is missing has
// its default; a word that is not known stops the item, never the import.

export type Row = Readonly<Record<string, unknown>>;

/** An item that cannot become a node; its message is the finding. */
export class Unusable extends Error {}

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `{"$date": …}`, `{"$time": …}`, `{"$set": […]}`, `{"$type": …, "$value": …}` as what they hold. */
export function unwrapped(value: unknown): unknown {
  if (!isRow(value)) return value;
  for (const key of ['$date', '$time', '$set', '$value']) if (key in value) return value[key];
  return value;
}

/** What TrueNAS shows in place of a secret to whoever may not see it. */
export const REDACTED = '********';

export function textOf(row: Row, name: string, fallback = ''): string {
  const value = unwrapped(row[name]);
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : fallback;
}

/** A secret; '' where there is none, or none that can be used. */
export function secretOf(row: Row, name: string): string {
  const value = textOf(row, name);
  return value === REDACTED ? '' : value;
}

export function numberOf(row: Row, name: string): number | null {
  const value = unwrapped(row[name]);
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

export function flagOf(row: Row, name: string, fallback = false): boolean {
  const value = row[name];
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === 'true') return true;
  return value === 0 || value === 'false' ? false : fallback;
}

export function textsOf(row: Row, name: string): string[] {
  const value = unwrapped(row[name]);
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

export function rowsOf(row: Row, name: string): Row[] {
  const value = unwrapped(row[name]);
  return Array.isArray(value) ? value.filter(isRow) : [];
}

/** An id of TrueNAS's database, as the text that it is in our ids; null for what is none. */
export function idOf(value: unknown): string | null {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return String(value);
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? String(Number(value)) : null;
}

/** Throws `Unusable` for a word that is not in the table. */
export function wordOf<T>(row: Row, name: string, words: Readonly<Record<string, T>>, fallback?: T): T {
  const value = unwrapped(row[name]);
  if ((value === null || value === undefined) && fallback !== undefined) return fallback;
  const word = typeof value === 'string' ? value.toUpperCase() : '';
  const found = Object.hasOwn(words, word) ? words[word] : undefined;
  if (found !== undefined) return found;
  const given = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : 'something that is no word';
  throw new Unusable(`${name} is ${given}, which this import does not know`);
}
