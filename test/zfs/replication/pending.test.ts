// Many pending snapshots in one stream that is cut between them: the target ends at one that nobody chose. Each is protected
// until the next run, which goes on from there; and none of it is left when that has ended.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import type { CommandResult, RunOptions } from '../../../src/host/host';
import { SshHost } from '../../../src/host/ssh/ssh-host';
import { REPOSITORY, type Machine } from '../../lab/machine';
import { connectOptions, type Engine, marks } from '../../support/engine';
import { assertTidy, type Job, jobOf, until } from '../../support/job';
import { usePair } from '../../support/machines';

const COUNT = 20;
/** MiB in each of them. */
const SIZE = 1;

/** Cannot hold some snapshots: ZFS is asked for another one that is not there. */
class LimitedHost extends SshHost {
  cannot = /never/;

  override async runAll(argvs: readonly (readonly string[])[], options?: RunOptions): Promise<CommandResult[]> {
    const given = argvs.map((argv) =>
      argv[1] === 'hold' ? argv.map((word) => (this.cannot.test(word) ? `${word}-gone` : word)) : argv,
    );
    return super.runAll(given, options);
  }
}

describe('replication of many pending snapshots', function () {
  this.timeout(180_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');

  const names = Array.from({ length: COUNT }, (_, index) => `p${index + 1}`);

  /** With one snapshot replicated, and `names` pending. */
  async function job(): Promise<Job> {
    const one = jobOf(`tank/p${++counter}`, `backup/p${counter}`);
    await a.createDataset(one.source);
    await a.snapshot(one.source, 'p0');
    await engine.replicate(one.options);
    for (const name of names) {
      await a.writeRandom(one.source, 'data', SIZE);
      await a.snapshot(one.source, name);
    }
    return one;
  }

  /** Resolves when some more of them have arrived, and no more than a few. */
  async function someThere(target: string): Promise<void> {
    const before = (await b.snapshotNames(target)).length;
    await until(async () => (await b.snapshotNames(target)).length > before + 3);
    await a.link.limit(1 << 16);
  }

  async function cancelled({ target, options }: Job): Promise<void> {
    await a.link.limit(3 << 20);
    const abort = new AbortController();
    const running = engine.replicate(options, abort.signal);
    running.catch(() => undefined);
    await someThere(target);
    abort.abort();
    await assert.rejects(running, { code: 'CANCELLED' });
    await a.link.limit(0);
  }

  async function killed({ target, options }: Job): Promise<void> {
    await a.link.limit(3 << 20);
    const input = JSON.stringify({ options, hosts: [connectOptions(a), connectOptions(b)] });
    const fixture = path.join(REPOSITORY, 'test/zfs/replication/replicate.fixture.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', fixture, input], { stdio: 'ignore', cwd: REPOSITORY });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await someThere(target);
    child.kill('SIGKILL');
    await ended;
    await a.link.limit(0);
  }

  /** The source's own retention, which knows nothing of the target: it destroys all but the newest, as far as ZFS lets it. */
  async function prune(source: string): Promise<string[]> {
    const all = (await a.snapshotNames(source)).slice(0, -1);
    await a.sh('for name in $2; do zfs destroy "$1@$name" 2>/dev/null || true; done', {
      args: [source, all.join(' ')],
    });
    const left = new Set(await a.snapshotNames(source));
    return all.filter((name) => !left.has(name));
  }

  const ends = [
    ['is cancelled', cancelled],
    ['is killed', killed],
  ] as const;
  for (const [what, cut] of ends) {
    it(`goes on where a run stood that ${what}, whatever the source prunes meanwhile [C1 21] [C1 23]`, async () => {
      const one = await job();
      await cut(one);
      const left = await marks(a, one.source);
      assert.deepEqual(
        [left.tentative.length, left.holds.length],
        [1, COUNT],
        'one bookmark, for the last; all are held',
      );
      const stands = (await b.snapshotNames(one.target)).at(-1) ?? '';
      assert.ok(names.slice(0, -1).includes(stands), `the target stands at ${stands}`);
      assert.deepEqual(await prune(one.source), ['p0']);
      const result = await engine.replicate(one.options);
      assert.deepEqual(await b.snapshotNames(one.target), ['p0', ...names]);
      assert.ok(['resume', 'incremental'].includes(result.datasets[0]?.action ?? ''), result.datasets[0]?.action);
      assert.equal((await a.snapshotNames(one.source)).length, COUNT);
      await assertTidy(a, one.source, b, one.target);
      await prune(one.source);
      await engine.replicate(one.options);
    });
  }

  it('bookmarks those that cannot be held, and goes on from there', async () => {
    const host = new LimitedHost(connectOptions(a, { id: 'limited' }));
    engine.hosts.set('limited', host);
    const one = await job();
    host.cannot = /@p([2-9]|1\d)$/;
    await cancelled({ ...one, options: { ...one.options, sourceConnection: 'limited' } });
    const left = await marks(a, one.source);
    assert.deepEqual([left.tentative.length, left.holds.length], [COUNT - 1, 2], 'only p1 and p20 are held');
    const pruned = await prune(one.source);
    assert.equal(pruned.length, COUNT - 1, 'p0 and all that are not held');
    const result = await engine.replicate(one.options);
    assert.equal(result.datasets[0]?.base?.kind, 'bookmark');
    assert.equal((await b.snapshotNames(one.target)).at(-1), `p${COUNT}`);
    await assertTidy(a, one.source, b, one.target);
  });

  it('discards its own partial receive of one in the middle that has gone although it was held [C1 24]', async () => {
    const one = await job();
    // The cut may fall between two of them, where nothing is partial.
    for (let cuts = 0; cuts < 3; cuts++) {
      await cancelled(one);
      if ((await b.property(one.target, 'receive_resume_token')) !== '-') break;
    }
    assert.notEqual(await b.property(one.target, 'receive_resume_token'), '-');
    const stands = (await b.snapshotNames(one.target)).at(-1) ?? '';
    const next = names[names.indexOf(stands) + 1] ?? '';
    await a.sh('for tag in $(zfs holds -H "$1" | cut -f2); do zfs release $tag "$1"; done; zfs destroy "$1"', {
      args: [`${one.source}@${next}`],
    });
    await engine.replicate(one.options);
    assert.deepEqual(
      await b.snapshotNames(one.target),
      ['p0', ...names].filter((name) => name !== next),
    );
    await assertTidy(a, one.source, b, one.target);
  });

  for (const [what, own] of [
    ['none of them has properties of its own', false],
    ['one of them has properties of its own', true],
  ] as const) {
    it(`brings all properties with very many of them, where ${what}`, async () => {
      const one = jobOf(`tank/many${++counter}`, `backup/many${counter}`);
      await a.createDataset(one.source);
      await a.snapshot(one.source, 'p0');
      await engine.replicate(one.options);
      await a.sh('i=1; while [ $i -le 120 ]; do zfs snapshot "$1@m$i" || exit 1; i=$((i + 1)); done', {
        args: [one.source],
      });
      await a.run(['zfs', 'set', 'org.example:later=yes', one.source]);
      if (own) await a.run(['zfs', 'set', 'org.example:mine=two words', `${one.source}@m60`]);
      engine.events.length = 0;
      const result = await engine.replicate({ ...one.options, speedLimit: '500M' });
      assert.equal(result.datasets[0]?.snapshots.length, 120);
      assert.deepEqual(result.warnings, []);
      assert.equal((await b.snapshotNames(one.target)).length, 121);
      assert.equal(await b.property(one.target, 'org.example:later'), 'yes');
      assert.equal(await b.property(`${one.target}@m60`, 'org.example:mine'), own ? 'two words' : '-');
      assert.equal(await b.property(one.target, 'readonly'), 'on');
      await assertTidy(a, one.source, b, one.target);
    });
  }

  it('goes on where a stream of very many was cut, and brings the properties in the end', async () => {
    const one = jobOf(`tank/many${++counter}`, `backup/many${counter}`);
    await a.createDataset(one.source);
    await a.snapshot(one.source, 'p0');
    await engine.replicate(one.options);
    const script =
      'i=1; while [ $i -le 120 ]; do head -c 150000 /dev/urandom >"/$1/file"; zfs snapshot "$1@m$i" || exit 1; i=$((i + 1)); done';
    await a.sh(script, { args: [one.source] });
    await a.run(['zfs', 'set', 'org.example:later=yes', one.source]);
    await cancelled(one);
    assert.equal(await b.property(one.target, 'org.example:later'), '-', 'the cut came before the last snapshot');
    await engine.replicate(one.options);
    assert.equal((await b.snapshotNames(one.target)).length, 121);
    assert.equal(await b.property(one.target, 'org.example:later'), 'yes');
    assert.equal(await b.property(one.target, 'readonly'), 'on');
    await assertTidy(a, one.source, b, one.target);
  });
});
