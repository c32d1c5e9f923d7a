// What comments and documents name exists in this repository: documents with their sections and rules, paths, and files
// that are named by their last part. A reader is never sent to something that is not here.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT, textOf } from './source-files';

const SKIPPED = /^(node_modules|dist|resources|\.git|\.cache|test\/results)(\/|$)|^\.dist-/;

function everything(): string[] {
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
      const file = path.posix.join(folder, entry.name);
      if (SKIPPED.test(file)) continue;
      if (entry.isDirectory()) visit(file);
      else if (entry.isFile()) found.push(file);
    }
  };
  visit('.');
  return found;
}

const files = everything();
const baseNames = new Set(files.map((file) => path.posix.basename(file)));
/** Output of builds and tests, and words that look like a path. */
const MADE = /^test\/(?:results|notification)/;
/** The design studies describe other people's programs too, and name those files. */
const isStudy = (file: string): boolean => file.startsWith('docs/design/');
const written = files.filter((file) => /\.(ts|md|html|sh|yml)$/.test(file) && file !== 'CHANGELOG.md');
const own = written.filter((file) => !file.startsWith('test/unit/architecture/'));

/** The document that a name stands for, with or without its folder. */
function documentOf(name: string, from: string): string | undefined {
  const here = path.posix.dirname(from);
  const places = [
    `docs/design/${name}`,
    `docs/${name}`,
    name,
    path.posix.join(here, name),
    path.posix.join(here, '..', name),
  ];
  return places.find((place) => existsSync(path.join(ROOT, place)));
}

/** Numbers of `2 to 4`, `6, 7 and 9`. */
function numbers(text: string): number[] {
  const range = /^(\d+) to (\d+)/.exec(text);
  const found = Array.from(text.matchAll(/\d+/g), ([digits]) => Number(digits));
  if (range === null) return found;
  const [first, last] = [Number(range[1]), Number(range[2])];
  return [...Array.from({ length: last - first + 1 }, (_, index) => first + index), ...found.slice(2)];
}

const hasHeading = (text: string, number: string): boolean =>
  text.split('\n').some((line) => {
    const title = /^#+ (.*)$/.exec(line)?.[1];
    return (
      title !== undefined && (title === number || title.startsWith(`${number} `) || title.startsWith(`${number}.`))
    );
  });

const hasItem = (text: string, number: number): boolean => new RegExp(`^\\s*${number}\\. `, 'm').test(text);

/** What is wrong with the references to documents in a text. */
function lostReferences(file: string): string[] {
  const text = textOf(file).replaceAll(/\n\s*(?:\/\/|\*)?\s*/g, ' ');
  const lost: string[] = [];
  const reference =
    /\b([\w./-]+\.md)\b(`?)(?:(?:,? §+ ?([\d.]*\d))|(?:,? rules? ((?:\d+(?: to |, | and )?)+))|(?:,? principles? (\d+))|(?: ([A-F](?:\.?\d+)*\d)\b))?/g;
  for (const [whole, name = '', , section, rules, principle, part] of text.matchAll(reference)) {
    const document = documentOf(name, file);
    if (document === undefined) {
      lost.push(`${file}: ${whole}`);
      continue;
    }
    const target = textOf(document);
    const items = rules === undefined ? [] : numbers(rules);
    const missing =
      (section !== undefined && !hasHeading(target, section)) ||
      items.some((number) => !hasItem(target, number)) ||
      (principle !== undefined && !hasItem(target, Number(principle))) ||
      (part !== undefined && !hasHeading(target, part) && !hasHeading(target, part.replace(/\.\d+$/, '')));
    if (missing) lost.push(`${file}: ${whole}`);
  }
  return lost;
}

describe('architecture: references', () => {
  it('documents, their sections and rules exist', () => {
    assert.deepEqual(written.flatMap(lostReferences), []);
  });

  it('paths exist', () => {
    const lost = own
      .filter((file) => !isStudy(file))
      .flatMap((file) =>
        Array.from(
          textOf(file).matchAll(/(?<![\w./-])(?:src|nodes|test|scripts|docs|examples)\/[\w./{},-]*\w\/?/g),
          ([named]) => named,
        )
          .filter((named) => !MADE.test(named) && !/[{}]/.test(named))
          .filter((named) => [named, `${named}.ts`, `docs/${named}`].every((one) => !existsSync(path.join(ROOT, one))))
          .map((named) => `${file}: ${named}`),
      );
    assert.deepEqual(lost, []);
  });

  it('files that are named by their last part exist', () => {
    const lost = own
      .filter((file) => !isStudy(file))
      .flatMap((file) =>
        Array.from(textOf(file).matchAll(/`(?:[\w.-]+\/)*([\w.-]+\.ts)`/g), ([, named = '']) => named)
          .filter((named) => !baseNames.has(named))
          .map((named) => `${file}: ${named}`),
      );
    assert.deepEqual(lost, []);
  });

  it('nobody is sent to a place outside the repository', () => {
    const outside = own.filter((file) => /\.\.\/shared\b|kept beside this repository/.test(textOf(file)));
    assert.deepEqual(outside, []);
  });
});
