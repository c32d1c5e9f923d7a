// The catalogue of the import has every text that its code asks for, and none that is used nowhere.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type Catalogue, NODES, assembleCatalogue } from '../../../../../scripts/build/assemble';
import { lookUp } from '../../dialog/browser';

const folder = path.join(NODES, 'import');
const files = readdirSync(path.join(folder, 'editor')).filter((file) => file.endsWith('.ts'));
const code = files.map((file) => readFileSync(path.join(folder, 'editor', file), 'utf8')).join('\n');
/** Asked for in the words of the login, or by whoever is told the key. */
const ELSEWHERE = ['menu'];

function keysOf(catalogue: Catalogue, prefix = ''): string[] {
  return Object.entries(catalogue).flatMap(([key, value]) =>
    typeof value === 'string' ? [`${prefix}${key.replace(/_(one|other)$/, '')}`] : keysOf(value, `${prefix}${key}.`),
  );
}

describe('the texts of the import', () => {
  for (const language of readdirSync(path.join(folder, 'locales'))) {
    it(`are all there in ${language}, and each is used`, async () => {
      const all = await assembleCatalogue('import', language);
      const own = JSON.parse(readFileSync(path.join(folder, 'locales', language, 'import.json'), 'utf8')) as Catalogue;
      const keys = new Set(keysOf(own));
      const literal = [...code.matchAll(/['`]((?:[a-z]\w*\.)+[a-zA-Z]\w*)['`]/g)].map(([, key = '']) => key);
      const asked = [...code.matchAll(/\bt\(\s*(?:[^'`()]+\? )?['`]([\w.]+)['`]/g)].map(([, key = '']) => key);
      assert.ok(asked.length > 40);
      const isThere = (key: string): boolean =>
        keys.has(key) || [key, `${key}_one`].some((one) => lookUp(all, one) !== undefined);
      assert.deepEqual(asked.filter((key) => !isThere(key)), []); // prettier-ignore
      // What is put together of a beginning and a value: `state.${…}`.
      const begun = [...code.matchAll(/['`]([a-zA-Z.]+\.[a-z]*)\$\{/g)].map(([, key = '']) => key);
      const unused = [...keys].filter(
        (key) =>
          !begun.some((begin) => key.startsWith(begin)) &&
          !literal.includes(key) &&
          !ELSEWHERE.includes(key) &&
          !code.includes(`'${key}'`),
      );
      assert.deepEqual(unused, []);
    });
  }
});
