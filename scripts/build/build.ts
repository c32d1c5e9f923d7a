// Makes dist/ and resources/ from nothing. dist/: the compiled engine and adapters, and per node one .html with its
// registration and its form, beside it its catalogues and icons. resources/: the dialogs of all nodes, and what the plugins
// show. Type errors of either half fail it. Nothing in these folders is edited.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NODES, ROOT, assembleCatalogue, assembleForm, registeredNodes, registeredPlugins } from './assemble';
import { DIALOG_FILE, type DialogBundle, bundleDialogs } from './dialogs';
import { PARTS, bundlePart, pluginHtml } from './parts';
import { phonePage } from './phone';
import { registrationScript } from './registration';
import type { Resource } from './resource';

const DIST = path.join(ROOT, 'dist');
/**
 * Where it is put together: dist/ is replaced only by a complete build, so that a failed one breaks nothing that runs. As
 * deep as dist/, since source maps have relative paths.
 */
const NEW = path.join(ROOT, `.dist-${process.pid}`);
/** Where Node-RED looks for what it serves of a package (`resources/<package>/…`); it has to be at the root. */
const RESOURCES = path.join(ROOT, path.dirname(DIALOG_FILE));
const NEW_RESOURCES = path.join(ROOT, `.resources-${process.pid}`);

/** Runs the compiler on one project file; its output goes to the terminal. */
function compile(project: string, ...options: string[]): Promise<void> {
  const compiler = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  return new Promise((resolve, reject) => {
    const argv = [compiler, '-p', path.join(ROOT, project), '--pretty', ...options];
    const child = spawn(process.execPath, argv, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`type errors (${project})`))));
  });
}

/** Copies catalogues and help texts in all their languages. */
async function copyLocales(folder: string): Promise<void> {
  for (const language of await readdir(path.join(NODES, folder, 'locales'))) {
    const to = path.join(NEW, 'nodes', folder, 'locales', language);
    await mkdir(to, { recursive: true });
    const catalogue = await assembleCatalogue(folder, language);
    await writeFile(path.join(to, `${folder}.json`), `${JSON.stringify(catalogue, null, 2)}\n`);
    // A plugin has no help.
    const help = path.join(NODES, folder, 'locales', language, `${folder}.html`);
    if (existsSync(help)) await cp(help, path.join(to, `${folder}.html`));
  }
}

async function assembleNode(type: string, folder: string, dialogs: DialogBundle): Promise<void> {
  const target = path.join(NEW, 'nodes', folder);
  await mkdir(target, { recursive: true });
  const [script, form] = await Promise.all([
    registrationScript(type, dialogs),
    assembleForm(folder),
    copyLocales(folder),
  ]);
  await writeFile(
    path.join(target, `${folder}.html`),
    `<script type="text/javascript">\n${script}</script>\n\n` +
      `<script type="text/html" data-template-name="${type}">\n${form}\n</script>\n`,
  );
  const icons = path.join(NODES, folder, 'icons');
  if (existsSync(icons)) await cp(icons, path.join(target, 'icons'), { recursive: true });
}

async function writeResource({ file, code, map }: Resource): Promise<void> {
  const target = path.join(NEW_RESOURCES, path.basename(file));
  await Promise.all([writeFile(target, code), writeFile(`${target}.map`, map)]);
}

/** The dialogs, and the html of each node, which names them. */
async function assembleDialogs(): Promise<void> {
  const [nodes, dialogs] = await Promise.all([registeredNodes(), bundleDialogs()]);
  await Promise.all([...nodes].map(([type, folder]) => assembleNode(type, folder, dialogs)));
  await writeResource(dialogs);
}

/** What the plugins show, and the html of each, which names its file. */
async function assembleParts(): Promise<void> {
  await Promise.all([...(await registeredPlugins())].map(([plugin, folder]) => assemblePart(plugin, folder)));
}

async function assemblePart(plugin: string, folder: string): Promise<void> {
  const part = PARTS[plugin];
  if (part === undefined) throw new Error(`nothing is known of the plugin ${plugin}`);
  const target = path.join(NEW, 'nodes', folder);
  await mkdir(target, { recursive: true });
  const resource = await bundlePart(part);
  await Promise.all([
    pluginHtml(plugin, part, resource).then((html) => writeFile(path.join(target, `${folder}.html`), html)),
    copyLocales(folder),
    writeResource(resource),
  ]);
}

/** The page for a phone, in all its languages. */
async function assemblePhone(): Promise<void> {
  const target = path.join(NEW, 'nodes', 'phone');
  await mkdir(target, { recursive: true });
  for (const language of await readdir(path.join(NODES, 'phone', 'locales'))) {
    await writeFile(path.join(target, `${language}.html`), await phonePage(language));
  }
}

async function replace(folder: string, by: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await rename(by, folder);
}

async function main(): Promise<void> {
  try {
    await mkdir(NEW_RESOURCES, { recursive: true });
    await Promise.all([
      compile('tsconfig.json', '--outDir', NEW),
      compile('tsconfig.editor.json'),
      assembleDialogs(),
      assemblePhone(),
      assembleParts(),
    ]);
    await replace(DIST, NEW);
    await replace(RESOURCES, NEW_RESOURCES);
  } finally {
    await Promise.all([NEW, NEW_RESOURCES].map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
