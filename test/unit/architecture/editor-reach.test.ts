// Editor code cannot reach Node.js: what the dialogs import, and what that imports, must be able to run in a browser. Types
// are not followed, they are gone by then. Globals of Node.js are the compiler's (tsconfig.editor.json knows none).
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { NODES, ROOT, registeredNodes, registeredPlugins } from '../../../scripts/build/assemble';
import { EDITOR_CODE } from '../../../scripts/build/resource';

/** Folders and files that the browser may get, and what for. */
const MAY_REACH: readonly RegExp[] = [
  /^nodes\/dialog\//,
  /^nodes\/[\w-]+\/editor(?:\.ts$|\/)/,
  // The properties of the nodes: tables of options, and the kinds of properties in them.
  /^nodes\/(?:node-options|fields|ssh-connection\/ssh-options)\.ts$/,
  /^src\/(?:[\w-]+\/)+(?:options|kinds)\.ts$/,
  /^nodes\/admin\/(?:preview-answer|task-answers)\.ts$/,
  /^src\/(?:base|options|naming|flow|wizard)\//,
  // Not the clocks of the runtime.
  /^src\/time\/(?!clock-watch|timer)/,
  // Rules about names: what is a dataset's, and where a dataset lands.
  /^src\/zfs\/(?:names|mapping|records)\.ts$/,
  // Policies are read as the engine reads them; compiling one is how it is checked.
  /^src\/retention\/(?:read-policy|plan\/(?:policy|compile))\.ts$/,
];

/** File or module → who imported it first; null: the entry. */
type Reach = ReadonlyMap<string, string | null>;

/** All that `entry`, a module in nodes/, leads to. */
async function reachOf(entry: string): Promise<Reach> {
  const { metafile } = await build({
    ...EDITOR_CODE,
    stdin: { contents: entry, resolveDir: NODES, loader: 'ts' },
    absWorkingDir: ROOT,
    packages: 'external',
    metafile: true,
    treeShaking: false,
  });
  const from = new Map<string, string | null>([['<stdin>', null]]);
  for (const file of from.keys()) {
    for (const { path: to } of metafile.inputs[file]?.imports ?? []) if (!from.has(to)) from.set(to, file);
  }
  return from;
}

/** What must not be reached, each with the way that leads there. */
function trespasses(from: Reach): string[] {
  const way = (to: string): string[] => {
    const before = from.get(to) ?? null;
    return before === null ? [] : [...way(before), to];
  };
  return [...from.keys()]
    .filter((to) => to !== '<stdin>' && !to.endsWith('.css') && !MAY_REACH.some((allowed) => allowed.test(to)))
    .map((to) => way(to).join(' → '));
}

describe('editor code', () => {
  it('reaches nothing that a browser does not have', async () => {
    const dialog = readdirSync(path.join(NODES, 'dialog')).filter((file) => file.endsWith('.ts'));
    const editors = [...(await registeredNodes()).values()].map((folder) => `./${folder}/editor`);
    const entries = [
      ...dialog.map((file) => `./dialog/${path.basename(file, '.ts')}`),
      ...editors,
      './phone/editor/page',
      ...[...(await registeredPlugins()).values()].flatMap((folder) => [
        `./${folder}/editor`,
        `./${folder}/editor/stub`,
      ]),
    ];
    const reach = await reachOf(entries.map((file) => `import '${file}';`).join('\n'));
    assert.deepEqual(trespasses(reach), []);
    // It was followed down to the engine.
    assert.ok(reach.has('src/base/errors.ts'));
  });

  it('would be caught by this test, however long the way', async () => {
    const bad = trespasses(await reachOf(`import '../src/retention/prune';`));
    assert.ok(bad.includes('src/retention/prune.ts'));
    assert.ok(
      bad.some((way) => /^src\/retention\/prune\.ts → .* → node:/.test(way)),
      bad.join('\n'),
    );
    assert.deepEqual(trespasses(await reachOf(`import type { Prune } from '../src/retention/prune';`)), []);
  });
});
