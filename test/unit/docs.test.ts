// The reference is what the code says: pages and help of the nodes are up to date, each property has its words, and
// docs/reference.md names every event, control message, rule and error code.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { FIELDS } from '../../nodes/fields';
import { CREDENTIALS, type NodeType } from '../../nodes/node-options';
import { controlOf } from '../../nodes/runtime/control-message';
import { NODES, ROOT, registeredNodes } from '../../scripts/build/assemble';
import { helpText, nodePage, propertyWords } from '../../scripts/build/node-docs';
import { ERROR_CODES, ZfsFlowError } from '../../src/base/errors';
import { EVENT_NAMES } from '../../src/base/events';
import type { Field } from '../../src/options/field';
import { list, number } from '../../src/options/kinds';
import { parsePolicy, parseScope } from '../../src/retention/read-policy';

const OUTDATED = 'run `npm run docs`';

const propertiesOf = (type: NodeType): string[] => [...Object.keys(FIELDS[type]), ...CREDENTIALS[type]];

describe('the reference of the nodes', () => {
  let nodes: [NodeType, string][] = [];
  before(async () => {
    nodes = [...(await registeredNodes())] as [NodeType, string][];
  });

  it('has a page for each node, which is up to date', async () => {
    const folder = path.join(ROOT, 'docs', 'nodes');
    assert.deepEqual((await readdir(folder)).toSorted(), nodes.map(([type]) => `${type}.md`).toSorted());
    for (const [type, name] of nodes) {
      assert.equal(await readFile(path.join(folder, `${type}.md`), 'utf8'), await nodePage(type, name), OUTDATED);
    }
  });

  it('is in the help of each node, in every language, with every property', async () => {
    for (const [type, name] of nodes) {
      for (const language of await readdir(path.join(NODES, name, 'locales'))) {
        const help = await readFile(path.join(NODES, name, 'locales', language, `${name}.html`), 'utf8');
        assert.equal(help, await helpText(type, name, language), OUTDATED);
        const named = new Set([...help.matchAll(/<dt>(\w+) <span/g)].map(([, property]) => property));
        assert.deepEqual(propertiesOf(type).filter((property) => !named.has(property)), [], type); // prettier-ignore
      }
    }
  });

  it('has words for each property in one place, and for nothing else', async () => {
    const used = new Set<string>();
    let common: string[] = [];
    for (const [type, name] of nodes) {
      const { own, shared } = await propertyWords(name, 'en-US');
      const properties = propertiesOf(type);
      common = Object.keys(shared);
      assert.deepEqual(Object.keys(own).filter((property) => !properties.includes(property)), [], type); // prettier-ignore
      for (const property of properties) if (own[property] === undefined) used.add(property);
      for (const sentence of Object.values({ ...shared, ...own })) assert.match(sentence, /^[A-Z`].*[.]$/);
    }
    assert.deepEqual(common.filter((property) => !used.has(property)), []); // prettier-ignore
  });

  it('has a word for each kind of property, and for no other', async () => {
    const text = await readFile(path.join(NODES, 'locales', 'en-US', 'reference.json'), 'utf8');
    const { kind } = JSON.parse(text) as { kind: Record<string, string> };
    const tables = Object.values(FIELDS) as Record<string, Field>[];
    const kinds = new Set(tables.flatMap((table) => Object.values(table).map((field): string => field.kind)));
    for (const field of [list(), number(0, { min: 0 })]) kinds.add(field.kind);
    assert.deepEqual(Object.keys(kind).toSorted(), [...kinds, 'secret'].toSorted());
  });
});

describe('docs/reference.md', () => {
  let text = '';
  before(async () => {
    text = await readFile(path.join(ROOT, 'docs', 'reference.md'), 'utf8');
  });

  /** The cells of the table below a heading. */
  function table(heading: string): string[][] {
    const part = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
    const rows = part.split('\n').filter((line) => line.startsWith('| '));
    return rows.slice(2).map((line) => line.slice(2, -2).split(' | '));
  }
  const code = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');

  it('explains every error code, in the order of the code, and says which are worth another try', () => {
    const rows = table('Error codes');
    assert.deepEqual(rows.map(([name]) => code(name)), [...ERROR_CODES]); // prettier-ignore
    for (const [index, [name, retryable, meaning = '', todo = '']] of rows.entries()) {
      const known = ERROR_CODES[index];
      assert.ok(known !== undefined && meaning.length > 10 && todo.length > 5, name);
      assert.equal(retryable, new ZfsFlowError(known, '').retryable ? 'yes' : 'no', name);
    }
  });

  it('names every event and no other', () => {
    assert.deepEqual(
      table('Events').map(([name]) => code(name)).toSorted(), // prettier-ignore
      [...EVENT_NAMES].toSorted(),
    );
  });

  it('names every control message, and what each takes is understood', async () => {
    const source = await readFile(path.join(NODES, 'runtime', 'control-message.ts'), 'utf8');
    const actions = [...source.matchAll(/case '(\w+)'/g)].map(([, action = '']) => action);
    const rows = table('Control messages');
    assert.deepEqual(rows.map(([action]) => code(action)).toSorted(), actions.toSorted()); // prettier-ignore
    for (const [action] of rows) {
      const control = { action: code(action), jobId: 'j', bytesPerSecond: 1, dstId: 'd' };
      assert.notEqual(controlOf({ _msgid: '', control })?.action, 'unknown');
    }
  });

  it('has rules and scopes that can be read', () => {
    const rules = table('Policies and scopes').map(([rule]) => JSON.parse(code(rule)) as { type: string });
    assert.deepEqual(rules.map(({ type }) => type), ['last', 'age', 'every', 'schedule', 'regex', 'source']); // prettier-ignore
    assert.deepEqual(parsePolicy({ policy: { keep: rules } }).keep, rules);
    const scope: unknown = JSON.parse(/A `scope` is `({.*?})`/.exec(text)?.[1] ?? '');
    assert.deepEqual(parseScope({ scope }), scope);
  });
});
