// Makes dist/ from nothing: the compiled engine and adapters, and per node one .html with the bundled editor script
// and the dialog, beside it its catalogues and icons. Type errors of either half fail it. Nothing in dist/ is edited.
import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const ROOT = path.resolve(__dirname, '..');
const NODES = path.join(ROOT, 'nodes');
const DIST = path.join(ROOT, 'dist');
const INCLUDE = /<!-- include (\S+) -->/g;

interface Catalogue {
  [key: string]: string | Catalogue;
}

/** Runs the compiler on one project file; its output goes to the terminal. */
function compile(project: string): Promise<void> {
  const compiler = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [compiler, '-p', path.join(ROOT, project), '--pretty'], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`type errors (${project})`))));
  });
}

/** `{ 'zfs-snapshot': 'snapshot', … }`: node type → folder, from package.json, where Node-RED looks too. */
async function registeredNodes(): Promise<Map<string, string>> {
  const manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    'node-red': { nodes: Record<string, string> };
  };
  return new Map(
    Object.entries(manifest['node-red'].nodes).map(([type, file]) => [type, path.basename(path.dirname(file))]),
  );
}

async function bundleEditor(folder: string): Promise<string> {
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
    tsconfig: path.join(ROOT, 'tsconfig.editor.json'),
    logLevel: 'warning',
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`no editor script for ${folder}`);
  return output.text;
}

/** The dialog, with each `<!-- include file -->` (relative to nodes/) replaced by that file. */
async function assembleForm(folder: string): Promise<string> {
  const form = await readFile(path.join(NODES, folder, 'form.html'), 'utf8');
  const included = await Promise.all(
    [...form.matchAll(INCLUDE)].map(async ([, file = '']) => readFile(path.join(NODES, file), 'utf8')),
  );
  return form.replace(INCLUDE, () => included.shift() ?? '').trim();
}

/** Copies the catalogues; the strings shared by all dialogs are put under `common`, since a catalogue belongs to one node. */
async function copyLocales(folder: string): Promise<void> {
  const languages = await readdir(path.join(NODES, folder, 'locales'));
  for (const language of languages) {
    const from = path.join(NODES, folder, 'locales', language);
    const to = path.join(DIST, 'nodes', folder, 'locales', language);
    await mkdir(to, { recursive: true });
    const own = await readCatalogue(path.join(from, `${folder}.json`));
    const common = await readCatalogue(path.join(NODES, 'common', 'locales', language, 'common.json'));
    await writeFile(path.join(to, `${folder}.json`), `${JSON.stringify({ ...own, common }, null, 2)}\n`);
    await cp(path.join(from, `${folder}.html`), path.join(to, `${folder}.html`));
  }
}

async function readCatalogue(file: string): Promise<Catalogue> {
  return JSON.parse(await readFile(file, 'utf8')) as Catalogue;
}

async function assembleNode(type: string, folder: string): Promise<void> {
  const target = path.join(DIST, 'nodes', folder);
  await mkdir(target, { recursive: true });
  const [script, form] = await Promise.all([bundleEditor(folder), assembleForm(folder), copyLocales(folder)]);
  await writeFile(
    path.join(target, `${folder}.html`),
    `<script type="text/javascript">\n${script}</script>\n\n` +
      `<script type="text/html" data-template-name="${type}">\n${form}\n</script>\n`,
  );
  const icons = path.join(NODES, folder, 'icons');
  if (existsSync(icons)) await cp(icons, path.join(target, 'icons'), { recursive: true });
}

async function main(): Promise<void> {
  await rm(DIST, { recursive: true, force: true });
  const nodes = await registeredNodes();
  await Promise.all([
    compile('tsconfig.json'),
    compile('tsconfig.editor.json'),
    ...[...nodes].map(([type, folder]) => assembleNode(type, folder)),
  ]);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
