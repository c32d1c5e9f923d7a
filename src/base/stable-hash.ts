// Tells whether two values mean the same: equal hash = equal plain data, whatever the order of their keys. What is
// hashed (options of a run, configuration of a node) is chosen by the caller.
import { createHash } from 'node:crypto';

/** SHA-256 (hex) of a value as canonical JSON. Properties that are `undefined` count as absent. */
export function stableHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
