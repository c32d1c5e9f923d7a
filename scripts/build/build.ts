// Makes dist/ from nothing: the compiled engine and adapters, and per node one .html with the bundled editor script
// and the dialog, beside it its catalogues and icons. Type errors of either half fail it. Nothing in dist/ is edited.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NODES, ROOT, assembleCatalogue, assembleForm, bundleEditor, registeredNodes } from './assemble';

const DIST = path.join(ROOT, 'dist');
/**
 * Where it is put together: dist/ is replaced only by a complete build, so that a failed one breaks nothing that runs. As
 * deep as dist/, since source maps have relative paths.
 */
const NEW = path.join(ROOT, `.dist-${process.pid}`);

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
    await cp(path.join(NODES, folder, 'locales', language, `${folder}.html`), path.join(to, `${folder}.html`));
  }
}

async function assembleNode(type: string, folder: string): Promise<void> {
  const target = path.join(NEW, 'nodes', folder);
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
  try {
    const nodes = await registeredNodes();
    await Promise.all([
      compile('tsconfig.json', '--outDir', NEW),
      compile('tsconfig.editor.json'),
      ...[...nodes].map(([type, folder]) => assembleNode(type, folder)),
    ]);
    await rm(DIST, { recursive: true, force: true });
    await rename(NEW, DIST);
  } finally {
    await rm(NEW, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
