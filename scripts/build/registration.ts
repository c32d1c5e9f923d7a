// The script in a node's html: the registration with all its values, as the flow library and the scorecard read them out of
// the text, and stand-ins (nodes/dialog/stand-in.ts) for what only the dialogs can do.
import { build } from 'esbuild';
import { NODES } from './assemble';
import type { DialogBundle } from './dialogs';
import { EDITOR_CODE } from './resource';

/** Functions of a definition that have a stand-in, by their names there. */
const STAND_INS: ReadonlySet<string> = new Set([
  'label',
  'labelStyle',
  'outputLabels',
  'oneditprepare',
  'oneditsave',
  'oneditcancel',
  'oneditdelete',
]);

export async function registrationScript(type: string, dialogs: DialogBundle): Promise<string> {
  const definition = dialogs.definitions.get(type);
  if (definition === undefined) throw new Error(`${type} has no definition`);
  const entry = [
    `import { standIn } from './dialog/stand-in';`,
    `const dialog = standIn(${JSON.stringify(type)}, { url: ${JSON.stringify(dialogs.url)}, build: ${JSON.stringify(dialogs.build)} });`,
    `RED.nodes.registerType(${JSON.stringify(type)}, ${print(definition, [])});`,
  ];
  const { outputFiles } = await build({
    ...EDITOR_CODE,
    stdin: { contents: entry.join('\n'), resolveDir: NODES, sourcefile: `${type}.js` },
    // People read it too.
    minify: false,
  });
  return outputFiles[0]?.text ?? '';
}

/** Objects down to here have a line for each key: the definition, its `defaults` and `credentials`. */
const LINES = 1;

/** `at`: the keys that lead to the value. */
function print(value: unknown, at: readonly string[]): string {
  if (typeof value === 'function') return printStandIn(at);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return printPlain(value, at);
  const entries = Object.entries(value).map(([key, item]) => `${printKey(key)}: ${print(item, [...at, key])}`);
  return at.length <= LINES ? `{\n${entries.join(',\n')}\n}` : `{ ${entries.join(', ')} }`;
}

function printKey(key: string): string {
  return /^[a-z]\w*$/i.test(key) ? key : JSON.stringify(key);
}

function printPlain(value: unknown, at: readonly string[]): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new Error(`${at.join('.')} is not a value that JSON has`);
  return text;
}

function printStandIn(at: readonly string[]): string {
  const [first = '', property = '', validate = ''] = at;
  if (first === 'button' && at.length === 2) return `dialog.button.${property}`;
  if (at.length === 1 && STAND_INS.has(first)) return `dialog.${first}`;
  if (at.length === 3 && first === 'defaults' && validate === 'validate')
    return `dialog.validate(${JSON.stringify(property)})`;
  throw new Error(`${at.join('.')} is a function that has no stand-in`);
}
