// Encryption roots on real ZFS: copies whose key was changed on the target or at the source, and encrypted trees whose roots
// come late. Nothing is sent that would leave a copy without a key that opens it.
import assert from 'node:assert/strict';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import { destinationId, REPLACED_PROPERTY, replacedMark } from '../../../src/zfs/marks';
import type { Machine } from '../../lab/machine';
import { marks, type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';
import { dieAfter } from '../../support/mortal';

/** More than such a run changes. */
const MOST_STEPS = 80;
/** Each point takes seconds: one in so many is tried, others each time; CRASH_STRIDE=1 tries all. */
const STRIDE = Number(process.env['CRASH_STRIDE'] ?? 5);
const OFFSET = Number(process.env['CRASH_OFFSET'] ?? Date.now() % STRIDE);

const ONE = 'passphrase one';
const TWO = 'passphrase two';
const MB = 1 << 20;

describe('encryption roots on real ZFS', function () {
  this.timeout(600_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair));

  let counter = 0;
  const name = (): string => `enc${++counter}`;
  const create = async (machine: Machine, dataset: string, key: string, format = 'passphrase'): Promise<unknown> =>
    machine.sh(`zfs create -p -o encryption=on -o keyformat=${format} -o keylocation=prompt "$1"`, {
      args: [dataset],
      stdin: `${key}\n`,
    });
  const load = async (machine: Machine, dataset: string, key: string): Promise<unknown> =>
    machine.sh('zfs load-key -L prompt "$1"', { args: [dataset], stdin: `${key}\n` });
  const changeKey = async (machine: Machine, dataset: string, key: string): Promise<unknown> =>
    machine.sh('zfs change-key -o keyformat=passphrase -o keylocation=prompt "$1"', {
      args: [dataset],
      stdin: `${key}\n`,
    });
  const job = (source: string, target: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
    ...relay,
    sourceDatasets: [source],
    targetDataset: target,
    ...more,
  });
  const warningsOf = (result: ReplicationResult): string[] => [
    ...result.warnings,
    ...result.datasets.flatMap(({ warnings }) => warnings),
  ];

  /** The file is readable once this root's key is loaded anew. */
  async function opens(root: string, key: string, dataset: string, file: string): Promise<void> {
    await b.sh(
      'zfs unmount "$2" 2>/dev/null || true; zfs unmount "$1" 2>/dev/null || true; zfs unload-key -r "$1" 2>/dev/null || true',
      {
        args: [root, dataset],
      },
    );
    await load(b, root, key);
    await b.sh(
      'd=$(mktemp -d); mount -t zfs -o zfsutil,ro "$1" $d; cat $d/"$2" >/dev/null; umount $d; zfs unload-key "$3"',
      {
        args: [dataset, file, root],
      },
    );
  }

  async function tree(key = ONE, format = 'passphrase'): Promise<{ source: string; target: string }> {
    const one = name();
    await create(a, `tank/${one}`, key, format);
    await a.run(['zfs', 'create', `tank/${one}/child`]);
    await a.writeFile(`tank/${one}/child`, 'f1', 'one');
    await a.snapshot(`tank/${one}`, '1', { recursive: true });
    return { source: `tank/${one}`, target: `backup/${one}` };
  }

  async function more(source: string, snapshot: string, recursive: boolean): Promise<void> {
    await a.writeFile(`${source}/child`, `f${snapshot}`, 'more');
    await a.snapshot(recursive ? source : `${source}/child`, snapshot, { recursive });
  }

  for (const [format, one, two] of [
    ['passphrase', ONE, TWO],
    ['hex', '1'.repeat(64), '2'.repeat(64)],
  ] as const) {
    it(`refuses an increment into a copy that got the target's own key (${format}) [B8]`, async () => {
      const { source } = await tree(one, format);
      const vault = `backup/mine-${name()}`;
      await create(b, vault, two, format);
      const options = job(`${source}/child`, `${vault}/child`);
      await engine.replicate(options);
      await load(b, `${vault}/child`, one);
      await b.run(['zfs', 'change-key', '-i', `${vault}/child`]);
      await more(source, '2', false);
      const error = await engine.refuse('ENCRYPTION_MISMATCH', options);
      assert.match(error.message, new RegExp(vault));
      assert.deepEqual(await b.snapshotNames(`${vault}/child`), ['1']);
      assert.deepEqual((await marks(a, `${source}/child`)).holds, []);
      await opens(vault, two, `${vault}/child`, 'f1');
      // The hint's way out.
      await load(b, vault, two);
      await changeKey(b, `${vault}/child`, TWO);
      await engine.replicate(options);
      await opens(`${vault}/child`, one, `${vault}/child`, 'f2');
    });

    it(`goes on where the key became that of the copy of its own root (${format}) [B8]`, async () => {
      const { source, target } = await tree(one, format);
      const options = job(source, target, { recursive: true });
      await engine.replicate(options);
      for (const dataset of [target, `${target}/child`]) await load(b, dataset, one);
      await b.run(['zfs', 'change-key', '-i', `${target}/child`]);
      assert.equal(await b.property(`${target}/child`, 'encryptionroot'), target);
      await more(source, '2', true);
      assert.deepEqual(warningsOf(await engine.replicate(options)), []);
      await opens(target, one, `${target}/child`, 'f2');
    });
  }

  it('goes on where another job replicates the root [B8]', async () => {
    const { source, target } = await tree();
    await engine.replicate(job(source, target));
    await engine.replicate(job(`${source}/child`, `${target}/child`));
    for (const dataset of [target, `${target}/child`]) await load(b, dataset, ONE);
    await b.run(['zfs', 'change-key', '-i', `${target}/child`]);
    await more(source, '2', false);
    await engine.replicate(job(`${source}/child`, `${target}/child`));
    await opens(target, ONE, `${target}/child`, 'f2');
  });

  it("says that a changed key of a copy becomes the source's again, and it does [B8]", async () => {
    const { source, target } = await tree();
    const options = job(`${source}/child`, target);
    await engine.replicate(options);
    await load(b, target, ONE);
    await changeKey(b, target, TWO);
    await more(source, '2', false);
    const warnings = warningsOf(await engine.replicate(options));
    assert.ok(
      warnings.some((warning) => /becomes the source's/.test(warning)),
      JSON.stringify(warnings),
    );
    await opens(target, ONE, target, 'f2');
  });

  it('a key changed at the source comes with the root, and not without it [B8]', async () => {
    const { source, target } = await tree();
    const options = job(source, target, { recursive: true });
    await engine.replicate(options);
    for (const dataset of [target, `${target}/child`]) await load(b, dataset, ONE);
    await b.run(['zfs', 'change-key', '-i', `${target}/child`]);
    await changeKey(a, source, TWO);
    await more(source, '2', false);
    await engine.refuse('PARTIAL_FAILURE', options);
    assert.deepEqual(await b.snapshotNames(`${target}/child`), ['1']);
    await opens(target, ONE, `${target}/child`, 'f1');
    await more(source, '3', true);
    await engine.replicate(options);
    await opens(target, TWO, `${target}/child`, 'f3');
  });

  it('does not take the key from what was made below a copy [B8]', async () => {
    const { source, target } = await tree();
    const options = job(source, target, { recursive: true });
    await engine.replicate(options);
    await load(b, target, ONE);
    await b.run(['zfs', 'create', '-o', 'readonly=off', '-u', `${target}/local`]);
    await changeKey(a, source, TWO);
    await more(source, '2', true);
    await assert.rejects(engine.replicate(options), /local/);
    await b.sh('zfs unmount "$1/local" || true; zfs unload-key -r "$1" || true', { args: [target] });
    await load(b, target, ONE);
    assert.equal(await b.property(`${target}/local`, 'keystatus'), 'available');
  });

  it('copies a root that had no snapshot at first, and leaves what is below it alone [B12]', async () => {
    const one = name();
    const [source, target] = [`tank/${one}`, `backup/${one}`];
    await create(a, source, ONE);
    await a.run(['zfs', 'create', '-p', `${source}/x`]);
    await a.run(['zfs', 'create', '-p', `${source}/mid/deep`]);
    for (const dataset of ['x', 'mid/deep']) {
      await a.writeFile(`${source}/${dataset}`, 'f', dataset);
      await a.snapshot(`${source}/${dataset}`, '1');
    }
    const options = job(source, target, { recursive: true, createSnapshot: 'never' });
    await engine.replicate(options);
    const guids = async (): Promise<string[]> =>
      Promise.all([`${target}/x`, `${target}/mid/deep`].map((dataset) => b.property(dataset, 'guid')));
    const before = await guids();
    await a.snapshot(source, '2', { recursive: true });
    const result = await engine.replicate(options);
    assert.deepEqual(await guids(), before);
    for (const dataset of ['', '/x', '/mid', '/mid/deep']) {
      assert.equal((await b.snapshotNames(`${target}${dataset}`)).at(-1), '2', dataset);
    }
    assert.equal(await b.property(target, 'encryptionroot'), target);
    assert.deepEqual(
      await b.datasets('backup').then((all) => all.filter((dataset) => dataset.includes('zfsflow-old'))),
      [],
    );
    assert.ok(result.datasets.every(({ error }) => !error));
    await a.snapshot(source, '3', { recursive: true });
    await engine.replicate(options);
    await opens(`${target}/x`, ONE, `${target}/x`, 'f');
  });

  it(`goes on wherever it died while a placeholder gave way (CRASH_OFFSET=${OFFSET}) [B12]`, async () => {
    const snapshots = async (machine: Machine, root: string): Promise<string[]> => {
      const text = await machine.read(['zfs', 'list', '-Hp', '-r', '-t', 'snapshot', '-o', 'guid', root]);
      return text.split('\n').filter(Boolean).toSorted();
    };
    let steps = OFFSET;
    for (let last = 'x'; last !== ''; steps += STRIDE) {
      assert.ok(steps < MOST_STEPS);
      const one = name();
      const [source, target] = [`tank/${one}`, `backup/${one}`];
      await create(a, source, ONE);
      await a.run(['zfs', 'create', '-p', `${source}/mid/deep`]);
      await a.run(['zfs', 'create', `${source}/x`]);
      for (const dataset of ['x', 'mid/deep']) await a.snapshot(`${source}/${dataset}`, '1');
      const options = job(source, target, { recursive: true, createSnapshot: 'never' });
      await engine.replicate(options);
      const before = await snapshots(b, 'backup');
      await a.snapshot(source, '2', { recursive: true });
      last = await dieAfter(steps, [a, b], options);
      const said = `after dying before: ${last}`;
      const now = new Set(await snapshots(b, 'backup'));
      assert.deepEqual(
        before.filter((guid) => !now.has(guid)),
        [],
        said,
      );
      await engine.replicate(options);
      await engine.replicate(options);
      assert.deepEqual(await snapshots(b, target), await snapshots(a, source), said);
      const left = (await b.datasets('backup')).filter((dataset) => dataset.includes('zfsflow-old'));
      for (const dataset of left) assert.deepEqual(await b.snapshotNames(dataset), [], `${said}: ${dataset}`);
      await b.sh('zfs release -r zfsflow_last "$1@2" 2>/dev/null || true; zfs destroy -r "$1" 2>/dev/null || true', {
        args: [target],
      });
    }
  });

  it('resumes a first copy that went along with a placeholder which gave way [B12]', async () => {
    const one = name();
    const [source, target] = [`tank/${one}`, `backup/${one}`];
    await create(a, source, ONE);
    await a.run(['zfs', 'create', `${source}/x`]);
    await a.writeRandom(`${source}/x`, 'data', 12);
    await a.snapshot(`${source}/x`, '1');
    const options = job(source, target, { recursive: true, createSnapshot: 'never', retries: 0 });
    await b.link.cutAfter(6 * MB, 'reset');
    await assert.rejects(engine.replicate(options));
    assert.notEqual(await b.property(`${target}/x`, 'receive_resume_token'), '-');
    // As a run leaves it that dies right after it has set the placeholder aside.
    const [, poolGuid = ''] = (await b.read(['zpool', 'get', '-Hp', '-o', 'name,value', 'guid', 'backup'])).trim().split('\t'); // prettier-ignore
    const aside = `${target}_zfsflow-old-copy`;
    const mark = replacedMark({ dstId: destinationId(poolGuid, target), mode: 'placeholder' }, aside);
    await b.run(['zfs', 'set', `${REPLACED_PROPERTY}=${mark}`, target]);
    await b.run(['zfs', 'rename', target, aside]);
    await a.snapshot(source, '2', { recursive: true });
    const result = await engine.replicate(options);
    assert.ok(result.bytes < 10 * MB, `${result.bytes} bytes`);
    const guids = async (machine: Machine, dataset: string): Promise<string[]> =>
      (await machine.snapshots(dataset)).map(({ guid }) => guid);
    for (const child of ['', '/x']) assert.deepEqual(await guids(b, target + child), await guids(a, source + child));
  });

  it('copies a root that came late below an encrypted dataset, encrypted as that is [B12]', async () => {
    const one = name();
    const [source, vault] = [`tank/${one}`, `backup/vault-${one}`];
    await create(b, vault, TWO);
    await a.run(['zfs', 'create', '-p', `${source}/x`]);
    await a.writeFile(`${source}/x`, 'f', 'x');
    await a.snapshot(`${source}/x`, '1');
    const options = job(source, `${vault}/copy`, { recursive: true, createSnapshot: 'never', encryption: 'inherit' });
    await engine.replicate(options);
    const before = await b.property(`${vault}/copy/x`, 'guid');
    await a.snapshot(source, '2', { recursive: true });
    await engine.replicate(options);
    assert.deepEqual(await b.snapshotNames(`${vault}/copy`), ['2']);
    assert.equal(await b.property(`${vault}/copy/x`, 'guid'), before);
    assert.equal(await b.property(`${vault}/copy`, 'encryptionroot'), vault);
  });

  for (const kind of ['plain', 'encrypted']) {
    it(`copies what lies below a dataset without a snapshot in a tree that is ${kind} [B12]`, async () => {
      const one = name();
      const [source, target] = [`tank/${one}`, `backup/${one}`];
      if (kind === 'plain') await a.run(['zfs', 'create', source]);
      else await create(a, source, ONE);
      await a.snapshot(source, '1');
      await a.run(['zfs', 'create', '-p', `${source}/mid/deep`]);
      await a.run(['zfs', 'create', `${source}/x`]);
      for (const dataset of ['mid/deep', 'x']) await a.snapshot(`${source}/${dataset}`, '1');
      const options = job(source, target, { recursive: true, createSnapshot: 'never' });
      await engine.replicate(options);
      assert.deepEqual(await b.snapshotNames(`${target}/mid/deep`), ['1']);
      await a.snapshot(source, '2', { recursive: true });
      await engine.replicate(options);
      for (const dataset of ['', '/x', '/mid', '/mid/deep']) {
        assert.equal((await b.snapshotNames(`${target}${dataset}`)).at(-1), '2', dataset);
      }
    });
  }
});
