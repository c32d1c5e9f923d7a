// Nodes that are put into the flows by code, in real editors: one undo takes back all of it, another brings it again, and what
// must not be touched is not. The same file that dialogs use, given to the page by itself.
import assert from 'node:assert/strict';
import path from 'node:path';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { NODES } from '../../scripts/build/assemble';
import { EDITOR_CODE } from '../../scripts/build/resource';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { Editor, launch } from './browser';

type Node = Record<string, unknown> & { id: string };

const FLOWS: Node[] = [
  { id: 'tab', type: 'tab', label: 'Old' },
  { id: 'shut', type: 'tab', label: 'Shut', locked: true },
  { id: 'sub', type: 'subflow', name: 'Sub', in: [], out: [] },
  { id: 'nas1', type: 'zfs-ssh-connection', name: 'nas1', host: 'nas1.invalid' },
  { id: 'nas2', type: 'zfs-ssh-connection', name: 'nas2', host: 'nas2.invalid' },
  {
    id: 'snap',
    type: 'zfs-snapshot',
    z: 'tab',
    x: 200,
    y: 100,
    datasets: ['tank/a'],
    connection: 'nas1',
    wires: [['repl', 'mine'], [], []],
  },
  {
    id: 'repl',
    type: 'zfs-replicate',
    z: 'tab',
    x: 500,
    y: 100,
    sourceDatasets: ['tank/a'],
    targetConnection: 'nas1',
    wires: [[], [], []],
  },
  { id: 'mine', type: 'debug', z: 'tab', x: 500, y: 200, wires: [] },
  { id: 'held', type: 'zfs-snapshot', z: 'shut', x: 200, y: 100, datasets: ['tank/b'], wires: [[], [], []] },
];

const NEW_TAB: Node[] = [
  { id: 'fresh', type: 'tab', label: 'New', disabled: false, info: '', env: [] },
  { id: 'conn', type: 'zfs-ssh-connection', name: 'made', host: 'made.invalid' },
  {
    id: 'a',
    type: 'zfs-snapshot',
    z: 'fresh',
    x: 180,
    y: 100,
    datasets: ['tank/a'],
    connection: 'conn',
    wires: [['b'], [], []],
  },
  { id: 'b', type: 'zfs-replicate', z: 'fresh', x: 480, y: 100, sourceDatasets: ['tank/a'], wires: [[], [], []] },
];

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];

for (const [label, platform] of platforms) {
  describe(`nodes put into the flows, ${label}`, function () {
    this.timeout(90_000);
    let browser: Browser;
    let nodeRed: NodeRed;
    let editor: Editor;
    let code: string;

    before(async () => {
      const bundle = await build({
        ...EDITOR_CODE,
        entryPoints: [path.join(NODES, 'dialog', 'place.ts')],
        globalName: 'placing',
      });
      code = bundle.outputFiles[0]?.text ?? '';
      browser = await launch();
      nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
    });
    beforeEach(async () => {
      // With a key that only the runtime knows.
      await nodeRed.deploy(
        FLOWS.map((node) => (node.id === 'nas1' ? { ...node, credentials: { privateKey: 'THE-KEY' } } : node)),
      );
      editor = await Editor.open(browser, nodeRed.url);
      await editor.page.addScriptTag({ content: code });
    });
    afterEach(async () => {
      assert.deepEqual(editor.complaints, []);
      await editor.page.close();
    });
    after(async () => {
      await browser?.close();
      await nodeRed?.stop();
    });

    const place = (
      nodes: readonly object[],
    ): Promise<{ ok: boolean; why?: string; added?: string[]; changed?: string[] }> =>
      editor.ask(`placing.place(${JSON.stringify(nodes)}, (key, values) => key + JSON.stringify(values || {}))`);
    /** All that would be deployed; what a deploy does not look at is left out. */
    const flows = (): Promise<Node[]> => editor.ask('RED.nodes.createCompleteNodeSet()');
    const dirty = (): Promise<boolean> => editor.ask('RED.nodes.dirty()');
    const undo = (): Promise<void> => editor.ask('RED.history.pop()');
    const redo = (): Promise<void> => editor.ask('RED.history.redo()');
    const users = (id: string): Promise<string[]> =>
      editor.ask(`RED.nodes.node('${id}').users.map(({ id }) => id).sort()`);
    const sorted = (nodes: Node[]): Node[] => nodes.toSorted((one, other) => one.id.localeCompare(other.id));
    const one = (nodes: Node[], id: string): Node => nodes.find((node) => node.id === id) ?? { id: 'missing' };

    it('are one change: a new tab, a connection, nodes and wires', async () => {
      const before = await flows();
      assert.deepEqual(await place(NEW_TAB), { ok: true, added: NEW_TAB.map(({ id }) => id), changed: [] });
      const after = await flows();
      assert.equal(after.length, before.length + 4);
      assert.deepEqual(one(after, 'a')['wires'], [['b'], [], []]);
      assert.equal(one(after, 'a')['schedule'], '', 'what is not given has its default');
      assert.equal(await editor.ask('RED.workspaces.active()'), 'fresh');
      assert.deepEqual(await editor.ask('RED.view.selection().nodes.map(({ id }) => id)'), ['a', 'b']);
      assert.deepEqual(await users('conn'), ['a']);
      assert.ok(await dirty());
      await undo();
      assert.deepEqual(sorted(await flows()), sorted(before));
      assert.equal(await dirty(), false);
      await redo();
      assert.deepEqual(sorted(await flows()), sorted(after));
      await undo();
      assert.equal(await editor.ask('RED.history.depth()'), 0);
    });

    it('go below what a tab has, and refer to what is there', async () => {
      const nodes = [
        {
          id: 'c',
          type: 'zfs-snapshot',
          z: 'tab',
          x: 180,
          y: 100,
          datasets: ['tank/c'],
          connection: 'nas2',
          wires: [['d'], [], []],
        },
        { id: 'd', type: 'debug', z: 'tab', x: 480, y: 140, wires: [] },
      ];
      await place(nodes);
      const after = await flows();
      assert.deepEqual([one(after, 'c')['x'], one(after, 'd')['x']], [160, 460]);
      assert.equal(Number(one(after, 'd')['y']) - Number(one(after, 'c')['y']), 40);
      assert.ok(Number(one(after, 'c')['y']) >= 200 + 60);
      assert.deepEqual(await users('nas2'), ['c']);
    });

    it('stay within the tab where their names are long', async () => {
      const name = 'was: root@vault.example.org:tank/home to backup/attic/home of everybody';
      await place([{ id: 'c', type: 'comment', z: 'tab', x: 360, y: 100, name, info: '', wires: [] }]);
      await editor.page.waitForFunction(`RED.nodes.node('c').w > 300`);
      const { x, w } = await editor.ask<{ x: number; w: number }>(`(({ x, w }) => ({ x, w }))(RED.nodes.node('c'))`);
      assert.ok(x - w / 2 >= 0, `${x} ${w}`);
    });

    it('that are there get new properties and wires, keep their places and what somebody has wired, and one undo is enough', async () => {
      await editor.ask(`RED.nodes.node('snap').x = 240`);
      const before = await flows();
      const nodes = [
        { id: 'nas2', type: 'zfs-ssh-connection', host: 'other.invalid' },
        { id: 'nas1', type: 'zfs-ssh-connection', host: 'nas1.invalid', port: 2222 },
        {
          id: 'snap',
          type: 'zfs-snapshot',
          z: 'elsewhere',
          x: 1,
          y: 1,
          datasets: ['tank/a', 'tank/b'],
          connection: 'nas2',
          wires: [['new'], [], []],
        },
        {
          id: 'repl',
          type: 'zfs-replicate',
          z: 'elsewhere',
          x: 1,
          y: 1,
          targetConnection: 'nas1',
          wires: [[], [], []],
        },
        { id: 'new', type: 'zfs-replicate', z: 'tab', x: 480, y: 100, sourceDatasets: ['tank/b'], wires: [[], [], []] },
      ];
      assert.deepEqual(await place(nodes), { ok: true, added: ['new'], changed: ['nas2', 'nas1', 'snap'] });
      const after = await flows();
      const snap = one(after, 'snap');
      assert.deepEqual([snap['datasets'], snap['x'], snap['y'], snap['z']], [['tank/a', 'tank/b'], 240, 100, 'tab']);
      assert.deepEqual(new Set((snap['wires'] as string[][])[0]), new Set(['mine', 'new']));
      assert.deepEqual([await users('nas1'), await users('nas2')], [['repl'], ['snap']]);
      assert.deepEqual([await editor.changed('snap'), await editor.changed('repl')], [true, false]);
      await undo();
      assert.deepEqual(sorted(await flows()).map(ordered), sorted(before).map(ordered));
      assert.deepEqual([await users('nas1'), await users('nas2')], [['repl', 'snap'], []]);
      assert.deepEqual([await dirty(), await editor.changed('snap')], [false, false]);
      await redo();
      assert.deepEqual(sorted(await flows()).map(ordered), sorted(after).map(ordered));
      assert.ok(await editor.changed('snap'));
      // The key of the changed connection is still there, and nobody has put it anywhere else.
      await editor.deploy();
      assert.equal(one((await nodeRed.savedFlows()) as Node[], 'nas1')['port'], 2222);
      const stored = (await nodeRed.get('credentials/zfs-ssh-connection/nas1')) as Record<string, unknown>;
      assert.equal(stored['has_privateKey'], true);
      assert.doesNotMatch(JSON.stringify([before, after, stored]), /THE-KEY/);
    });

    it('change nothing where they are as they would be', async () => {
      const same = FLOWS.filter(({ id }) => ['nas1', 'snap', 'repl'].includes(id));
      assert.deepEqual(await place(same), { ok: true, added: [], changed: [] });
      assert.deepEqual([await dirty(), await editor.ask('RED.history.depth()')], [false, 0]);
    });

    it('are refused, all of them, where they cannot be', async () => {
      const node = { id: 'x', type: 'zfs-snapshot', x: 100, y: 100, wires: [[], [], []] };
      const before = await flows();
      for (const [nodes, why] of [
        [[node, { ...node, id: 'y', z: 'shut' }], /locked.*Shut/],
        [[{ ...node, id: 'held', datasets: ['tank/other'] }], /locked.*Shut/],
        [[{ ...node, z: 'sub' }], /subflow/],
        [[{ ...node, z: 'nowhere' }], /noTab/],
        [[{ ...node, id: 'mine', z: 'tab' }], /otherType.*debug/],
      ] as const) {
        const answer = await place(nodes);
        assert.equal(answer.ok, false);
        assert.match(answer.why ?? '', why);
      }
      assert.deepEqual(await flows(), before);
      assert.equal(await dirty(), false);
    });
  });
}

/** The order of wires at one output means nothing. */
function ordered(node: Node): Node {
  const { wires } = node;
  return Array.isArray(wires) ? { ...node, wires: wires.map((ends) => (ends as string[]).toSorted()) } : node;
}
