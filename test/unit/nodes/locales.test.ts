// Every text that a dialog asks for is in the catalogue, and nothing in the catalogue is forgotten there.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  type Catalogue,
  NODES,
  assembleCatalogue,
  assembleForm,
  registeredNodes,
} from '../../../scripts/build/assemble';
import { lookUp } from './dialog/browser';

/** All code that can ask for a text of this node: its own, in both halves, and what the nodes share. */
async function sources(folder: string): Promise<string> {
  const files: string[] = [];
  for (const part of [folder, `${folder}/editor`, 'runtime', 'admin', 'dialog']) {
    const names = await readdir(path.join(NODES, part)).catch(() => []);
    files.push(...names.filter((name) => name.endsWith('.ts')).map((name) => path.join(NODES, part, name)));
  }
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
}

/** Keys as they stand in the code; one that is put together ends with the last dot before `${`. */
function keysIn(code: string): string[] {
  return [...code.matchAll(/(['"`])((?:[a-z][A-Za-z]*\.)+(?:[A-Za-z.]|\$\{[^}]+\})*)\1/g)].map(
    ([, , key]) => key ?? '',
  );
}

function leaves(catalogue: Catalogue, prefix = ''): string[] {
  return Object.entries(catalogue).flatMap(([key, value]) =>
    typeof value === 'string' ? [`${prefix}${key.replace(/_(?:one|other)$/, '')}`] : leaves(value, `${prefix}${key}.`),
  );
}

/** Whether a key that is put together at run time could be `leaf`; a literal one may be the beginning of it. */
function couldBe(template: string, leaf: string): boolean {
  if (!template.includes('${')) return leaf === template || leaf.startsWith(`${template}.`);
  const pattern = template.split(/\$\{[^}]+\}/).map((part) => part.replaceAll('.', '\\.'));
  return new RegExp(`^${pattern.join('[A-Za-z.]+')}$`).test(leaf);
}

describe('catalogues', () => {
  it('have every text of the forms', async () => {
    for (const [type, folder] of await registeredNodes()) {
      const catalogue = await assembleCatalogue(folder, 'en-US');
      const form = await assembleForm(folder);
      const keys = [...form.matchAll(/data-i18n="([^"]+)"/g)].map(([, key = '']) => key.replace(/^\[[^\]]+\]/, ''));
      assert.ok(keys.length > 10, type);
      assert.deepEqual(
        keys.filter((key) => lookUp(catalogue, key) === undefined),
        [],
        type,
      );
    }
  });

  it('have every text of the scripts, and none that is used nowhere', async () => {
    const unused = new Map<string, number>();
    const nodes = await registeredNodes();
    for (const [type, folder] of nodes) {
      const catalogue = await assembleCatalogue(folder, 'en-US');
      const form = await assembleForm(folder);
      const code = await sources(folder);
      const known = new Set(leaves(catalogue));
      const asked = [...code.matchAll(/(?:\bt|_)\((['"])([^'"]+)\1/g)].map(([, , key]) => key ?? '');
      const missing = asked.filter((key) => key.includes('.') && !known.has(key));
      assert.deepEqual(missing, [], `${type}: asked for, but not there`);
      const used = [
        ...keysIn(code),
        ...[...form.matchAll(/data-i18n="(?:\[[^\]]+\])?([^"]+)"/g)].map(([, key]) => key ?? ''),
      ];
      for (const leaf of known) {
        if (!used.some((key) => couldBe(key, leaf)) && leaf !== 'label') unused.set(leaf, (unused.get(leaf) ?? 0) + 1);
      }
    }
    // A shared text is needed by some node, an own text by its node.
    const forgotten = [...unused].filter(([key, count]) => (key.startsWith('common.') ? count === nodes.size : true));
    assert.deepEqual(
      forgotten.map(([key]) => key),
      [],
    );
  });

  it('explain every node in its help', async () => {
    for (const [type, folder] of await registeredNodes()) {
      const help = await readFile(path.join(NODES, folder, 'locales', 'en-US', `${folder}.html`), 'utf8');
      assert.match(help, new RegExp(`<script type="text/html" data-help-name="${type}">\\s*<p>[^<]{20,}</p>`), type);
      assert.ok(help.includes('<h3>Details</h3>'), type);
    }
  });
});
