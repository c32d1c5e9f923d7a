// What is put together of a node's files without a compiler: the form with its includes, the catalogues. Used by the build
// and by the tests, which look at the same forms and texts as Node-RED's editor.
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export const ROOT = path.resolve(__dirname, '../..');
export const NODES = path.join(ROOT, 'nodes');
const INCLUDE = /^( *)<!-- include (\S+) -->$/gm;

export interface Catalogue {
  [key: string]: string | Catalogue;
}

/** Name → folder, from package.json, where Node-RED looks too. */
async function registered(kind: 'nodes' | 'plugins'): Promise<Map<string, string>> {
  const manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    'node-red': Record<typeof kind, Record<string, string>>;
  };
  return new Map(
    Object.entries(manifest['node-red'][kind]).map(([name, file]) => [name, path.basename(path.dirname(file))]),
  );
}

/** `{ 'zfs-snapshot': 'snapshot', … }`: node type → folder. */
export function registeredNodes(): Promise<Map<string, string>> {
  return registered('nodes');
}

/** `{ 'zfs-sidebar': 'sidebar', … }` */
export function registeredPlugins(): Promise<Map<string, string>> {
  return registered('plugins');
}

/** The form, with each line `<!-- include file -->` (relative to nodes/) replaced by that file, indented like the line. */
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
