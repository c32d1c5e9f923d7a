// What starting Node-RED may load of this package: the adapters, and nothing that a run would need (`engine.ts`). Counted, not
// timed: modules are the same on every machine. And what is loaded ahead of the first message, a moment later.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { registeredNodes } from '../../scripts/build/assemble';
import { ROOT } from './node-red';

const run = promisify(execFile);
/** Of half a millisecond each: the nodes, what they share, and the tasks – their log, their memory, whether they are late. */
const MOST_MODULES = 75;

/**
 * Loads the five node files with a Node-RED that knows just enough, makes a node of each type in `argv`, starts the flows
 * and prints the modules that were loaded by then and 2.5 seconds later.
 */
const CHILD = `
  const { EventEmitter } = require('node:events');
  const types = new Map();
  const RED = {
    events: new EventEmitter(),
    nodes: { registerType: (type, construct) => types.set(type, construct), createNode: () => {}, getNode: () => null, eachNode: () => {} },
    httpAdmin: { post: () => {}, get: () => {} },
    auth: { needsPermission: () => () => {} },
    settings: { available: () => false },
    log: { error: (text) => { throw new Error(text); }, warn: () => {} },
    _: (key) => key,
  };
  class Node extends EventEmitter { constructor(type) { super(); this.id = 'id-' + type; this.type = type; } status() {} }
  const before = new Set(Object.keys(require.cache));
  const loaded = () => Object.keys(require.cache).filter((file) => !before.has(file));
  const [files, wanted] = process.argv.slice(1).map((text) => JSON.parse(text));
  for (const file of files) require(file)(RED);
  const atOnce = loaded();
  for (const { type, ...config } of wanted) types.get(type).call(new Node(type), { id: 'id-' + type, type, ...config });
  RED.events.emit('flows:started');
  const atStart = loaded();
  setTimeout(() => {
    console.log(JSON.stringify({ atOnce, atStart, later: loaded() }));
  }, 2500);`;

interface Loaded {
  atOnce: string[];
  atStart: string[];
  later: string[];
}

async function load(...nodes: { type: string; schedule?: string }[]): Promise<Loaded> {
  const files = [...(await registeredNodes()).values()].map((folder) =>
    path.join(ROOT, 'dist', 'nodes', folder, `${folder}.js`),
  );
  const { stdout } = await run(process.execPath, ['-e', CHILD, JSON.stringify(files), JSON.stringify(nodes)]);
  const relative = (list: readonly string[]): string[] => list.map((file) => path.relative(ROOT, file));
  const { atOnce, atStart, later } = JSON.parse(stdout) as Loaded;
  return { atOnce: relative(atOnce), atStart: relative(atStart), later: relative(later) };
}

/** Files of a library, or of a folder in src/. */
const of = (files: readonly string[], what: string): string[] =>
  files.filter((file) => file.startsWith(`node_modules/${what}/`) || file.startsWith(`dist/src/${what}/`));

describe('what is loaded', () => {
  it('with Node-RED: less than 75 modules, nothing that a run needs, no library', async () => {
    const { atOnce } = await load();
    assert.ok(atOnce.length < MOST_MODULES, `${atOnce.length} modules`);
    assert.ok(atOnce.length > 20, 'the nodes were not loaded');
    const engine = ['replication', 'retention', 'snapshots', 'stream', 'host'].flatMap((capability) =>
      of(atOnce, capability),
    );
    // What machines are compared by, of a few lines: the queue of jobs, which is there from the start, asks it.
    assert.deepEqual(engine, ['dist/src/host/machine-identity.js']);
    assert.deepEqual(
      atOnce.filter((file) => file.startsWith('node_modules/')),
      [],
    );
  });

  it('with the flows: what reads a schedule where a node has one, and nothing else', async () => {
    const [without, scheduled] = await Promise.all([
      load({ type: 'zfs-replicate', schedule: '' }),
      load({ type: 'zfs-replicate', schedule: '@daily' }),
    ]);
    assert.equal(without.atStart.length, without.atOnce.length);
    const more = scheduled.atStart.slice(scheduled.atOnce.length).filter((file) => !/node_modules/.test(file));
    assert.deepEqual(more, ['dist/src/time/schedule.js', 'dist/src/time/cron.js']);
    assert.ok(of(scheduled.atStart, 'cron-parser').length > 0);
  });

  it('a moment later: the engine where a task is, ssh2 where a connection is', async () => {
    const [nothing, task, both] = await Promise.all([
      load(),
      load({ type: 'zfs-snapshot' }),
      load({ type: 'zfs-ssh-connection' }, { type: 'zfs-snapshot' }),
    ]);
    assert.equal(nothing.later.length, nothing.atOnce.length);
    for (const capability of ['replication', 'retention', 'snapshots', 'stream', 'cron-parser']) {
      assert.ok(of(task.later, capability).length > 0, capability);
    }
    assert.deepEqual(of(task.later, 'ssh2'), []);
    assert.ok(of(both.later, 'ssh2').length > 0);
    const [first, last] = ['replication', 'ssh2'].map((what) => both.later.indexOf(of(both.later, what)[0] ?? ''));
    assert.ok(first !== undefined && last !== undefined && first < last, 'ssh2 comes last');
  });

  it('in the browser: no cron-parser', async () => {
    const folders = [...(await registeredNodes()).values()];
    const files = ['resources/dialog.js', ...folders.map((folder) => `dist/nodes/${folder}/${folder}.html`)];
    for (const file of files) {
      const text = await readFile(path.join(ROOT, file), 'utf8');
      assert.doesNotMatch(text, /Invalid cron expression|Invalid DateTime/, file);
    }
  });
});
