// The catalogue of the sidebar has every text that its code asks for, and none that is used nowhere.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type Catalogue, NODES } from '../../../../../scripts/build/assemble';

const folder = path.join(NODES, 'sidebar');
const files = ['editor.ts', ...readdirSync(path.join(folder, 'editor')).map((file) => `editor/${file}`)];
const code = files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');

function keysOf(catalogue: Catalogue, prefix = ''): string[] {
  return Object.entries(catalogue).flatMap(([key, value]) =>
    typeof value === 'string' ? [`${prefix}${key.replace(/_(one|other)$/, '')}`] : keysOf(value, `${prefix}${key}.`),
  );
}

describe('the texts of the sidebar', () => {
  for (const language of readdirSync(path.join(folder, 'locales'))) {
    it(`are all there in ${language}, and each is used`, () => {
      const file = path.join(folder, 'locales', language, 'sidebar.json');
      const keys = new Set(keysOf(JSON.parse(readFileSync(file, 'utf8')) as Catalogue));
      const asked = [...code.matchAll(/\bt\(\s*(?:[^'`()]+\? )?['`]([\w.-]+)['`]/g)].map(([, key]) => key ?? '');
      assert.ok(asked.length > 40);
      assert.deepEqual(asked.filter((key) => !keys.has(key)), []); // prettier-ignore
      // What is put together of a beginning and a value: `state.${…}`.
      const begun = [...code.matchAll(/['`]([a-zA-Z.]+\.)\$\{/g)].map(([, key]) => key ?? '');
      const unused = [...keys].filter(
        (key) => !begun.some((begin) => key.startsWith(begin)) && !code.includes(`'${key}'`),
      );
      assert.deepEqual(unused, []);
    });
  }
});
