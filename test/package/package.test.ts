// The package as users get it: packed, installed by npm into a user directory, and loaded by real Node-REDs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { FIELDS } from '../../nodes/fields';
import { NODE_TYPES } from '../../nodes/node-options';
import { DIALOG_FILE } from '../../scripts/build/dialogs';
import { PARTS, partFile } from '../../scripts/build/parts';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, node22, nodeRed5 } from './node-red';
import { reverseProxy } from './reverse-proxy';

const run = promisify(execFile);
const MODULE = '@zfs-flows/node-red-zfs-replication';

interface Packed {
  filename: string;
  files: { path: string }[];
}

interface NodeSet {
  id: string;
  types: string[];
  enabled: boolean;
  err?: unknown;
}

interface FlowNode {
  id: string;
  type: string;
  z?: string;
  [property: string]: unknown;
}

/** What browsers load when it is needed, and how they got to be. */
const RESOURCES = [DIALOG_FILE, ...Object.values(PARTS).map(partFile)].flatMap((file) => [file, `${file}.map`]);

let folder = '';
let tarball = '';
let files: string[] = [];

/** The html of our nodes, by node set, as the editor below `base` gets it. */
async function editorHtml(base: string): Promise<Map<string, string>> {
  const answer = await fetch(new URL('nodes', base), { headers: { accept: 'text/html' } });
  const sets = (await answer.text()).split(/<!-- --- \[red-module:(\S+)\] --- -->/);
  const ours = sets.flatMap((id, index) => (id.startsWith(`${MODULE}/`) ? [[id, sets[index + 1] ?? ''] as const] : []));
  return new Map(ours);
}

/** The examples as they are in the repository: file name without `.json` → flow. */
async function examples(): Promise<Map<string, FlowNode[]>> {
  const names = (await readdir(path.join(ROOT, 'examples'))).filter((name) => name.endsWith('.json')).toSorted();
  const flows = new Map<string, FlowNode[]>();
  for (const name of names) {
    const text = await readFile(path.join(ROOT, 'examples', name), 'utf8');
    flows.set(name.slice(0, -'.json'.length), JSON.parse(text) as FlowNode[]);
  }
  return flows;
}

describe('package', function () {
  this.timeout(300_000);

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'zfs-flows-pack-'));
    const { stdout } = await run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', folder], {
      cwd: ROOT,
      maxBuffer: 16 * 1024 * 1024,
    });
    // The build, run by prepack, may speak before.
    const answer: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
    const [packed] = (Array.isArray(answer) ? answer : Object.values(answer as object)) as Packed[];
    assert.ok(packed);
    tarball = path.join(folder, packed.filename);
    files = packed.files.map((file) => file.path);
  });

  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('holds what is needed and nothing else', async () => {
    const unexpected = files.filter(
      (file) =>
        !/^dist\/(?:nodes|src)\/(?:[\w-]+\/)*[\w.-]+\.(?:js|js\.map)$/.test(file) &&
        !/^dist\/nodes\/[\w-]+\/(?:[\w-]+\.html|icons\/[\w-]+\.svg|locales\/en-US\/[\w-]+\.(?:json|html))$/.test(
          file,
        ) &&
        !/^examples\/\d\d - [\w ]+\.json$/.test(file) &&
        !['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', ...RESOURCES].includes(file),
    );
    assert.deepEqual(unexpected, []);
    for (const file of RESOURCES) assert.ok(files.includes(file), `${file} is missing`);
    const manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
      'node-red': { nodes: Record<string, string> };
    };
    assert.deepEqual(Object.keys(manifest['node-red'].nodes), [...NODE_TYPES]);
    for (const [type, script] of Object.entries(manifest['node-red'].nodes)) {
      const name = path.basename(script, '.js');
      const beside = path.dirname(script);
      const wanted = [
        script,
        `${beside}/${name}.html`,
        `${beside}/icons/${type}.svg`,
        `${beside}/locales/en-US/${name}.json`,
        `${beside}/locales/en-US/${name}.html`,
      ];
      for (const file of wanted) assert.ok(files.includes(file), `${file} is missing`);
    }
  });

  it('shows every node in some example, with ids that no other example has', async () => {
    const shared = new Set(['zfs-example-nas1', 'zfs-example-nas2', 'zfs-example-mqtt']);
    const seen = new Map<string, string>();
    const types = new Set<string>();
    for (const [name, flow] of await examples()) {
      for (const node of flow) {
        types.add(node.type);
        if (shared.has(node.id)) continue;
        assert.equal(seen.get(node.id), undefined, `${node.id} of "${name}" is used twice`);
        seen.set(node.id, name);
      }
    }
    for (const type of NODE_TYPES) assert.ok(types.has(type), `no example has a ${type}`);
  });

  it('has examples whose wires, connections and properties lead somewhere', async () => {
    for (const [name, flow] of await examples()) {
      const ids = new Set(flow.map((node) => node.id));
      for (const node of flow) {
        const wires = (node['wires'] ?? []) as string[][];
        for (const target of wires.flat()) assert.ok(ids.has(target), `${name}: ${node.id} is wired to ${target}`);
        const table = (FIELDS as Record<string, Record<string, { typed: boolean; connection?: boolean }>>)[node.type];
        if (table === undefined) continue;
        const known = new Set([...Object.keys(table), ...Object.keys(table).map((property) => `${property}Type`)]);
        const strange = Object.keys(node).filter(
          (key) => !known.has(key) && !['id', 'type', 'z', 'x', 'y', 'wires'].includes(key),
        );
        assert.deepEqual(strange, [], `${name}: ${node.id}`);
        for (const [property, field] of Object.entries(table)) {
          const value = node[property];
          if (field.connection === true && typeof value === 'string' && value !== '')
            assert.ok(ids.has(value), `${name}: ${node.id}.${property}`);
        }
      }
    }
  });

  const platforms: [string, () => Promise<Platform>][] = [
    ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
    ['Node-RED 5 on Node 24', nodeRed5],
  ];
  for (const [label, platform] of platforms) {
    describe(`in ${label}`, () => {
      let nodeRed: NodeRed;

      before(async () => {
        nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: tarball }));
      });
      after(() => nodeRed.stop());

      it('loads all node types without an error', async () => {
        const module = (await nodeRed.get(`nodes/${encodeURIComponent(MODULE)}`)) as { nodes: NodeSet[] };
        assert.deepEqual(
          module.nodes.map((set) => set.err),
          NODE_TYPES.map(() => undefined),
        );
        assert.deepEqual(module.nodes.flatMap((set) => set.types).toSorted(), NODE_TYPES.toSorted());
        assert.ok(module.nodes.every((set) => set.enabled));
      });

      it('serves dialogs, help, catalogues and icons', async () => {
        const html = await nodeRed.text('nodes');
        const icons = (await nodeRed.get('icons')) as Record<string, string[]>;
        for (const type of NODE_TYPES) {
          assert.ok(html.includes(`registerType("${type}"`), `${type}: no registration`);
          assert.ok(html.includes(`data-template-name="${type}"`), `${type}: no dialog`);
          assert.ok(html.includes(`data-help-name="${type}"`), `${type}: no help`);
          const catalogue = (await nodeRed.get(`locales/${encodeURIComponent(`${MODULE}/${type}`)}?lng=en-US`)) as {
            label?: string;
            common?: object;
          };
          assert.ok(catalogue.label !== undefined && catalogue.common !== undefined, `${type}: no catalogue`);
          assert.ok(icons[MODULE]?.includes(`${type}.svg`), `${type}: no icon`);
          assert.match(await nodeRed.text(`icons/${encodeURIComponent(MODULE)}/${type}.svg`), /^<svg /);
        }
      });

      it('gives the editor one script a node, and nothing else that it would run or load', async () => {
        const sets = await editorHtml(`${nodeRed.url}/`);
        assert.equal(sets.size, NODE_TYPES.length);
        for (const [id, html] of sets) {
          const tags = [...html.matchAll(/<(?:script|style|link|iframe)\b[^>]*>/g)].map(([tag]) => tag);
          const runs = tags.filter(
            (tag) => !/^<script type="text\/html" data-(?:template|help)-name="[\w-]+">$/.test(tag),
          );
          assert.deepEqual(runs, ['<script type="text/javascript">'], id);
          assert.doesNotMatch(html, /<[^>]* on[a-z]+=/, id);
        }
      });

      it('has its plugins, their texts, and what each shows as the build that the plugin asks for', async () => {
        const plugins = (await nodeRed.get('plugins')) as { id: string; module: string; err?: unknown }[];
        const ours = plugins.filter(({ module }) => module === MODULE);
        assert.deepEqual(
          ours.map(({ id, err }) => [id, err]),
          Object.keys(PARTS).map((plugin) => [`${MODULE}/${plugin}`, undefined]),
        );
        const messages = (await nodeRed.get('plugins/messages?lng=en-US')) as Record<string, Record<string, unknown>>;
        const html = await nodeRed.text('plugins');
        for (const [plugin, part] of Object.entries(PARTS)) {
          assert.ok(messages[`${MODULE}/${plugin}`]?.['common'] !== undefined, plugin);
          const file = new RegExp(`"(resources/[^"?]*/${part.name}\\.js\\?v=([^"]*))"`);
          const [, url = '', build = ''] = file.exec(html) ?? [];
          assert.match(await nodeRed.text(url), new RegExp(`deliver\\("${build}"`));
        }
      });

      it('lists every example', async () => {
        const listed = (await nodeRed.get(`library/examples/flows/${MODULE}`)) as { fn: string }[];
        assert.deepEqual(
          listed.map(({ fn }) => fn),
          [...(await examples()).keys()],
        );
      });

      it('imports every example, all node types known', async () => {
        const sets = (await nodeRed.get('nodes')) as NodeSet[];
        const known = new Set([...sets.flatMap((set) => set.types), 'tab']);
        for (const [name, flow] of await examples()) {
          assert.deepEqual(
            flow.filter((node) => !known.has(node.type)).map((node) => node.type),
            [],
            name,
          );
          const text = await nodeRed.text(`library/examples/flows/${MODULE}/${encodeURIComponent(name)}`);
          assert.deepEqual(JSON.parse(text), flow, name);
          // Schedules and brokers of the examples would act on their own; what is tested is that they load.
          await nodeRed.deploy(
            flow.map((node) => (node.type === 'mqtt-broker' ? { ...node, autoConnect: false } : node)),
          );
        }
        assert.doesNotMatch(nodeRed.log, /missing types|\[error\]|Uncaught/);
      });
    });
  }

  for (const [label, platform] of platforms) {
    it(`has its dialogs wherever the editor is mounted: ${label}`, async () => {
      const userDir = await makeUserDir({ packageSource: tarball, settings: { httpAdminRoot: '/x/y' } });
      const nodeRed = await NodeRed.start(await platform(), userDir);
      const proxy = await reverseProxy(nodeRed.url, '/behind/it');
      try {
        for (const base of [`${nodeRed.url}/x/y/`, `${proxy.url}x/y/`]) {
          const html = [...(await editorHtml(base)).values()];
          const named = html.flatMap((text) => [...text.matchAll(/["'`/]*\bresources\/@[^"]*/g)].map(([url]) => url));
          assert.equal(named.length, NODE_TYPES.length, 'each node names the file');
          const [quoted = ''] = new Set(named);
          assert.equal(new Set(named).size, 1, named.join());
          const [, url = '', build = ''] = /^"(resources\/[^?]*\?v=(.*))$/.exec(quoted) ?? [];
          const answer = await fetch(new URL(url, base));
          assert.equal(answer.status, 200, url);
          assert.match(answer.headers.get('content-type') ?? '', /javascript/);
          const code = await answer.text();
          assert.ok(code.includes(`deliver("${build}"`), 'the html and the file belong together');
          const [, map = ''] = /^\/\/# sourceMappingURL=(.*)$/m.exec(code) ?? [];
          assert.equal((await fetch(new URL(map, new URL(url, base)))).status, 200, map);
        }
      } finally {
        await proxy.close();
        await nodeRed.stop();
      }
    });
  }

  it('loads where ES modules cannot be required (Node 22.9)', async () => {
    const node = await node22();
    const userDir = await makeUserDir({ packageSource: tarball });
    try {
      const script = `
        const manifest = require('${MODULE}/package.json');
        const types = Object.entries(manifest['node-red'].nodes).map(([type, file]) => {
          const init = require('${MODULE}/' + file);
          if (typeof init !== 'function') throw new Error(file + ' exports no function');
          return type;
        });
        console.log(process.version, types.length);`;
      const { stdout } = await run(node, ['-e', script], { cwd: userDir });
      assert.equal(stdout.trim(), `v22.9.0 ${NODE_TYPES.length}`);
    } finally {
      await rm(userDir, { recursive: true, force: true });
    }
  });
});
