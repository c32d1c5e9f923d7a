// Gives the properties of a node their values for one message: literals as they are, the others from the message, a
// context, the environment or a JSONata expression. Whether a value is any good is said by the engine's parsers.
import type { Node } from 'node-red';
import { invalidOption } from '../../src/base/errors';
import type { Field, FieldTable } from '../../src/options/field';
import { TYPED_SOURCES } from '../node-options';
import type { FlowMessage, Red } from './red';

const LITERALS: ReadonlySet<string> = new Set(['str', 'num', 'bool', 'json', 'list']);
/** A message can decide what these give; the environment is set by whoever runs Node-RED. */
const DYNAMIC: ReadonlySet<string> = new Set(['msg', 'flow', 'global', 'jsonata']);
/** Of the runtime and the editor, not of the node. */
const INTERNAL: ReadonlySet<string> = new Set(['id', 'type', 'z', 'g', 'x', 'y', 'wires', 'd', 'l', 'info', 'inputs']);

export interface ResolvedFields {
  values: Record<string, unknown>;
  /** Names of the fields whose value a message could choose. */
  dynamic: ReadonlySet<string>;
}

/** Throws INVALID_OPTIONS with the property in `field` when a value is not there or cannot be computed. */
export async function resolveFields(
  RED: Red,
  node: Node,
  config: Readonly<Record<string, unknown>>,
  table: FieldTable,
  msg: FlowMessage,
): Promise<ResolvedFields> {
  const dynamic = new Set<string>();
  // What the table does not know goes along: the engine refuses what it cannot do rather than ignore it.
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(config).filter(([key]) => !INTERNAL.has(key)),
  );
  for (const [name, field] of Object.entries(table)) {
    const kind = kindOf(config, name, field);
    if (DYNAMIC.has(kind)) dynamic.add(name);
    const literal = config[name] === undefined ? field.default : config[name];
    values[name] = LITERALS.has(kind) ? literal : await evaluate(RED, node, msg, { name, kind, literal });
  }
  return { values, dynamic };
}

function kindOf(config: Readonly<Record<string, unknown>>, name: string, field: Field): string {
  const kind = field.typed ? config[`${name}Type`] : undefined;
  if (kind === undefined || kind === '') return field.type;
  const known = typeof kind === 'string' && (LITERALS.has(kind) || TYPED_SOURCES.some((source) => source === kind));
  if (!known) throw invalidOption(name, `${name}: there is no kind of value ${JSON.stringify(kind)}`);
  return kind;
}

interface Reference {
  name: string;
  kind: string;
  literal: unknown;
}

async function evaluate(RED: Red, node: Node, msg: FlowMessage, { name, kind, literal }: Reference): Promise<unknown> {
  const where = `${kind === 'jsonata' ? 'the expression' : `${kind}.`}${kind === 'jsonata' ? '' : String(literal)}`;
  let value: unknown;
  try {
    value = await new Promise<unknown>((resolve, reject) => {
      // Throws at once for some mistakes and calls back with others; context stores may be asynchronous.
      RED.util.evaluateNodeProperty(String(literal), kind, node, msg, (error, result) => {
        if (error) reject(error);
        else resolve(result);
      });
    });
  } catch (error) {
    throw invalidOption(name, `${name}: ${where} cannot be evaluated: ${(error as Error).message}`);
  }
  if (value === undefined) throw invalidOption(name, `${name}: ${where} has no value`);
  return value;
}
