// What the flow library looks at in package.json and the examples (its scorecard, node-red-dev), as far as it can be said
// without a network. That it can read the definitions out of the html is shown in test/unit/nodes/definitions.test.ts.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { NODE_TYPES } from '../../nodes/node-options';
import { NODES, ROOT, registeredNodes } from '../../scripts/build/assemble';

interface Manifest {
  name: string;
  license: string;
  keywords: string[];
  repository: { url: string };
  bugs: { url: string };
  engines: { node: string };
  dependencies: Record<string, string>;
  'node-red': { version: string };
}

describe('the manifest', () => {
  let manifest: Manifest;
  before(async () => {
    manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;
  });

  it('names licence, places and keyword, under a scope (P01, P03, P04, P05)', () => {
    assert.equal(manifest.license, 'Apache-2.0');
    assert.match(manifest.repository.url, /^git\+https:/);
    assert.match(manifest.bugs.url, /^https:/);
    assert.match(manifest.name, /^@[\w-]+\/node-red-[\w-]+$/);
    assert.ok(manifest.keywords.includes('node-red'));
  });

  it('takes every Node.js that Node-RED 4.1 and 5 take, from 20.19 and 22.9 on (P06, P07)', () => {
    assert.equal(manifest.engines.node, '>=20.19');
    assert.equal(manifest['node-red'].version, '>=4.1.0');
  });

  it('has few runtime dependencies, none of them bound to one version (D01, D03)', () => {
    assert.ok(Object.keys(manifest.dependencies).length <= 6);
    for (const range of Object.values(manifest.dependencies)) assert.match(range, /^\^\d/);
  });

  it('registers each node type once, with a source, and a dialog beside it (N01)', async () => {
    const registered = await registeredNodes();
    assert.deepEqual([...registered.keys()], [...NODE_TYPES]);
    for (const folder of registered.values()) {
      for (const file of [`${folder}.ts`, 'editor.ts', 'form.html', 'icons', 'locales/en-US']) {
        assert.ok(existsSync(path.join(NODES, folder, file)), `${folder}/${file}`);
      }
    }
  });

  it('has an example for every node type (N02)', async () => {
    const folder = path.join(ROOT, 'examples');
    const shown = new Set<string>();
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.json'))) {
      const flow = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as { type: string }[];
      for (const { type } of flow) shown.add(type);
    }
    assert.deepEqual(NODE_TYPES.filter((type) => !shown.has(type)), []); // prettier-ignore
  });
});
