// The definitions that the editor gets are those of the field table, and validators refuse what the engine refuses.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as acorn from 'acorn';
import * as walk from 'acorn-walk';
import { FIELDS } from '../../../nodes/fields';
import { CREDENTIALS, type NodeType } from '../../../nodes/node-options';
import type { Field, FieldTable } from '../../../src/options/field';
import { NODES, assembleForm } from '../../../scripts/build/assemble';
import { type EditorHalf, editorHalves, refusals } from './dialog/browser';

const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

function refuses(field: Field, name: string, value: unknown): boolean {
  try {
    field.read({ [name]: value }, name);
    return false;
  } catch {
    return true;
  }
}

/** Whether a value is of the type that a literal is stored with; the engine also takes what messages bring. */
function isStored({ type, choices }: Field, value: unknown): boolean {
  if (type === 'str') return typeof value === 'string' || choices !== undefined;
  if (type === 'list') return Array.isArray(value);
  if (type === 'num') return value !== '';
  return true;
}

describe('editor definitions', () => {
  let halves: EditorHalf[] = [];
  before(async () => {
    halves = await editorHalves();
  });
  const half = (type: NodeType): EditorHalf => {
    const found = halves.find((candidate) => candidate.type === type);
    assert.ok(found);
    return found;
  };

  it('have exactly the properties, defaults and types of the field table', () => {
    for (const { type, definition } of halves) {
      const table: FieldTable = FIELDS[type as NodeType];
      const expected: Record<string, unknown> = {};
      for (const [name, field] of Object.entries(table)) {
        expected[name] = field.default;
        if (field.typed) expected[`${name}Type`] = field.type;
      }
      const actual = Object.entries(definition.defaults).map(([name, { value }]) => [name, plain(value)]);
      assert.deepEqual(Object.fromEntries(actual), expected, type);
      for (const [name, field] of Object.entries(table)) {
        const connection = field.connection === true ? 'zfs-ssh-connection' : undefined;
        assert.equal(definition.defaults[name]?.type, connection, `${type}.${name}`);
      }
      assert.deepEqual(Object.keys(definition.credentials ?? {}), [...CREDENTIALS[type as NodeType]], type);
    }
  });

  it('can be read by a parser: literal type, inline defaults, category, icon, colour, inputs, outputs', () => {
    for (const { type, script } of halves) {
      const calls: acorn.CallExpression[] = [];
      walk.simple(acorn.parse(script, { ecmaVersion: 2020 }), {
        CallExpression(call) {
          const { callee } = call;
          if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return;
          if (callee.property.name === 'registerType') calls.push(call);
        },
      });
      const [name, definition] = calls[0]?.arguments ?? [];
      assert.equal(calls.length, 1, type);
      assert.ok(name?.type === 'Literal' && name.value === type, type);
      assert.ok(definition?.type === 'ObjectExpression', type);
      const literal = definition.properties.flatMap((property) =>
        property.type === 'Property' && property.key.type === 'Identifier'
          ? [[property.key.name, property.value.type] as const]
          : [],
      );
      const kinds = new Map<string, string>(literal);
      assert.equal(kinds.get('defaults'), 'ObjectExpression', type);
      for (const wanted of ['category', 'color', 'icon'])
        assert.equal(kinds.get(wanted), 'Literal', `${type}.${wanted}`);
      const ports = type === 'zfs-ssh-connection' ? undefined : 'Literal';
      for (const wanted of ['inputs', 'outputs']) assert.equal(kinds.get(wanted), ports, `${type}.${wanted}`);
    }
  });

  it('label three outputs and name an icon that is there', async () => {
    for (const { type, folder, definition, catalogue } of halves) {
      const icon = await readFile(path.join(NODES, folder, 'icons', definition.icon ?? ''), 'utf8');
      assert.match(icon, /<svg [^>]*width="40" height="60"/, type);
      if (definition.outputs === undefined) continue;
      assert.equal(definition.outputs, 3, type);
      const labels = [0, 1, 2].map((index) =>
        definition.outputLabels?.call({ _: (key: string) => JSON.stringify([key, catalogue['label']]) }, index),
      );
      assert.equal(new Set(labels).size, 3, type);
    }
  });

  it('have an input for every text, number and switch, and no input without a property', async () => {
    const builtByCode = new Set(['maxDestroyFraction']);
    for (const { type, folder } of halves) {
      const form = await assembleForm(folder);
      const table: FieldTable = FIELDS[type as NodeType];
      const inputs = [...form.matchAll(/id="node-(?:config-)?input-([^"]+)"/g)].map(([, name]) => name ?? '');
      const known = new Set<string>([...Object.keys(table), ...CREDENTIALS[type as NodeType]]);
      assert.deepEqual(
        inputs.filter((name) => !known.has(name)),
        [],
        `${type}: inputs without a property`,
      );
      assert.equal(new Set(inputs).size, inputs.length, `${type}: an id is used twice`);
      const missing = Object.entries(table)
        .filter(([name, field]) => (field.typed || !['list', 'json'].includes(field.type)) && name !== 'version')
        .map(([name]) => name)
        .filter((name) => !inputs.includes(name) && !builtByCode.has(name));
      assert.deepEqual(missing, [], `${type}: properties without an input`);
    }
  });

  describe('validators', () => {
    const REPLICATE = { sourceDatasets: ['tank/data'], targetDataset: 'backup/data' };

    it('accept a node as it is meant', () => {
      assert.deepEqual(refusals(half('zfs-snapshot'), { datasets: ['tank/data'] }), {});
      assert.deepEqual(refusals(half('zfs-list-snapshots')), {});
      assert.deepEqual(refusals(half('zfs-retention-prune'), { datasets: ['tank/data'] }), {});
      assert.deepEqual(refusals(half('zfs-replicate'), REPLICATE), {});
    });

    it('accept missing properties, which mean their defaults', () => {
      const node = Object.fromEntries(Object.keys(FIELDS['zfs-replicate']).map((name) => [name, undefined]));
      assert.deepEqual(refusals(half('zfs-replicate'), { ...node, ...REPLICATE }), {});
    });

    it('refuse new nodes that lack what cannot be guessed', () => {
      assert.deepEqual(Object.keys(refusals(half('zfs-snapshot'))), ['datasets']);
      assert.deepEqual(Object.keys(refusals(half('zfs-retention-prune'))), ['datasets']);
      assert.deepEqual(Object.keys(refusals(half('zfs-replicate'))), ['sourceDatasets', 'targetDataset']);
      assert.deepEqual(Object.keys(refusals(half('zfs-ssh-connection'))), ['host', 'hostKeys']);
    });

    const BAD: [NodeType, string, unknown, Record<string, unknown>?][] = [
      ['zfs-snapshot', 'datasets', ['tank/da@ta']],
      ['zfs-snapshot', 'datasets', ['']],
      ['zfs-snapshot', 'datasets', 'tank'],
      ['zfs-snapshot', 'exclude', ['/tank']],
      ['zfs-snapshot', 'namingSchema', 'auto-%Y'],
      ['zfs-snapshot', 'timeZone', 'Europe/Berlinn'],
      ['zfs-snapshot', 'properties', { nocolon: 'x' }],
      ['zfs-snapshot', 'retention', { keep: [{ type: 'last', count: 0 }] }],
      ['zfs-snapshot', 'schedule', '* * *'],
      ['zfs-snapshot', 'scheduleTimeZone', 'Nowhere', { schedule: '@daily' }],
      ['zfs-snapshot', 'scheduleEnd', '08:00', { schedule: '@hourly', scheduleBegin: '08:00' }],
      ['zfs-list-snapshots', 'nameRegex', '('],
      ['zfs-list-snapshots', 'newerThan', 'yesterday'],
      ['zfs-list-snapshots', 'newest', -1],
      ['zfs-replicate', 'targetDataset', 'backup/'],
      ['zfs-replicate', 'namingSchemas', [], { snapshotSelection: 'schema' }],
      ['zfs-replicate', 'nameRegex', '', { snapshotSelection: 'regex' }],
      ['zfs-replicate', 'retries', 1.5],
      ['zfs-replicate', 'parallelDatasets', '0'],
      ['zfs-replicate', 'whenDiverged', 'force'],
      ['zfs-replicate', 'onlyMatchingSchedule', true],
      ['zfs-replicate', 'propertiesExclude', ['mount point']],
      ['zfs-retention-prune', 'scope', { namingSchemas: ['%Y'], nameRegex: '' }],
      ['zfs-retention-prune', 'policy', { keep: [{ type: 'forever' }] }],
      ['zfs-retention-prune', 'protectFor', [{ connection: '', dataset: '' }]],
      ['zfs-retention-prune', 'minFree', 'much'],
      ['zfs-ssh-connection', 'hostKeys', 'hello'],
      ['zfs-ssh-connection', 'host', 'root@nas'],
      ['zfs-ssh-connection', 'port', 65536],
      ['zfs-ssh-connection', 'keyFile', '', { authMethod: 'keyFile' }],
    ];
    for (const [type, property, value, more] of BAD) {
      it(`refuse ${type}.${property} = ${JSON.stringify(value)}`, () => {
        const reason = refusals(half(type), { ...more, [property]: value })[property];
        assert.ok(reason !== undefined && reason.length > 5, `says ${String(reason)}`);
      });
    }

    /** Of every kind of property something that fits, and something that does not. */
    // prettier-ignore
    const VALUES: readonly unknown[] = [
      '', ' ', 'x', 'true', '5', 'tank/a', 'tank@a', 'auto-%Y-%m-%d_%H-%M', 'auto-%Y', '(', 'UTC', 'Mars', '7d',
      '10%', '101%', '10M', '* * *', '0 0 * * *', '25:00', 'stored', '/key', 'ssh+tls', 'schema', 'queue',
      true, false, 0, 1, -1, 1.5, 70, 70_000, 1e9, null, 'auto', 'snapshot', 'debug', 'messages', 'key', 'none',
      [], ['x'], [''], [1], ['tank/a'], ['*/cache'], ['snapshot'], ['mount point'], ['x-%s'], ['aes128-ctr'],
      {}, { x: 1 }, { 'a:b': 'c' }, { 'a:b': 'x\n' }, { compression: 'zstd' }, { encryption: 'on' },
      { before: 'sync' }, { timeout: 0 }, { keep: [] }, { keep: [{ type: 'last', count: 1 }] }, { keep: [1] },
      { all: true }, { namingSchemas: ['x'] }, [{ dataset: 'tank' }], [{ dataset: '' }], ['tank', null],
    ];
    /** What the engine judges beside other properties, and what it leaves to the moment of connecting. */
    // prettier-ignore
    const ELSEWHERE = new Set([
      'schedule', 'scheduleTimeZone', 'scheduleBegin', 'scheduleEnd', 'restrictBegin', 'restrictEnd',
      'onlyMatchingSchedule', 'host', 'username', 'hostKeys',
    ]);

    it('refuse what the engine refuses, and nothing else that is stored as it should be', () => {
      for (const { type, definition } of halves) {
        for (const [name, field] of Object.entries(FIELDS[type as NodeType] as FieldTable)) {
          if (definition.defaults[name]?.validate === undefined || ELSEWHERE.has(name)) continue;
          for (const value of VALUES) {
            if (!isStored(field, value)) continue;
            const says = refusals(half(type as NodeType), { ...REPLICATE, [name]: value })[name];
            assert.equal(
              says !== undefined,
              refuses(field, name, value),
              `${type}.${name} ${JSON.stringify(value)}: ${says}`,
            );
          }
        }
      }
    });

    it('leave values from messages and environment variables alone', () => {
      const typed = { datasets: 'payload.datasets', datasetsType: 'msg', namingSchema: '${SCHEMA}-%Y' };
      assert.deepEqual(refusals(half('zfs-snapshot'), typed), {});
      assert.ok('datasets' in refusals(half('zfs-snapshot'), { datasets: '', datasetsType: 'msg' }));
    });
  });
});
