// The editor half of each node, put together: the bundled script, the dialog with its includes, the catalogues. Used by
// the build and by the tests, which look at the same definitions as Node-RED's editor.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { editorDefaults } from './editor-defaults';

export const ROOT = path.resolve(__dirname, '../..');
export const NODES = path.join(ROOT, 'nodes');
const INCLUDE = /^( *)<!-- include (\S+) -->$/gm;

export interface Catalogue {
  [key: string]: string | Catalogue;
}

/** `{ 'zfs-snapshot': 'snapshot', … }`: node type → folder, from package.json, where Node-RED looks too. */
export async function registeredNodes(): Promise<Map<string, string>> {
  const manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    'node-red': { nodes: Record<string, string> };
  };
  return new Map(
    Object.entries(manifest['node-red'].nodes).map(([type, file]) => [type, path.basename(path.dirname(file))]),
  );
}

/** The editor script of a node, in the syntax of ES2020. */
export async function bundleEditor(folder: string): Promise<string> {
  const result = await build({
    entryPoints: [path.join(NODES, folder, 'editor.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    // Not minified: the flow library reads the definition out of the html, and people read it in the browser.
    minify: false,
    target: 'es2020',
    charset: 'utf8',
    loader: { '.css': 'text' },
    plugins: [editorDefaults],
    tsconfig: path.join(ROOT, 'tsconfig.editor.json'),
    logLevel: 'warning',
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`no editor script for ${folder}`);
  return output.text;
}

/** The dialog, with each line `<!-- include file -->` (relative to nodes/) replaced by that file, indented like the line. */
export async function assembleForm(folder: string): Promise<string> {
  const form = await readFile(path.join(NODES, folder, 'form.html'), 'utf8');
  const included = await Promise.all(
    [...form.matchAll(INCLUDE)].map(async ([, indent = '', file = '']) => {
      const text = await readFile(path.join(NODES, file), 'utf8');
      return text.trimEnd().replaceAll(/^(?=.)/gm, indent);
    }),
  );
  return form.replace(INCLUDE, () => included.shift() ?? '').trim();
}

/**
 * A node's catalogue; the strings shared by all dialogs are put under `common`, since a catalogue belongs to one node.
 */
export async function assembleCatalogue(folder: string, language: string): Promise<Catalogue> {
  const own = await readCatalogue(path.join(NODES, folder, 'locales', language, `${folder}.json`));
  const common = await readCatalogue(path.join(NODES, 'locales', language, 'common.json'));
  return { ...own, common };
}

async function readCatalogue(file: string): Promise<Catalogue> {
  return JSON.parse(await readFile(file, 'utf8')) as Catalogue;
}
