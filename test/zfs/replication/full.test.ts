// Full file system replication: one `send -R` stream for the first copy of a tree, the same result ever after, and nothing
// of the target ever renamed or destroyed without having been asked.
import assert from 'node:assert/strict';
import { parseRawMark } from '../../../src/zfs/marks';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine } from '../../support/engine';
import { type Job, jobOf } from '../../support/job';
import { usePair } from '../../support/machines';

const MB = 1 << 20;

describe('full file system replication', function () {
  this.timeout(300_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;
  /** What ran on the source. */
  const commands: string[] = [];

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');
  beforeEach(() => {
    commands.length = 0;
    engine.resolve('a').onCommand((line) => void commands.push(line));
  });

  function job(more: Record<string, unknown> = {}): Job {
    const [source, target] = [`tank/f${++counter}`, `backup/f${counter}`];
    return jobOf(source, target, { fullFilesystem: true, ...more });
  }

  /** Children, a volume, clones of both and a clone's own data; two snapshots of everything, `s1` and `s2`. */
  async function tree({ source }: Job, mb = 1, create: string[] = []): Promise<void> {
    await a.run(['zfs', 'create', '-o', 'compression=gzip', '-o', 'my:note=two words', ...create, source]);
    await a.run(['zfs', 'create', '-o', 'quota=1G', '-o', 'logbias=throughput', `${source}/a`]);
    await a.run(['zfs', 'create', '-o', 'readonly=off', `${source}/a/b`]);
    await a.createDataset(`${source}/vol`, { volumeMb: 8 });
    await a.createDataset(`${source}/z`);
    for (const path of ['/a', '/z']) await a.writeRandom(source + path, 'data', mb);
    await a.snapshot(source, 's1', { recursive: true });
    await a.run(['zfs', 'clone', `${source}/z@s1`, `${source}/clone`]);
    await a.run(['zfs', 'clone', `${source}/vol@s1`, `${source}/volclone`]);
    await a.writeRandom(`${source}/clone`, 'own', 1);
    await a.snapshot(source, 's2', { recursive: true });
  }

  /** What is set on a tree's datasets, by path below `root`, without what a copy has of its own. */
  async function settings(machine: Machine, root: string): Promise<string[]> {
    const fixed = ['mountpoint', 'readonly', 'encryption', 'keylocation', 'keyformat', 'pbkdf2iters'];
    const get = ['zfs', 'get', '-Hp', '-r', '-s', 'local,received', '-t', 'filesystem,volume'];
    const text = await machine.read([...get, '-o', 'name,property,value', 'all', root]);
    const lines = text.split('\n').map((line) => line.slice(root.length));
    return lines.filter((line) => !line.includes('zfsflow:') && !fixed.includes(line.split('\t')[1] ?? '')).toSorted();
  }

  /** By path below `root`: GUIDs of the snapshots, origin, read-only; tentative bookmarks; holds in all. */
  async function listed(machine: Machine, root: string): Promise<{ trees: string[]; open: string[]; holds: number }> {
    const columns = 'name,type,guid,origin,readonly,userrefs';
    const text = await machine.read(['zfs', 'list', '-Hp', '-r', '-t', 'all', '-o', columns, root]);
    const found = { trees: [] as string[], open: [] as string[], holds: 0 };
    for (const line of text.split('\n')) {
      const [name = '', type, guid, origin = '', readonly, userrefs] = line.split('\t');
      const path = name.slice(root.length);
      if (type === 'snapshot') {
        found.trees.push(`${path} ${guid}`);
        found.holds += Number(userrefs);
      } else if (type !== 'bookmark') found.trees.push(`${path} of ${origin.replace(root, '')}`);
      if (name.includes('_tmp_') || (machine === b && readonly === 'off')) found.open.push(name);
    }
    return found;
  }

  /** Same datasets, clones, snapshots, contents and settings; nothing of ours left that should not be. */
  async function assertCopied({ source, target }: Pick<Job, 'source' | 'target'>): Promise<void> {
    const [left, right] = await Promise.all([listed(a, source), listed(b, target)]);
    assert.deepEqual(right.trees, left.trees);
    assert.deepEqual([left.open, left.holds, right.open], [[], 0, []]);
    assert.equal(right.holds, right.trees.filter((line) => line.includes(' of ')).length);
    for (const path of ['/z@s2', '/clone@s2'])
      assert.equal(await b.digest(target + path), await a.digest(source + path));
    assert.deepEqual(await settings(b, target), await settings(a, source));
  }

  /** Command lines of the sends of this engine's runs, estimates left out. */
  const sends = (): string[] => commands.filter((line) => /zfs send /.test(line) && !/zfs send -n/.test(line));

  it('copies a tree with clones, volumes and properties in one stream, and goes on as promised', async () => {
    const one = job();
    await tree(one);
    const plan = await engine.replicate({ ...one.options, mode: 'plan' });
    assert.equal(plan.datasets.length, 7);
    for (const { action, warnings } of plan.datasets) {
      assert.equal(action, 'full');
      assert.match(warnings.join(), /one stream of the whole tree/);
    }
    assert.equal(await b.exists(one.target), false);
    const result = await engine.replicate(one.options);
    assert.deepEqual(
      result.datasets.map(({ action, snapshots, error }) => [action, snapshots.length, error]),
      result.datasets.map(({ source }) => ['full', source.endsWith('clone') ? 1 : 2, undefined]),
    );
    assert.equal(result.datasets.length, 7);
    assert.equal(result.snapshots, 12);
    const [send, ...more] = sends();
    assert.match(send ?? '', /-R .*@s2/);
    assert.deepEqual(more, []);
    await assertCopied(one);
    assert.equal((await engine.replicate(one.options)).bytes, 0);

    const { source, target } = one;
    await a.createDataset(`${source}/new`);
    await a.writeRandom(`${source}/new`, 'data', 1);
    await a.snapshot(source, 's3', { recursive: true });
    await a.run(['zfs', 'clone', `${source}/new@s3`, `${source}/newclone`]);
    await a.run(['zfs', 'set', 'logbias=latency', 'my:other=1', `${source}/a`]);
    await a.run(['zfs', 'inherit', 'my:note', source]);
    await a.snapshot(source, 's4', { recursive: true });
    const next = await engine.replicate(one.options);
    const actions = new Map(next.datasets.map((dataset) => [dataset.source.slice(source.length), dataset.action]));
    assert.deepEqual(
      [actions.get('/new'), actions.get('/newclone'), actions.get('/a')],
      ['full', 'full', 'incremental'],
    );
    assert.equal(await b.property(`${target}/newclone`, 'origin'), `${target}/new@s3`);
    await assertCopied(one);
  });

  it('leaves on the target what the source does not have any more, and refuses what diverged', async () => {
    const one = job();
    await tree(one);
    await engine.replicate(one.options);
    const { source, target } = one;
    await a.run(['zfs', 'destroy', '-r', `${source}/a/b`]);
    await a.run(['zfs', 'destroy', `${source}/a@s1`]);
    await b.run(['zfs', 'create', `${target}/theirs`]);
    await a.snapshot(source, 's3', { recursive: true });
    const result = await engine.replicate(one.options);
    assert.match(result.warnings.join(), /a\/b/);
    assert.equal((await b.snapshots(`${target}/a/b`)).length, 2);
    assert.deepEqual(await b.snapshotNames(`${target}/a`), ['s1', 's2', 's3']);
    assert.equal(await b.exists(`${target}/theirs`), true);

    await b.run(['zfs', 'snapshot', `${target}/z@theirs`]);
    await a.snapshot(source, 's4', { recursive: true });
    const refused = await engine.refuse('PARTIAL_FAILURE', one.options);
    assert.match(refused.message, /@theirs/);
    assert.ok((await b.snapshots(`${target}/z`)).some(({ name }) => name === 'theirs'));
    await engine.replicate({ ...one.options, whenDiverged: 'rollback' });
    await assertSame(a, `${source}/z`, b, `${target}/z`);
  });

  it('goes on after a reset in mid-stream, and in a later run after a cancel', async () => {
    for (const how of ['reset', 'cancel'] as const) {
      const one = job();
      // In the second of the two that are large, whichever that is: what is cut has delivered something.
      await tree(one, 8);
      await a.link.limit(16 * MB);
      const abort = new AbortController();
      const running = engine.replicate(one.options, abort.signal);
      await b.link.cutAfter(12 * MB, 'reset');
      await b.link.tripped();
      if (how === 'cancel') {
        abort.abort();
        await assert.rejects(running, { code: 'CANCELLED' });
      }
      await a.link.limit(0);
      const result = how === 'cancel' ? await engine.replicate(one.options) : await running;
      assert.ok(result.bytes < 30 * MB, `bytes: ${result.bytes}`);
      assert.ok(result.datasets.some(({ action }) => action === 'resume'));
      assert.doesNotMatch(result.datasets.flatMap(({ warnings }) => warnings).join(), /left out|failed/);
      if (how === 'reset') assert.equal(result.snapshots, 12);
      const get = ['zfs', 'get', '-Hp', '-r', '-t', 'filesystem,volume', '-s', 'local', '-o', 'name'];
      const marked = await b.read([...get, 'zfsflow:destination', one.target]);
      assert.deepEqual(marked.split('\n').toSorted(), (await b.datasets(one.target)).toSorted());
      await assertCopied(one);
    }
  });

  it('goes dataset by dataset where a stream of the tree would leave something out', async () => {
    const one = job();
    await tree(one);
    await a.createDataset(`${one.source}/late`);
    await a.run(['zfs', 'snapshot', `${one.source}/late@other`]);
    await a.run(['zfs', 'snapshot', `${one.source}/z@more`]);
    const result = await engine.replicate(one.options);
    assert.equal(result.datasets.length, 8);
    await assertCopied(one);
  });

  it('keeps encrypted trees encrypted with their clones, or decrypts them with theirs', async () => {
    const key = 'ab'.repeat(32);
    await a.sh('umask 077; printf %s "$1" >/root/key', { args: [key] });
    const encryption = ['-o', 'encryption=on', '-o', 'keyformat=hex', '-o', 'keylocation=file:///root/key'];
    const raw = job();
    await tree(raw, 1, encryption);
    await engine.replicate(raw.options);
    assert.match(sends().join('\n'), /^[^\n]* -R -w [^\n]*$/);
    for (const dataset of await b.datasets(raw.target)) {
      assert.equal(parseRawMark(await b.property(dataset, 'zfsflow:raw'), dataset), true);
    }
    await b.sh(
      'for ds; do zfs get -H -o value encryptionroot "$ds"; done | sort -u | xargs -n1 zfs load-key -L prompt',
      {
        args: await b.datasets(raw.target),
        stdin: `${key}\n`.repeat(10),
        check: false,
      },
    );
    await a.snapshot(raw.source, 's3', { recursive: true });
    await engine.replicate(raw.options);
    for (const path of ['/clone', '/volclone']) {
      const origin = await a.property(raw.source + path, 'origin');
      assert.equal(await b.property(raw.target + path, 'origin'), origin.replace(raw.source, raw.target));
      assert.equal((await b.snapshots(raw.target + path)).length, 2);
    }
    const plain = job({ sourceDatasets: [raw.source], raw: 'never' });
    await engine.replicate(plain.options);
    assert.equal(await b.property(plain.target, 'encryption'), 'off');
    await assertCopied({ ...plain, source: raw.source });
  });
});
