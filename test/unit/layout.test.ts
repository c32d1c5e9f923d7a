// Where tests lie, and that what they and the scripts say of files is still so: a test that no tier finds is never run,
// and a name that leads nowhere costs whoever follows it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TEST_TIERS, testFiles } from '../../scripts/check/test-files';

const ROOT = path.resolve(__dirname, '../..');

/** Folders of test/unit whose own files are not about one source: the whole package, its rooms, all nodes, other tests. */
const ABOUT_MANY = new Set(['', 'architecture', 'nodes', 'index']);
/** Made by tests, or by the build. */
const MADE = /^(?:test\/results|dist)(?:\/|$)/;

/** Files below a folder of the repository, as paths from its root. */
function filesBelow(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)));
}

/** `unit/zfs/mapping.test.ts`, `unit/jobs/registry.deploy.test.ts` → the source that has the name up to the first dot. */
function sourceOf(test: string): string {
  const { dir, base } = path.parse(path.relative('test/unit', test));
  const file = path.join(dir, `${base.split('.', 1)[0] ?? ''}.ts`);
  return /^(?:nodes|scripts)\//.test(file) ? file : path.join('src', file);
}

/** Comments of a script, a whole text otherwise. */
function words(file: string): string {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  if (!file.endsWith('.ts')) return text;
  return Array.from(text.matchAll(/\/\/ (.*)|\/?\*\*? (.*)/g), ([, line, block]) => line ?? block ?? '').join('\n');
}

describe('the layout of the tests', () => {
  it('has a tier for every test file', () => {
    const all = filesBelow('test').filter((file) => file.endsWith('.test.ts'));
    assert.deepEqual(TEST_TIERS.flatMap(testFiles).toSorted(), all.toSorted());
  });

  it('puts a unit test at the path of what it tests', () => {
    const stray = testFiles('unit')
      .filter((file) => !ABOUT_MANY.has(path.dirname(path.relative('test/unit', file)).replace(/^\.$/, '')))
      .filter((file) => !existsSync(path.join(ROOT, sourceOf(file))));
    assert.deepEqual(stray, []);
  });

  it('names no file that is not there', () => {
    const known = ['src', 'nodes', 'test', 'scripts', 'docs', 'examples', '.ci', '.github'].flatMap(filesBelow);
    const folders = new Set(known.flatMap((file) => [path.dirname(file), path.dirname(path.dirname(file))]));
    const isThere = (name: string, from: string): boolean => {
      const near = path.normalize(path.join(path.dirname(from), name));
      if ([name, near].some((file) => MADE.test(file) || existsSync(path.join(ROOT, file)) || folders.has(file)))
        return true;
      return known.some((file) => file.endsWith(`/${name.replace(/^\.\//, '')}`));
    };
    const wrong = [...filesBelow('test'), ...filesBelow('scripts')]
      .filter((file) => /\.(ts|md)$/.test(file) && !MADE.test(file))
      .flatMap((file) => {
        const text = words(file).replaceAll(/\w+:\/\/\S+/g, '');
        const named = text.matchAll(/(?<![\w./*-])[\w./-]*\w\.(?:ts|html|json|sh|css)\b(?!\()/g);
        const paths = text.matchAll(/(?<![\w./-])(?:src|nodes|test|scripts|docs|examples)\/[\w./-]*\w(?![\w*]|\/?\*)/g);
        return [...named, ...paths].map(([name]) => ({ file, name }));
      })
      .filter(({ file, name }) => !isThere(name, file));
    assert.deepEqual(wrong, []);
  });
});
