// Several schemas at once, as replication and retention use them: which one a name belongs to, and the refusal of names
// that two schemas read as different times. One schema is `schema.ts`.
import { parseNamingSchema, parseSnapshotName, type NamingSchema, type ParsedName } from './schema';

export type NameReading =
  | { kind: 'none' }
  | ({ kind: 'read'; schema: NamingSchema } & ParsedName)
  /** Schemas that give different times; a caller must not guess. */
  | { kind: 'ambiguous'; schemas: readonly NamingSchema[]; dates: readonly Date[] };

/** Throws INVALID_OPTIONS for `field` when one of them is no schema. */
export function parseNamingSchemas(texts: readonly string[], field = 'namingSchemas'): NamingSchema[] {
  return texts.map((text) => parseNamingSchema(text, field));
}

/** Reads a name by the schemas, in order; where several read the same time, the first counts. */
export function readSnapshotName(schemas: readonly NamingSchema[], name: string, timeZone: string): NameReading {
  let first: ({ kind: 'read'; schema: NamingSchema } & ParsedName) | undefined;
  for (const schema of schemas) {
    const parsed = parseSnapshotName(schema, name, timeZone);
    if (parsed === null) continue;
    if (first === undefined) first = { kind: 'read', schema, ...parsed };
    else if (first.date.getTime() !== parsed.date.getTime()) {
      return { kind: 'ambiguous', schemas: [first.schema, schema], dates: [first.date, parsed.date] };
    }
  }
  return first ?? { kind: 'none' };
}
