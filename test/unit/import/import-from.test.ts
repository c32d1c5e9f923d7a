// What must hold of any answers, however strange: nothing throws but INVALID_OPTIONS, ids are unique, every property is known, what
// is enabled is accepted by the engine, and no secret is anywhere but in its place.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { importTools } from '../../../nodes/admin/import-tools';
import { ZfsFlowError } from '../../../src/base/errors';
import { importFrom } from '../../../src/import/import-from';
import type { Imported } from '../../../src/import/result';
import { answersOf, sample, VERSIONS, type VersionName } from './truenas/samples';

const tools = importTools();
const SECRET = 'k9-SECRET-k9';

/** Parts of answers, for values to be put into and taken from. */
const nasty = fc.oneof(
  fc.constantFrom(
    null,
    '',
    0,
    -1,
    1.5,
    true,
    [],
    {},
    '********',
    '*',
    'SSH',
    'tank/a b',
    '@',
    '[',
    '%Y',
    '(?P<a>x)',
    '9'.repeat(30),
  ),
  fc.string({ maxLength: 12 }),
  fc.integer(),
  fc.array(fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.constant(null)), { maxLength: 3 }),
  fc.dictionary(fc.string({ maxLength: 5 }), fc.integer(), { maxKeys: 3 }),
);

type Path = (string | number)[];

function paths(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [...(at.length === 0 ? [] : [at]), ...keys.flatMap((key) => paths((value as never)[key], [...at, key]))];
}

function put(root: object, path: Path, value: unknown): void {
  const [last] = path.slice(-1);
  let at = root as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) {
    if (typeof at !== 'object' || at === null) return;
    at = at[key] as Record<string | number, unknown>;
  }
  if (typeof at === 'object' && at !== null && last !== undefined) at[last] = value;
}

const withSecrets = (json: unknown): object =>
  JSON.parse(JSON.stringify(json).replaceAll(/THE-SECRET|THE-PASSPHRASE|b3Bl…/g, SECRET)) as object;

const documents = [
  ...(Object.keys(VERSIONS) as VersionName[]).map((name) => withSecrets(answersOf(name))),
  withSecrets(sample('a')),
  withSecrets({ list: [], data: sample('b'), replication: sample('b') }),
  withSecrets({ 'pool.snapshottask': sample('c'), replication: [] }),
];

const broken = fc
  .tuple(fc.nat({ max: documents.length - 1 }), fc.array(fc.tuple(fc.nat(), nasty), { maxLength: 8 }))
  .map(([index, changes]) => {
    const document = structuredClone(documents[index] ?? {});
    const all = paths(document);
    for (const [at, value] of changes) put(document, all[at % all.length] ?? [], value);
    return document;
  });

const ITEMS = new Set(['snap-5', 'snap-8', 'snap-9', 'repl-4', 'repl-7', 'repl-11']);

function attempt(document: unknown, here: string): Imported | undefined {
  try {
    return importFrom({ kind: 'document', document, field: 'json' }, { here, enable: ITEMS }, tools);
  } catch (error) {
    assert.ok(error instanceof ZfsFlowError && error.code === 'INVALID_OPTIONS', String(error));
    assert.ok(!error.message.includes(SECRET));
    return undefined;
  }
}

function holds({ nodes, findings, secrets }: Imported): void {
  const ids = nodes.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(!JSON.stringify([nodes, findings]).includes(SECRET));
  for (const id of secrets.keys()) assert.ok(ids.includes(id));
  const failed = new Set(findings.filter(({ level }) => level === 'error').map(({ item }) => item));
  for (const node of nodes) {
    assert.match(node.id, /^zfs-imp-[a-z]+(?:-[a-z0-9-]+)?-[0-9a-f]{8}$/);
    const table = (tools.fields as Record<string, object>)[node.type];
    if (table === undefined) continue;
    const { id: _id, type, x: _x, y: _y, z: _z, wires = [], ...values } = node;
    const strangers = Object.keys(values).filter((name) => !(name in table) && !(name.replace(/Type$/, '') in table));
    assert.deepEqual(strangers, []);
    for (const target of (wires as string[][]).flat()) assert.ok(ids.includes(target), target);
    const item = node.id.slice('zfs-imp-'.length, -9);
    if (failed.has(item)) assert.notEqual(node['enabled'], true);
    else tools.check(type as 'zfs-snapshot', values);
  }
}

describe('an import of any answers', () => {
  it('is sound, or refused', () => {
    fc.assert(
      fc.property(broken, fc.constantFrom('', 'nas'), (document, here) => {
        const imported = attempt(document, here);
        if (imported === undefined) return;
        holds(imported);
        assert.deepEqual(attempt(document, here), imported);
      }),
      { numRuns: 400 },
    );
  });

  it('takes any text and any JSON without trouble', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 200 }), fc.jsonValue({ maxDepth: 5 })), (document) => {
        const imported = attempt(document, '');
        if (imported !== undefined) holds(imported);
      }),
      { numRuns: 400 },
    );
  });

  it('takes a text that is cut off anywhere', () => {
    const text = JSON.stringify(documents[0]);
    for (let length = 0; length < text.length; length += 97)
      assert.equal(attempt(text.slice(0, length), ''), undefined);
  });

  it('ends with very many tasks of one dataset and schema, and with none of a kind', () => {
    const [task] = sample('c') as object[];
    const many = Array.from({ length: 1000 }, (_, index) => ({
      ...task,
      id: index + 1,
      schedule: { minute: String(index % 60), hour: '*', dom: '*', month: '*', dow: '*' },
    }));
    const begun = performance.now();
    const imported = attempt({ 'pool.snapshottask': many }, '');
    assert.ok(imported && imported.nodes.length > 50);
    assert.ok(performance.now() - begun < 20_000, `${performance.now() - begun} ms`);
    assert.equal(attempt({ 'pool.snapshottask': [...many, ...many] }, ''), undefined);
  });
});
