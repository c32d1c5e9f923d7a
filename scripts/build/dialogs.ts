// All dialogs as one file, which Node-RED serves once for the package, and what it defines: run here as a browser runs it.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import vm from 'node:vm';
import { type BuildOptions, build } from 'esbuild';
import { NODES, ROOT, registeredNodes } from './assemble';

/** What editor.ts gives: values that JSON has, and functions. */
export type Definition = Readonly<Record<string, unknown>>;

export interface DialogBundle {
  /** The text of resources/dialog.js, and its source map. */
  readonly code: string;
  readonly map: string;
  /** Version and content: `0.1.0-1a2b3c4d`. Another text is another build, also in the middle of development. */
  readonly build: string;
  /** Where a browser finds this build, relative to the editor's page. */
  readonly url: string;
  /** By node type. */
  readonly definitions: ReadonlyMap<string, Definition>;
}

interface Manifest {
  name: string;
  version: string;
}

/** Below the package's root, where Node-RED looks for what it serves as `resources/<package>/…`. */
export const DIALOG_FILE = 'resources/dialog.js';
const UNKNOWN_BUILD = '<build>';

/** What both halves of the editor's code have in common. */
export const EDITOR_CODE = {
  bundle: true,
  write: false,
  format: 'iife',
  platform: 'browser',
  target: 'es2020',
  charset: 'utf8',
  loader: { '.css': 'text' },
  tsconfig: path.join(ROOT, 'tsconfig.editor.json'),
  logLevel: 'warning',
} as const satisfies BuildOptions;

export async function bundleDialogs(): Promise<DialogBundle> {
  const nodes = await registeredNodes();
  const types = [...nodes.keys()];
  const entry = [
    ...[...nodes.values()].map((folder, index) => `import { definition as d${index} } from './${folder}/editor';`),
    `const definitions = { ${types.map((type, index) => `${JSON.stringify(type)}: d${index}`).join(', ')} };`,
    `window.ZfsFlows?.deliver(${JSON.stringify(UNKNOWN_BUILD)}, definitions);`,
  ];
  const { outputFiles } = await build({
    ...EDITOR_CODE,
    stdin: { contents: entry.join('\n'), resolveDir: NODES },
    outfile: path.join(ROOT, DIALOG_FILE),
    minify: true,
    sourcemap: 'linked',
  });
  const textOf = (end: string): string => outputFiles.find((file) => file.path.endsWith(end))?.text ?? '';
  const text = textOf('.js');
  const { name, version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const stamp = `${version}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
  const code = text.replace(UNKNOWN_BUILD, stamp);
  return {
    code,
    map: textOf('.js.map'),
    build: stamp,
    url: `${DIALOG_FILE.replace('/', `/${name}/`)}?v=${stamp}`,
    definitions: definitionsIn(code),
  };
}

/** What a browser gets from the file. Nothing of the page is looked at before a dialog opens. */
function definitionsIn(code: string): Map<string, Definition> {
  const delivered = new Map<string, Definition>();
  const deliver = (_build: string, definitions: Record<string, Definition>): void => {
    for (const [type, definition] of Object.entries(definitions)) delivered.set(type, definition);
  };
  vm.runInNewContext(code, { window: { ZfsFlows: { deliver } }, Intl });
  return delivered;
}
