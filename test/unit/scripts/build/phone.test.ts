// The page for a phone as the build makes it: whole, with every word that its script asks for, and nothing from elsewhere.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { NODES } from '../../../../scripts/build/assemble';
import { phonePage } from '../../../../scripts/build/phone';
import { TASK_STATES } from '../../../../nodes/admin/task-answers';

const FOLDER = path.join(NODES, 'phone');

describe('the page for a phone', () => {
  it('has a text for each key of its script, and no other', async () => {
    const files = (await readdir(path.join(FOLDER, 'editor'))).map((file) => path.join(FOLDER, 'editor', file));
    const code = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
    for (const language of await readdir(path.join(FOLDER, 'locales'))) {
      const file = path.join(FOLDER, 'locales', language, 'phone.json');
      const { state, ...texts } = JSON.parse(await readFile(file, 'utf8')) as Record<string, string | object>;
      assert.deepEqual(Object.keys(state ?? {}).toSorted(), [...TASK_STATES].toSorted());
      const asked = new Set<string | undefined>([...code.matchAll(/\bt\('(\w+)'/g)].map(([, key]) => key));
      for (const form of ['none', 'one', 'other']) asked.add(`attention_${form}`);
      assert.deepEqual([...asked].map(String).toSorted(), Object.keys(texts).toSorted(), language);
    }
  });

  it('is one file that needs no other', async () => {
    const page = await phonePage('en-US');
    assert.doesNotMatch(page, /%[A-Z]+%/);
    assert.match(page, /<html lang="en-US">/);
    assert.doesNotMatch(page, /<script[^>]+src=|<link[^>]+href="(?!data:)|@import|url\(/);
    assert.equal(page.match(/<\/script>/g)?.length, 2);
    assert.ok(page.length < 40_000, `${page.length} bytes`);
  });
});
