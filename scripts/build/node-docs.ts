// The reference of the nodes' properties, from the tables of the options and the words in nodes/*/locales: one page a node
// in docs/nodes/, and the list at the end of each help text. `npm run docs` writes them (docs.ts), a test compares them.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { FIELDS } from '../../nodes/fields';
import { CREDENTIALS, type NodeType } from '../../nodes/node-options';
import type { Field, FieldTable } from '../../src/options/field';
import { type Catalogue, NODES, assembleCatalogue } from './assemble';

type Words = Readonly<Record<string, string>>;

/** All words of the reference of one node in one language. */
interface Language {
  /** Property → sentence; a node's own words come before those that nodes share. */
  properties: Words;
  catalogue: Catalogue;
  reference: Catalogue;
}

async function readJson<T>(...parts: string[]): Promise<T> {
  return JSON.parse(await readFile(path.join(NODES, ...parts), 'utf8')) as T;
}

/** Property → sentence, of one node and of those that nodes share. */
export async function propertyWords(folder: string, language: string): Promise<{ own: Words; shared: Words }> {
  const [own, shared] = await Promise.all([
    readJson<Words>(folder, 'locales', language, 'properties.json'),
    readJson<Words>('locales', language, 'properties.json'),
  ]);
  return { own, shared };
}

async function readLanguage(folder: string, language: string): Promise<Language> {
  const { own, shared } = await propertyWords(folder, language);
  const [catalogue, reference] = await Promise.all([
    assembleCatalogue(folder, language),
    readJson<Catalogue>('locales', language, 'reference.json'),
  ]);
  return { properties: { ...shared, ...own }, catalogue, reference };
}

function look(catalogue: Catalogue, key: string): string | undefined {
  let found: string | Catalogue | undefined = catalogue;
  for (const part of key.split('.')) found = typeof found === 'object' ? found[part] : undefined;
  return typeof found === 'string' ? found : undefined;
}

function word({ reference }: Language, key: string, values: Record<string, string | number> = {}): string {
  const text = look(reference, key);
  if (text === undefined) throw new Error(`nodes/locales has no word "${key}" for the reference`);
  return text.replaceAll(/__(\w+)__/g, (_, name: string) => String(values[name]));
}

function meaning(language: Language, property: string): string {
  const sentence = language.properties[property];
  if (sentence === undefined) throw new Error(`properties.json says nothing of "${property}"`);
  return sentence;
}

/** What a property may hold: `whole number, 1 to 64`. */
function values(language: Language, { kind, choices = [], min, max }: Field): string {
  const known = word(language, `kind.${kind}`, { choices: choices.map((value) => `\`${value}\``).join(', ') });
  if (min === undefined) return known;
  const limits = max === undefined ? word(language, 'atLeast', { min }) : word(language, 'range', { min, max });
  return `${known}, ${limits}`;
}

/** What a missing property means; what has to be given has no default that could do. */
function fallback(language: Language, { required, default: value }: Field): string {
  const empty = value === '' || (Array.isArray(value) && value.length === 0);
  return required && empty ? word(language, 'needed') : `\`${JSON.stringify(value)}\``;
}

interface Part {
  title: string;
  fields: [property: string, field: Field][];
}

/** The properties in the order of the dialog. */
function parts(type: NodeType, language: Language): Part[] {
  const found = new Map<string, Part>();
  for (const [property, field] of Object.entries(FIELDS[type] as FieldTable)) {
    const { section } = field;
    const key = `section.${section}`;
    const title =
      look(language.catalogue, key) ?? look(language.catalogue, `common.${key}`) ?? word(language, 'general');
    const part = found.get(section) ?? { title, fields: [] };
    found.set(section, part);
    part.fields.push([property, field]);
  }
  return [...found.values()];
}

/** Text with `code` for a cell of a Markdown table. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

const row = (...cells: string[]): string => `| ${cells.map(cell).join(' | ')} |`;

function markdownTable(language: Language, fields: Part['fields']): string[] {
  const heads = ['property', 'values', 'default', 'meaning'].map((name) => word(language, name));
  return [
    row(...heads),
    row(...heads.map(() => '---')),
    ...fields.map(([property, field]) =>
      row(
        `\`${property}\`${field.typed ? ' **T**' : ''}`,
        values(language, field),
        fallback(language, field),
        meaning(language, property),
      ),
    ),
  ];
}

function markdownSecrets(type: NodeType, language: Language): string[] {
  if (CREDENTIALS[type].length === 0) return [];
  const heads = [word(language, 'property'), word(language, 'meaning')];
  const rows = CREDENTIALS[type].map((property) => row(`\`${property}\``, meaning(language, property)));
  const table = [row(...heads), row('---', '---'), ...rows];
  return ['', `## ${word(language, 'secrets')}`, '', word(language, 'secretsHint'), '', ...table];
}

/** The page of a node in docs/nodes/. */
export async function nodePage(type: NodeType, folder: string): Promise<string> {
  const language = await readLanguage(folder, 'en-US');
  const help = await readFile(path.join(NODES, folder, 'locales', 'en-US', `${folder}.html`), 'utf8');
  const table: FieldTable = FIELDS[type];
  return [
    `# ${type}`,
    '',
    (/<p>(.*?)<\/p>/.exec(help)?.[1] ?? '').replaceAll(/<[^>]+>/g, ''),
    'What leaves the node, control messages, events and error codes: [reference](../reference.md).',
    ...(Object.values(table).some(({ typed }) => typed)
      ? ['', `**T**: ${word(language, 'typed', { property: '<property>' })}`]
      : []),
    ...parts(type, language).flatMap(({ title, fields }) => [
      '',
      `## ${title}`,
      '',
      ...markdownTable(language, fields),
    ]),
    ...markdownSecrets(type, language),
    '',
    '<!-- Written by `npm run docs` from the tables of the options and nodes/*/locales. -->',
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const html = (text: string): string => escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');

function htmlEntry(property: string, kind: string, sentence: string): string[] {
  return [
    `    <dt>${property} <span class="property-type">${html(kind.replaceAll('`', ''))}</span></dt>`,
    `    <dd>${html(sentence)}</dd>`,
  ];
}

function htmlList(type: NodeType, language: Language): string[] {
  const lists = parts(type, language).map(({ title, fields }) => ({
    title,
    entries: fields.flatMap(([property, field]) => {
      const from = field.typed ? ` ${word(language, 'typedShort')}` : '';
      const kind = `${values(language, field)}${from}; ${fallback(language, field)}`;
      return htmlEntry(property, kind, meaning(language, property));
    }),
  }));
  const secrets = CREDENTIALS[type].flatMap((property) =>
    htmlEntry(property, word(language, 'kind.secret'), meaning(language, property)),
  );
  if (secrets.length > 0) lists.push({ title: word(language, 'secrets'), entries: secrets });
  return lists.flatMap(({ title, entries }) => [
    `  <h4>${escaped(title)}</h4>`,
    '  <dl class="message-properties">',
    ...entries,
    '  </dl>',
  ]);
}

const LIST = /( *<!-- properties: npm run docs -->\n)[^]*?( *<!-- \/properties -->)/;

/** A help text with its list of properties as the tables say now. */
export async function helpText(type: NodeType, folder: string, language: string): Promise<string> {
  const words = await readLanguage(folder, language);
  const text = await readFile(path.join(NODES, folder, 'locales', language, `${folder}.html`), 'utf8');
  if (!LIST.test(text)) throw new Error(`the help of ${type} has no place for its properties`);
  const list = [`  <h3>${word(words, 'title')}</h3>`, ...htmlList(type, words)].map((line) => `${line}\n`).join('');
  return text.replace(LIST, (_, begin: string, end: string) => `${begin}${list}${end}`);
}
