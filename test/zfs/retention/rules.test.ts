// The safety rules of the design (retention.md), by number: those that are about evidence and execution, on real pools.
// Those that the pure planner decides are in test/unit/retention/plan/rules.test.ts; rules 16 and 22 are about replication.
import assert from 'node:assert/strict';
import type { Host, HostResolver } from '../../../src/host/host';
import { ZfsFlowError } from '../../../src/base/errors';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import type { PruneResult } from '../../../src/retention/options';
import { pruneSnapshots } from '../../../src/retention/prune';
import { bookmarkName, destinationId } from '../../../src/zfs/marks';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { failure, options, resolver, runPrune, withoutPrograms } from './support';
import { pretend, truth } from '../../support/pretend';
import { TestContext } from '../../support/test-context';

/** A host that does something between the commands of a run, as other people do. */
function disturbed(host: Host, before: RegExp, disturb: () => Promise<unknown>): Host {
  let done = false;
  const look = async (line: string): Promise<void> => {
    if (done || !before.test(line)) return;
    done = true;
    await disturb();
  };
  return new Proxy(host, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key === 'run') {
        return async (argv: readonly string[], more: object) => {
          await look(argv.join(' '));
          return target.run(argv, more);
        };
      }
      if (key === 'runAll') {
        return async (argvs: readonly (readonly string[])[], more: object) => {
          for (const argv of argvs) await look(argv.join(' '));
          return target.runAll(argvs, more);
        };
      }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe('retention rules on real ZFS', () => {
  let nas: Machine;
  let away: Machine;
  let host: SshHost;
  let other: SshHost;
  let hosts: HostResolver;
  let dataset = '';
  let counter = 0;

  const names = (): Promise<string[]> => nas.snapshotNames(dataset);
  const take = (...list: string[]): Promise<void> => nas.snapshotEach(dataset, list);
  const run = (
    raw: Record<string, unknown> = {},
    ctx = new TestContext<PruneResult>(),
    from = hosts,
  ): Promise<PruneResult> => runPrune(from, { datasets: [dataset], ...raw }, ctx);

  /** A host whose channel program ends after it has destroyed @a; `then` is called right after that. */
  function withFailingProgram(then: () => void): SshHost {
    return new Proxy(host, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (key !== 'run') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        return async (argv: readonly string[], more: object) => {
          if (argv[5] !== 'each') return target.run(argv, more);
          await nas.run(['zfs', 'destroy', `${dataset}@a`]);
          then();
          return { code: 1, signal: null, stdout: '', stderr: 'Channel program execution failed: out of memory' };
        };
      },
    });
  }

  after(() => Promise.all([host.close(), other.close()]));
  useMachines({ nas: { pool: 'tank' }, away: { pool: 'vault' } }, (machines) => {
    ({ nas, away } = machines);
    host = connect(nas);
    other = connect(away);
    hosts = resolver({ nas: host, away: other });
  });
  beforeEach(async () => {
    dataset = `tank/d${++counter}`;
    await nas.createDataset(dataset);
  });

  it('rule 9: a host that cannot be listed is no empty host; what is missing lets nothing age out [C1 55]', async () => {
    await take('a', 'b', 'c');
    const dead = connect(away, { port: 1 });
    const partly = resolver({ nas: host, away: dead });
    const source = { keep: [{ type: 'source', connection: 'away', dataset: 'vault/x' }] };
    await failure(run({ policy: source }, undefined, partly), 'CONNECTION_REFUSED');
    await failure(runPrune(resolver({ nas: dead }), { datasets: [dataset] }), 'CONNECTION_REFUSED');
    await dead.close();
    assert.deepEqual((await run({ policy: source })).destroyed, []);
    assert.deepEqual(await names(), ['a', 'b', 'c']);
  });

  it('rule 9: a changed host key or wrong rights at a destination stop the run; they are no absence', async () => {
    await take('a', 'b');
    const wrong = connect(away, { hostKeys: nas.hostKey });
    const protectFor = [{ connection: 'away', dataset: 'vault' }];
    await failure(run({ protectFor }, undefined, resolver({ nas: host, away: wrong })), 'HOST_KEY_MISMATCH');
    const stranger = connect(away, { username: 'stranger' });
    await failure(run({ protectFor }, undefined, resolver({ nas: host, away: stranger })), 'AUTHENTICATION_FAILED');
    await Promise.all([wrong.close(), stranger.close()]);
    // Bookmarks speak for who is away, not for who is there and whose listing fails.
    const guid = (await nas.snapshots(dataset))[1]?.guid ?? '';
    const mark = bookmarkName(destinationId('5', 'vault'), guid, false);
    await nas.run(['zfs', 'bookmark', `${dataset}@b`, `${dataset}#${mark}`]);
    await pretend(away, 'case "$1" in list) echo "cannot open \'vault\': permission denied" >&2; exit 1;; esac');
    await failure(run({ protectFor }), 'PERMISSION_DENIED');
    await truth(away);
    assert.deepEqual(await names(), ['a', 'b']);
  });

  it('rule 10: one that prunes on its own lists every destination anew, in the same run', async () => {
    await take('a', 'b', 'c');
    await away.createDataset(`vault/${counter}`);
    const protectFor = [{ connection: 'away', dataset: `vault/${counter}/copy` }];
    assert.deepEqual((await run({ protectFor })).destroyed, []);
    const stream = await nas.run(['sh', '-c', `zfs send ${dataset}@c | base64 -w0`]);
    await away.sh('base64 -d | zfs recv -u "$1"', { args: [`vault/${counter}/copy`], stdin: stream.stdout });
    assert.equal((await run({ protectFor })).destroyed.length, 2);
  });

  it('rule 17: a plan says dataset, name, GUID, date, estimate and reason, has an id and an end', async () => {
    await nas.writeRandom(dataset, 'file', 4);
    await take('a');
    await nas.run(['sh', '-c', `rm "$(zfs get -H -o value mountpoint ${dataset})/file"`]);
    await take('b');
    const result = await run({ mode: 'plan', planLifetime: 2 });
    const [item] = result.destroy;
    const [listed] = await nas.snapshots(dataset);
    assert.deepEqual([item?.dataset, item?.name, item?.guid], [dataset, 'a', listed?.guid]);
    assert.ok(Math.abs(Date.parse(item?.creation ?? '') - Date.now()) < 60_000);
    assert.ok((item?.reclaim ?? 0) > 4_000_000);
    assert.equal(Date.parse(result.expiresAt) - Date.parse(result.createdAt), 2 * 3_600_000);
    assert.deepEqual(item?.reasons, ['goes: not among the newest 1 and no other rule keeps it']);
    assert.deepEqual(
      result.keep.map(({ name, reasons }) => [name, reasons]),
      [['b', ['kept: number 1 of the newest 1', 'kept: newest of the dataset']]],
    );
    assert.match(result.planId, /^[0-9a-f]{24}$/);
    assert.equal((await run({ mode: 'plan' })).planId, result.planId);
    // Another snapshot of the same name makes it another plan, and so does one more.
    await nas.sh('zfs destroy "$1@a"; zfs destroy "$1@b"; zfs snapshot "$1@a"; zfs snapshot "$1@b"', {
      args: [dataset],
    });
    const other = await run({ mode: 'plan' });
    assert.deepEqual([other.destroy[0]?.name, other.planId === result.planId], ['a', false]);
    await take('c');
    assert.notEqual((await run({ mode: 'plan' })).planId, other.planId);
    assert.deepEqual(await names(), ['a', 'b', 'c']);
  });

  const ways = [
    { way: 'by channel program', lookedAt: /zfs program -j \S+ - (each|all-or-none) /, by: () => host as Host },
    { way: 'by commands', lookedAt: /zfs list .*userrefs,clones \S+@/, by: () => withoutPrograms(host) },
  ];
  const between: [string, string, string][] = [
    ['held', 'zfs hold x "$1@b"', 'it is held now'],
    ['cloned', 'zfs clone "$1@b" "$1-clone"', 'it has a clone now'],
    ['replaced', 'zfs destroy "$1@b"; zfs snapshot "$1@b"', 'another snapshot has its name now'],
    ['gone', 'zfs destroy "$1@b"', 'it is gone already'],
  ];
  for (const { way, lookedAt, by } of ways) {
    for (const [what, script, why] of between) {
      it(`rule 18: a snapshot that was ${what} after the plan is left alone, and said (${way}) [C1 61]`, async () => {
        await take('a', 'b', 'c', 'd');
        const from = resolver({ nas: disturbed(by(), lookedAt, () => nas.sh(script, { args: [dataset] })) });
        const commands: string[] = [];
        const stop = host.onCommand((line) => commands.push(line));
        const result = await run({}, undefined, from);
        stop();
        const looks = commands.filter((line) => line.includes('name,guid,userrefs,clones'));
        assert.equal(looks.length > 0, way === 'by commands', looks.join('\n'));
        assert.deepEqual(
          result.destroyed.map(({ name }) => name),
          ['a', 'c'],
        );
        assert.match(result.warnings.join(), new RegExp(`@b was left alone: ${why}`));
        assert.deepEqual(await names(), what === 'gone' ? ['d'] : what === 'replaced' ? ['d', 'b'] : ['b', 'd']);
      });
    }

    it(`rule 18: in an approved plan it ends the run before anything is destroyed (${way})`, async () => {
      await take('a', 'b', 'c', 'd');
      const { planId } = await run({ mode: 'plan' });
      const hold = (): Promise<unknown> => nas.run(['zfs', 'hold', 'x', `${dataset}@b`]);
      const from = resolver({ nas: disturbed(by(), lookedAt, hold) });
      await failure(run({ mode: 'approve', approved: planId }, undefined, from), 'PLAN_STALE');
      assert.deepEqual(await names(), ['a', 'b', 'c', 'd']);
    });
  }

  it('rule 18: one that is told to live longer after the plan stays; one whose time is over goes with the others', async () => {
    await take('a', 'b', 'c', 'd');
    const set = (name: string, date: string): Promise<unknown> =>
      nas.run(['zfs', 'set', `org.truenas:destroy_at_1=${date}`, `${dataset}@${name}`]);
    await set('c', '2020-01-01');
    const from = resolver({ nas: disturbed(host, /zfs program -j \S+ - each /, () => set('b', '2099-01-01')) });
    const result = await run({}, undefined, from);
    assert.deepEqual(result.destroyed.map(({ name }) => name).toSorted(), ['a', 'c']);
    assert.deepEqual(result.destroy.map(({ name }) => name).toSorted(), ['a', 'c']);
    assert.match(
      result.keep.find(({ name }) => name === 'b')?.reasons.join() ?? '',
      /destroy_at_1 keeps it until 2099/,
    );
    assert.deepEqual(await names(), ['b', 'd']);
  });

  it('rule 18: where no program runs, what its own property keeps is asked for before anything is destroyed', async () => {
    await take('a', 'b', 'c', 'd');
    await nas.run(['zfs', 'set', 'org.truenas:destroy_at_1=2099-01-01', `${dataset}@b`]);
    const result = await run({}, undefined, resolver({ nas: withoutPrograms(host) }));
    assert.deepEqual(result.destroyed.map(({ name }) => name).toSorted(), ['a', 'c']);
    assert.match(
      result.keep.find(({ name }) => name === 'b')?.reasons.join() ?? '',
      /destroy_at_1 keeps it until 2099/,
    );
    assert.deepEqual(await names(), ['b', 'd']);
  });

  it('rule 19: what its own property keeps does not count for the breaker', async () => {
    const list = Array.from({ length: 11 }, (_, index) => `s${String(index).padStart(2, '0')}`);
    await take(...list, 'newest');
    const kept = list.slice(0, 6).map((name) => `${dataset}@${name}`);
    await nas.run(['zfs', 'set', 'org.truenas:destroy_at_1=2099-01-01', ...kept]);
    assert.equal((await run({ maxDestroyFraction: 0.5 })).destroyed.length, 5);
    assert.deepEqual(await names(), [...list.slice(0, 6), 'newest']);
  });

  it('rule 18: a program that ends on the way leaves what it destroyed destroyed, and the rest to commands', async () => {
    await take('a', 'b', 'c', 'd');
    const cut = withFailingProgram(() => undefined);
    const result = await run({}, undefined, resolver({ nas: cut }));
    assert.deepEqual(
      result.destroyed.map(({ name }) => name),
      ['a', 'b', 'c'],
    );
    assert.deepEqual(result.warnings, []);
    assert.deepEqual(await names(), ['d']);
  });

  for (const { way, by } of ways) {
    it(`rule 20: batches of at most 100, never -r, -R, -f or -d, oldest first (${way})`, async function () {
      this.timeout(120_000);
      const list = Array.from({ length: 115 }, (_, index) => `s${String(index).padStart(3, '0')}`);
      await take(...list, 'newest');
      const commands: string[] = [];
      const stop = host.onCommand((line) => commands.push(line));
      const result = await run({}, undefined, resolver({ nas: by() }));
      stop();
      const byProgram = commands.filter((line) => / program -j \S+ - each/.test(line));
      const destroys = commands.filter((line) => line.includes('zfs destroy'));
      const sizes = [
        ...byProgram.map((line) => line.split('@').length - 1),
        ...destroys.map((line) => line.split(',').length),
      ];
      assert.deepEqual(sizes, [100, 15]);
      assert.equal((way === 'by commands' ? byProgram : destroys).length, 0);
      assert.ok(destroys.every((line) => !/destroy\s+-/.test(line)));
      assert.deepEqual(
        result.destroyed.map(({ name }) => name),
        list,
      );
    });
  }

  it('rule 20: what cannot be destroyed is reported one by one with its code, and quickly where it concerns all', async () => {
    await take(...Array.from({ length: 60 }, (_, index) => `s${index}`), 'newest');
    const op = connect(nas, { id: 'op', label: 'op', username: 'op' });
    const before = op.counters.commands;
    const ctx = new TestContext<PruneResult>();
    await failure(runPrune(resolver({ nas: op }), { datasets: [dataset] }, ctx), 'PERMISSION_DENIED');
    const result = ctx.last;
    assert.equal(result.failed.length, 60);
    assert.ok(result.failed.every(({ code }) => code === 'PERMISSION_DENIED'));
    assert.ok(op.counters.commands - before < 15, `${op.counters.commands - before} commands`);
    await nas.run(['zfs', 'allow', 'op', 'destroy,mount', 'tank']);
    await nas.run(['zfs', 'set', 'org.truenas:destroy_at_1=2099-01-01', `${dataset}@s7`]);
    assert.equal((await runPrune(resolver({ nas: op }), { datasets: [dataset] })).destroyed.length, 59);
    assert.deepEqual(await names(), ['s7', 'newest']);
    await op.close();
  });

  it('rule 20: what a zfs calls destroyed is a failure while a new listing still has it', async () => {
    await take('a', 'b', 'c');
    await pretend(nas, `case "$1 $2" in "destroy ${dataset}@a,b") exec "$ZFS" destroy "${dataset}@a";; esac`);
    const ctx = new TestContext<PruneResult>();
    await failure(run({}, ctx, resolver({ nas: withoutPrograms(host) })), 'PARTIAL_FAILURE');
    await truth(nas);
    const { destroyed, failed } = ctx.last;
    assert.deepEqual(
      destroyed.map(({ name }) => name),
      ['a'],
    );
    assert.deepEqual(
      failed.map(({ name, code }) => [name, code]),
      [['b', 'VERIFICATION_FAILED']],
    );
    assert.deepEqual(await names(), ['b', 'c']);
  });

  it('rule 21: bookmarks are nothing to prune here, ours and others stay as they are', async () => {
    await take('a', 'b', 'c');
    const guid = (await nas.snapshots(dataset))[2]?.guid ?? '';
    const mark = bookmarkName(destinationId('5', 'x/y'), guid, false);
    await nas.sh('zfs bookmark "$1@a" "$1#mine"; zfs bookmark "$1@c" "$1#$2"', { args: [dataset, mark] });
    const { destroyed, keep } = await run();
    assert.deepEqual([destroyed.map(({ name }) => name), keep.map(({ name }) => name)], [['a', 'b'], ['c']]);
    assert.deepEqual((await nas.bookmarks(dataset)).map(({ name }) => name).toSorted(), ['mine', mark].toSorted());
  });

  it('rule 23: a new node only plans; every deletion is told with its reason', async () => {
    await take('a', 'b');
    const { mode, ...rest } = options({ datasets: [dataset], mode: undefined });
    assert.equal(mode, 'plan');
    assert.equal((await run({ mode: undefined })).destroyed.length, 0);
    const ctx = new TestContext<PruneResult>();
    await pruneSnapshots(rest, hosts, ctx);
    const told = ctx.events.filter(({ event }) => event === 'destroyed');
    assert.deepEqual(
      told.map(({ snapshot, reasons }) => [snapshot, reasons]),
      [[`${dataset}@a`, ['goes: not among the newest 1 and no other rule keeps it']]],
    );
  });

  for (const { way, lookedAt, by } of ways) {
    const destroying = way === 'by commands' ? /zfs destroy / : lookedAt;
    it(`rule 23: what was going when the connection broke is told as well (${way})`, async () => {
      await take('a', 'b', 'c');
      const breaks = disturbed(by(), destroying, async () => {
        await nas.run(['zfs', 'destroy', `${dataset}@a`]);
        throw new ZfsFlowError('CONNECTION_LOST', 'the cable was pulled', { retryable: true });
      });
      const ctx = new TestContext<PruneResult>();
      const error = await failure(run({}, ctx, resolver({ nas: breaks })), 'CONNECTION_LOST');
      const { destroyed, failed } = ctx.last;
      assert.equal(error.retryable, true);
      assert.deepEqual(destroyed, []);
      assert.deepEqual(
        failed.map(({ name, code, message }) => [name, code, message]),
        ['a', 'b'].map((name) => [name, 'CONNECTION_LOST', 'the run ended meanwhile; it may be gone by now']),
      );
      assert.equal(ctx.events.filter(({ message }) => message.includes('may be gone by now')).length, 2);
      assert.deepEqual(await names(), ['b', 'c']);
    });
  }

  it('rule 23: what a program may have destroyed is told when the run is cancelled before anybody looked', async () => {
    await take('a', 'b', 'c');
    const cancel = new AbortController();
    const cut = withFailingProgram(() => cancel.abort(new ZfsFlowError('CANCELLED', 'cancelled')));
    const ctx = new TestContext<PruneResult>(undefined, cancel.signal);
    await failure(run({}, ctx, resolver({ nas: cut })), 'CANCELLED');
    const { destroyed, failed } = ctx.last;
    assert.deepEqual(destroyed, []);
    assert.deepEqual(
      failed.map(({ name, code }) => [name, code]),
      [
        ['a', 'CANCELLED'],
        ['b', 'CANCELLED'],
      ],
    );
    assert.deepEqual(await names(), ['b', 'c']);
  });
});
