// A dialog asks with the values that it shows. What only a message will bring cannot be asked about.
import { invalidOption } from '../../src/base/errors';
import type { Field, LiteralType } from '../../src/options/field';
import { readString, type RawOptions } from '../../src/options/read';
import type { NodeType } from '../node-options';
import { engine } from '../runtime/engine';

/** Properties of these node types that a message may decide, with their literal types. */
function typedFields(types: readonly NodeType[]): [string, LiteralType][] {
  const fields = types.flatMap((type) => Object.entries<Field>(engine.fields()[type]));
  return fields.flatMap(([name, field]) => (field.typed ? [[name, field.type]] : []));
}

/** Throws INVALID_OPTIONS for a property that comes from somewhere else; `ignored`: those that do not matter. */
export function requireLiterals(
  body: RawOptions,
  types: readonly NodeType[],
  { ignored, hint }: { ignored: ReadonlySet<string>; hint: string },
): void {
  for (const [name, literal] of typedFields(types)) {
    const type = ignored.has(name) ? '' : readString(body, `${name}Type`, literal);
    if (type === literal || type === '') continue;
    throw invalidOption(name, `${name} comes from ${type}, so it is known only when a message comes`, hint);
  }
}
