// Names that are commands, options or nonsense, in every dataset field of every node, written in the node or taken from
// the message: accepted when ZFS accepts them, otherwise INVALID_OPTIONS with the field – and never executed.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { anotherSecond } from '../../support/another-second';
import type { FlowNode } from '../../support/flow-bench';
import { assertSame } from '../../support/engine';
import { FlowLab } from '../../support/flow-lab';

/** What would be executed makes a file with this name. */
const CANARY = 'zfsflowpwned';
/** Below a pool's name. */
const BAD = [
  `$(touch ${CANARY})`,
  `\`touch ${CANARY}\``,
  `a;touch ${CANARY}`,
  `a|touch ${CANARY}`,
  `a'; touch ${CANARY}; '`,
  `a"; touch ${CANARY}; "`,
  `a\ntouch ${CANARY}`,
  `a>${CANARY}`,
  'a&&b',
  '${IFS}',
  'ä',
  '日本',
  'a@b',
  'a#b',
  'a%b',
  '..',
  'a//b',
  '\u0000',
] as const;
const GOOD = ['a b', '-x', '-rf', '--', 'a:b', '_', '1', 'a.b'] as const;

describe('names of datasets', function () {
  this.timeout(120_000);
  const home = new FlowLab();

  before(() => home.open());
  after(() => home.close());
  afterEach(() => home.bench.stop());

  type Make = (id: string, name: string, type: 'literal' | 'msg') => FlowNode;
  const list = (property: string, name: string, type: string): Record<string, unknown> =>
    type === 'msg' ? { [property]: 'names', [`${property}Type`]: 'msg' } : { [property]: [name] };
  const text = (property: string, name: string, type: string): Record<string, unknown> =>
    type === 'msg' ? { [property]: 'name', [`${property}Type`]: 'msg' } : { [property]: name };

  /** Every dataset field: node, property, whether a message can set it, and a node with that name in it. */
  const fields: [string, string, boolean, Make][] = [
    ['snapshot', 'datasets', true, (id, name, type) => home.snapshot(id, 'tank', list('datasets', name, type))],
    ['snapshot', 'exclude', false, (id, name) => home.snapshot(id, 'tank', { recursive: true, exclude: [name] })],
    ['list', 'datasets', true, (id, name, type) => home.list(id, 'tank', list('datasets', name, type))],
    ['list', 'exclude', false, (id, name) => home.list(id, 'tank', { recursive: true, exclude: [name] })],
    ['prune', 'datasets', true, (id, name, type) => home.prune(id, 'tank', list('datasets', name, type))],
    ['prune', 'exclude', false, (id, name) => home.prune(id, 'tank', { recursive: true, exclude: [name] })],
    [
      'prune',
      'protectFor',
      false,
      (id, name) => home.prune(id, 'tank', { protectFor: [{ connection: 'b', dataset: name }] }),
    ],
    [
      'replicate',
      'sourceDatasets',
      true,
      (id, name, type) => home.replicate(id, 'tank', 'backup/x', list('sourceDatasets', name, type)),
    ],
    [
      'replicate',
      'targetDataset',
      true,
      (id, name, type) => home.replicate(id, 'tank', '', text('targetDataset', name, type)),
    ],
    ['replicate', 'exclude', false, (id, name) => home.replicate(id, 'tank', 'backup/x', { exclude: [name] })],
  ];

  async function assertNothingExecuted(): Promise<void> {
    for (const machine of [home.a, home.b]) {
      const found = await machine.sh(
        `find / -xdev -path /proc -prune -o -name '*${CANARY}*' -print; zfs list -Ho name`,
      );
      assert.doesNotMatch(found.stdout, new RegExp(CANARY));
    }
    for (const folder of [process.cwd(), homedir(), tmpdir()]) {
      assert.deepEqual(readdirSync(folder).filter((file) => file.includes(CANARY)), []); // prettier-ignore
    }
  }

  it('are refused with the name of the field where ZFS refuses them, whoever gives them [C1 72]', async () => {
    const nodes = fields.flatMap(([node, property, byMessage, make], index) =>
      BAD.flatMap((bad, number) => {
        const id = `${node}-${property}-${index}-${number}`;
        const literal = { property, bad, message: {}, node: make(`${id}-literal`, `tank/${bad}`, 'literal') };
        const message = { name: `tank/${bad}`, names: [`tank/${bad}`] };
        const fromMessage = { property, bad, message, node: make(`${id}-msg`, '', 'msg') };
        return byMessage ? [literal, fromMessage] : [literal];
      }),
    );
    await home.start(nodes.map(({ node }) => node));
    await Promise.all(
      nodes.map(async ({ node, property, message }) => {
        const error = await home.failure(node.id, 'INVALID_OPTIONS', message);
        assert.equal(error.field, property, `${node.id}: ${error.message}`);
      }),
    );
    for (const bad of BAD.filter((name) => !name.includes('\u0000'))) {
      assert.notEqual((await home.a.run(['zfs', 'create', `tank/${bad}`], { check: false })).code, 0, bad);
    }
    await assertNothingExecuted();
  });

  it('that look like no list of names are refused too', async () => {
    const odd: unknown[] = [42, true, null, {}, [[]], [42], [''], '', [{}]];
    const nodes = odd.flatMap((_, index) => [
      home.snapshot(`s${index}`, 'tank', { datasets: 'names', datasetsType: 'msg' }),
      home.prune(`p${index}`, 'tank', { datasets: 'names', datasetsType: 'msg' }),
      home.replicate(`r${index}`, 'tank', 'backup/x', { sourceDatasets: 'names', sourceDatasetsType: 'msg' }),
      home.replicate(`t${index}`, 'tank', '', { targetDataset: 'names', targetDatasetType: 'msg' }),
    ]);
    await home.start(nodes);
    await Promise.all(
      nodes.map(async ({ id }) => {
        const error = await home.failure(id, 'INVALID_OPTIONS', { names: odd[Number(id.slice(1))] });
        assert.match(String(error.field), /[dD]ataset/);
      }),
    );
  });

  it('of snapshots are refused in a schema and never executed', async () => {
    const bad = [`$(touch ${CANARY})`, `a;touch ${CANARY} `, 'ä', "'", 'a/b', 'a@b', '|', '-%%'];
    const schemas = bad.map((text) => `${text}%Y-%m-%d_%H-%M`);
    await home.start(schemas.map((namingSchema, index) => home.snapshot(`s${index}`, 'tank', { namingSchema })));
    for (const index of schemas.keys()) {
      assert.equal((await home.failure(`s${index}`, 'INVALID_OPTIONS')).field, 'namingSchema');
    }
    await assertNothingExecuted();
  });

  it('are taken as they are where ZFS accepts them: snapshot, list, replicate, prune [C1 14] [C1 72]', async () => {
    await home.a.createDataset('tank/odd');
    for (const name of GOOD) await home.a.createDataset(`tank/odd/${name}`);
    const names = GOOD.map((name) => `tank/odd/${name}`);
    const namingSchema = '-a b:%Y-%m-%d_%H-%M-%S';
    await home.start([
      home.snapshot('s', 'tank', { datasets: names, namingSchema }),
      home.list('l', 'tank', { datasets: 'names', datasetsType: 'msg' }),
      home.replicate('r', 'tank', 'backup/-a b', { sourceDatasets: names }),
      home.prune('p', 'tank', { datasets: names, scope: { namingSchemas: [namingSchema], nameRegex: '' } }),
    ]);
    const taken = (await home.success('s')) as { snapshots: object[] };
    assert.equal(taken.snapshots.length, GOOD.length);
    assert.equal(((await home.success('l', { names })) as object[]).length, GOOD.length);
    await home.success('r', {}, 60_000);
    for (const name of GOOD.slice(0, 3)) await assertSame(home.a, `tank/odd/${name}`, home.b, `backup/-a b/${name}`);
    await anotherSecond();
    await home.success('s');
    const prune = async (): Promise<number> => ((await home.success('p')) as { destroyed: object[] }).destroyed.length;
    assert.equal(await prune(), 0, 'what the copies have last is kept until they have more');
    await home.success('r', {}, 60_000);
    assert.equal(await prune(), GOOD.length);
    await assertNothingExecuted();
  });
});
