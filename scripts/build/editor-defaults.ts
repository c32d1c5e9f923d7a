// Writes a definition's `defaults` and `credentials` into its editor.ts while it is bundled: the flow library reads them
// out of the built html, so they have to be a literal there, and the tables of the options say what is in it.
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { FIELDS } from '../../nodes/fields';
import { CREDENTIALS, NODE_TYPES, type NodeType } from '../../nodes/node-options';
import type { FieldTable } from '../../src/options/field';

/** Of what the editor itself knows what is wrong with it, or nothing can be. */
const UNCHECKED: ReadonlySet<string> = new Set(['version', 'name']);

function nodeType(text: string): NodeType {
  const type = NODE_TYPES.find((known) => known === text);
  if (type === undefined) throw new Error(`there is no node type ${text}`);
  return type;
}

function literal(rows: readonly string[]): string {
  return `{\n${rows.map((row) => `    ${row},\n`).join('')}  }`;
}

/** `validate` is the name of the variable that holds the validators. */
function defaultsLiteral(type: NodeType, validate: string): string {
  const table: FieldTable = FIELDS[type];
  return literal(
    Object.entries(table).flatMap(([name, field]) => {
      const value = `value: ${JSON.stringify(field.default)}`;
      if (field.connection === true) return `${name}: { ${value}, type: 'zfs-ssh-connection', required: false }`;
      const row = `${name}: { ${value}${UNCHECKED.has(name) ? '' : `, validate: ${validate}.${name}`} }`;
      return field.typed ? [row, `${name}Type: { value: '${field.type}' }`] : [row];
    }),
  );
}

function credentialsLiteral(type: NodeType): string {
  return literal(CREDENTIALS[type].map((name) => `${name}: { type: 'password' }`));
}

/** `defaultsOf('zfs-…', VALIDATE)` and `credentialsOf('zfs-…')`, written out (types/editor.d.ts). */
export function writeDefaults(source: string): string {
  return source
    .replaceAll(/\bdefaultsOf\('([\w-]+)', (\w+)\)/g, (_call, type: string, validate: string) =>
      defaultsLiteral(nodeType(type), validate),
    )
    .replaceAll(/\bcredentialsOf\('([\w-]+)'\)/g, (_call, type: string) => credentialsLiteral(nodeType(type)));
}

export const editorDefaults: Plugin = {
  name: 'editor-defaults',
  setup(build) {
    build.onLoad({ filter: /[\\/]nodes[\\/][\w-]+[\\/]editor\.ts$/ }, async ({ path }) => ({
      contents: writeDefaults(await readFile(path, 'utf8')),
      loader: 'ts',
    }));
  },
};
