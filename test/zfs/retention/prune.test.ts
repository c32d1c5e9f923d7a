// Pruning on real pools: each rule, each guard, and what happens when something cannot be destroyed. Plans and their
// approval: approve.test.ts.
import assert from 'node:assert/strict';
import type { HostResolver } from '../../../src/host/host';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import { bookmarkName, destinationId } from '../../../src/zfs/marks';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { autoName, failure, resolver, runPrune } from './support';
import { TestContext } from '../../support/test-context';
import type { PruneResult } from '../../../src/retention/options';

const DAY = 86_400;
const AUTO = { namingSchemas: ['auto-%Y-%m-%d_%H-%M'] };

const sourcePolicy = (dataset: string): object => ({ keep: [{ type: 'source', connection: 'nas', dataset }] });

describe('pruning on real ZFS', () => {
  let nas: Machine;
  let away: Machine;
  let hosts: HostResolver;
  const connections: SshHost[] = [];
  let dataset = '';
  let counter = 0;

  const names = (of = dataset): Promise<string[]> => nas.snapshotNames(of);
  const take = (...list: string[]): Promise<void> => nas.snapshotEach(dataset, list);
  const run = (raw: Record<string, unknown> = {}, ctx = new TestContext<PruneResult>()): Promise<PruneResult> =>
    runPrune(hosts, { datasets: [dataset], ...raw }, ctx);

  after(() => Promise.all(connections.map((host) => host.close())));
  useMachines({ nas: { pool: 'tank' }, away: { pool: 'vault' } }, (machines) => {
    ({ nas, away } = machines);
    connections.push(connect(nas), connect(away));
    hosts = resolver(Object.fromEntries(connections.map((host) => [host.id, host])));
  });
  beforeEach(async () => {
    dataset = `tank/d${++counter}`;
    await nas.createDataset(dataset);
  });

  describe('rules', () => {
    it('last keeps the newest', async () => {
      await take('a', 'b', 'c', 'd', 'e');
      const result = await run({ policy: { keep: [{ type: 'last', count: 2 }] } });
      assert.deepEqual(await names(), ['d', 'e']);
      assert.deepEqual(
        result.destroyed.map(({ name }) => name),
        ['a', 'b', 'c'],
      );
      assert.deepEqual(result.failed, []);
      assert.match(result.destroyed[0]?.reasons[0] ?? '', /^goes: not among the newest 2/);
      assert.match(result.destroyed[0]?.guid ?? '', /^\d+$/);
    });

    it('age and every work from the dates in the names, on request', async () => {
      const all = [40, 20, 15, 8, 3, 2, 1, 0].map((days) => autoName(days * DAY));
      await take(...all, 'manual');
      const raw = { scope: AUTO, ageFrom: 'name', timeZone: 'UTC' };
      await run({ ...raw, policy: { keep: [{ type: 'age', value: 2, unit: 'week' }] } });
      assert.deepEqual(await names(), [...all.slice(3), 'manual']);
      await run({ ...raw, policy: { keep: [{ type: 'every', period: 'day', count: 3 }] } });
      assert.deepEqual(await names(), [...all.slice(5), 'manual']);
    });

    it('ages by creation otherwise', async () => {
      await take(autoName(400 * DAY), 'b');
      const result = await run({ policy: { keep: [{ type: 'age', value: 1, unit: 'hour' }] } });
      assert.deepEqual(result.destroyed, []);
      assert.equal((await names()).length, 2);
    });

    it('schedule and regex keep what they name', async () => {
      const midnight = `auto-${new Date(Date.now() - 9 * DAY * 1000).toISOString().slice(0, 10)}_00-00`;
      await take(midnight, autoName(8 * DAY).replace(/_.*/, '_13-37'), autoName(0), autoName(-60));
      const keep = [
        { type: 'schedule', cron: '0 0 * * *', value: 1, unit: 'month' },
        { type: 'last', count: 1 },
      ];
      await run({ scope: AUTO, ageFrom: 'name', timeZone: 'UTC', policy: { keep } });
      assert.deepEqual(await names(), [midnight, autoName(-60)]);
      await take('x1', 'y1', 'z');
      await run({ policy: { keep: [{ type: 'regex', pattern: '^x' }] } });
      assert.deepEqual(await names(), ['x1', 'z']);
    });

    it('source keeps what the source keeps, and everything when it is missing', async () => {
      await take('a', 'b', 'c', 'd');
      await nas.sh('zfs create -p tank/copies; zfs send -R "$1@d" | zfs recv -u "$2"', {
        args: [dataset, `tank/copies/c${counter}`],
      });
      await nas.run(['zfs', 'destroy', `${dataset}@b`]);
      const copy = { datasets: [`tank/copies/c${counter}`] };
      await run({ ...copy, policy: sourcePolicy('tank/missing') });
      assert.deepEqual(await names(copy.datasets[0]), ['a', 'b', 'c', 'd']);
      await run({ ...copy, policy: sourcePolicy(dataset) });
      assert.deepEqual(await names(copy.datasets[0]), ['a', 'c', 'd']);
    });
  });

  describe('scope', () => {
    it('touches only what it names, in the datasets it names [C1 57]', async () => {
      await nas.createDataset(`${dataset}/child`);
      await nas.createDataset(`${dataset}/skip`);
      for (const name of ['auto-2020-01-01_00-00', 'manual', 'auto-2020-01-02_00-00', 'zrepl_1']) {
        await nas.run(['zfs', 'snapshot', '-r', `${dataset}@${name}`]);
      }
      await run({ scope: AUTO });
      assert.deepEqual(await names(`${dataset}/child`), [
        'auto-2020-01-01_00-00',
        'manual',
        'auto-2020-01-02_00-00',
        'zrepl_1',
      ]);
      await run({ scope: AUTO, recursive: true, exclude: [`${dataset}/skip`] });
      const left = ['manual', 'auto-2020-01-02_00-00', 'zrepl_1'];
      assert.deepEqual([await names(), await names(`${dataset}/child`)], [left, left]);
      assert.equal((await names(`${dataset}/skip`)).length, 4);
    });

    it('destroys nothing with an empty scope or without a rule, and says so [C1 52]', async () => {
      await take('a', 'b', 'c');
      assert.match((await run({ scope: {} })).warnings.join(), /scope names nothing/);
      assert.match((await run({ policy: {} })).warnings.join(), /no keep rule/);
      assert.deepEqual(await names(), ['a', 'b', 'c']);
    });

    it('handles every name that ZFS takes', async () => {
      const odd = ['a b', '-x', 'a:b', 'a', '.x', 'é'.length === 1 ? '0' : ''].filter(Boolean);
      await take(...odd, 'new');
      const result = await run();
      assert.deepEqual(await names(), ['new']);
      assert.equal(result.destroyed.length, odd.length);
    });
  });

  describe('guards', () => {
    it('keeps held, cloned, expiring and newest snapshots, and destroys the others', async () => {
      await take('held', 'cloned', 'dated', 'expired', 'plain', 'newest');
      await nas.sh('zfs hold mine "$1@held"; zfs clone "$1@cloned" "$1-clone"', { args: [dataset] });
      await nas.sh(
        'zfs set org.truenas:destroy_at_1=2099-01-01 "$1@dated" && zfs set org.truenas:destroy_at_1=2020-01-01 "$1@expired"',
        {
          args: [dataset],
        },
      );
      const result = await run();
      assert.deepEqual(await names(), ['held', 'cloned', 'dated', 'newest']);
      const why = Object.fromEntries(result.keep.map(({ name, reasons }) => [name, reasons.join()]));
      assert.match(why['held'] ?? '', /held/);
      assert.match(why['cloned'] ?? '', /has the clone tank/);
      assert.match(why['dated'] ?? '', /keeps it until 2099-01-01/);
      assert.match(why['newest'] ?? '', /newest/);
    });

    it('keeps the base of a partial receive, and what the source still sends for it [C1 68]', async () => {
      await take('base');
      const copy = `${dataset}-copy`;
      await nas.sh('zfs send "$1@base" | zfs recv -u "$2"', { args: [dataset, copy] });
      await nas.writeRandom(dataset, 'file', 8);
      await take('next', 'later');
      await nas.sh('zfs send -i @base "$1@next" | head -c 2000000 | zfs recv -s "$2" || true', {
        args: [dataset, copy],
      });
      const there = await run({ datasets: [copy] });
      assert.match(there.keep.map(({ reasons }) => reasons.join()).join(), /partial receive/);
      const here = await run({ protectFor: [{ connection: 'nas', dataset: copy }] });
      assert.deepEqual(here.destroyed, []);
      assert.match(here.keep.find(({ name }) => name === 'next')?.reasons.join() ?? '', /unfinished transfer/);
    });

    it('keeps the last snapshot shared with a live destination and what it has not received', async () => {
      await take('a', 'b', 'c');
      await away.createDataset('vault/in');
      const target = `vault/in/d${counter}`;
      const stream = await nas.run(['sh', '-c', `zfs send -R ${dataset}@b | base64 -w0`]);
      await away.sh('base64 -d | zfs recv -u "$1"', { args: [target], stdin: stream.stdout });
      await take('d');
      const result = await run({ protectFor: [{ connection: 'away', dataset: target }] });
      assert.deepEqual(await names(), ['b', 'c', 'd']);
      assert.match(result.keep[0]?.reasons.join() ?? '', new RegExp(`last snapshot shared with away:${target}`));
      assert.match(result.keep[1]?.reasons.join() ?? '', /has not received it yet/);
    });

    it('keeps everything for a destination that is missing or shares nothing', async () => {
      await take('a', 'b');
      const gone = await run({ protectFor: [{ connection: 'away', dataset: 'vault/none' }] });
      assert.match(gone.keep[0]?.reasons.join() ?? '', /does not exist, so all of it is unsent/);
      const foreign = await run({ protectFor: [{ connection: 'away', dataset: 'vault' }] });
      assert.match(foreign.keep[0]?.reasons.join() ?? '', /shares no snapshot/);
      assert.deepEqual(await names(), ['a', 'b']);
    });

    it('goes by the bookmarks while a destination is away, and keeps all when there are none', async () => {
      await take('a', 'b', 'c', 'd');
      const protectFor = [{ connection: 'away', dataset: 'vault/in/off' }];
      const facts = await hosts('away').facts();
      const pool = facts.pools.find(({ name }) => name === 'vault')?.guid ?? '';
      const b = (await nas.snapshots(dataset)).find(({ name }) => name === 'b')?.guid ?? '';
      // Nobody listens there: the host is away.
      const dead = connect(away, { port: 1 });
      connections.push(dead);
      const partly = resolver({ nas: hosts('nas'), away: dead });
      const blind = await runPrune(partly, { datasets: [dataset], protectFor });
      assert.deepEqual(blind.destroyed, []);
      assert.match(blind.warnings.join(), /cannot be reached/);
      const mark = bookmarkName(destinationId(pool, 'vault/in/off'), b, false);
      await nas.run(['zfs', 'bookmark', `${dataset}@b`, `${dataset}#${mark}`]);
      const result = await runPrune(partly, { datasets: [dataset], protectFor });
      assert.deepEqual(await names(), ['b', 'c', 'd']);
      assert.match(result.keep[0]?.reasons.join() ?? '', /last snapshot shared with away:vault\/in\/off/);
    });

    it('goes by bookmarks for destinations that nobody named, too', async () => {
      await take('a', 'b', 'c', 'd');
      const b = (await nas.snapshots(dataset)).find(({ name }) => name === 'b')?.guid ?? '';
      await nas.run([
        'zfs',
        'bookmark',
        `${dataset}@b`,
        `${dataset}#${bookmarkName(destinationId('1234', 'usb/x'), b, false)}`,
      ]);
      await run();
      assert.deepEqual(await names(), ['b', 'c', 'd']);
    });
  });

  describe('bad input', () => {
    it('refuses what is not a policy, naming the property', async () => {
      const cases = [
        ['datasets', { datasets: [] }],
        ['datasets', { datasets: ['tank/$(x)'] }],
        ['policy', { policy: { keep: [{ type: 'last' }] } }],
        ['policy', { policy: { keep: [{ type: 'last', count: 0 }] } }],
        ['policy', { policy: { keep: [{ type: 'age', value: 3, unit: 'days' }] } }],
        ['policy', { policy: { keep: [{ type: 'lats', count: 3 }] } }],
        ['policy', { policy: { keep: [{ type: 'schedule', cron: '61 * * * *', value: 1, unit: 'day' }] } }],
        ['policy', { policy: { keep: [{ type: 'regex', pattern: '(' }] } }],
        ['policy', { policy: { keep: 'all' } }],
        ['scope', { scope: { namingSchemas: ['auto'] } }],
        ['scope', { scope: { namingSchema: 'auto-%Y' } }],
        ['timeZone', { timeZone: 'Mars/Olympus' }],
        ['keepAtLeast', { keepAtLeast: 0 }],
        ['maxDestroyFraction', { maxDestroyFraction: 2 }],
        ['minFree', { minFree: 'much' }],
        ['minFree', { minFree: '101%' }],
        ['mode', { mode: 'delete' }],
        ['protectFor', { protectFor: [{ connection: 'away' }] }],
        ['payload', { mode: 'approve' }],
      ] as const;
      for (const [field, raw] of cases) {
        const error = await failure((async () => run(raw))(), 'INVALID_OPTIONS');
        assert.equal(error.field, field, JSON.stringify(raw));
      }
    });

    it('destroys nothing when a dataset is missing or a listing fails', async () => {
      await take('a', 'b', 'c');
      const missing = await failure(run({ datasets: [dataset, 'tank/none'] }), 'DATASET_NOT_FOUND');
      assert.equal(missing.dataset, 'tank/none');
      // A zfs whose listings end with an error after part of their output, in place of the real one.
      await nas.sh(`real=$(readlink -f "$(command -v zfs)"); cp "$real" /tmp/real-zfs
        printf '#!/bin/sh\\ncase $1 in list) /tmp/real-zfs "$@" | head -n 2; exit 1;; *) exec /tmp/real-zfs "$@";; esac\\n' >/tmp/broken-zfs
        chmod +x /tmp/broken-zfs; mount --bind /tmp/broken-zfs "$real"`);
      try {
        await failure(run(), 'ZFS_ERROR');
      } finally {
        await nas.sh('umount "$(readlink -f "$(command -v zfs)")"');
      }
      assert.deepEqual(await names(), ['a', 'b', 'c']);
    });
  });

  describe('execution', () => {
    it('tells of every deletion with its reason, oldest first, and of the bytes that came back', async () => {
      for (const name of ['a', 'b', 'c']) {
        await nas.writeRandom(dataset, 'file', 4);
        await take(name);
      }
      const ctx = new TestContext<PruneResult>();
      const result = await run({}, ctx);
      const told = ctx.events.filter(({ event }) => event === 'destroyed');
      assert.deepEqual(
        told.map(({ snapshot }) => snapshot),
        [`${dataset}@a`, `${dataset}@b`],
      );
      assert.match(told[0]?.message ?? '', /goes: not among the newest 1/);
      assert.ok(result.reclaimedBytes > 8_000_000 && result.reclaimedBytes < 10_000_000, String(result.reclaimedBytes));
    });

    it('stops when it is cancelled', async () => {
      await take('a', 'b');
      const controller = new AbortController();
      controller.abort();
      await failure(run({}, new TestContext(undefined, controller.signal)), 'CANCELLED');
      assert.deepEqual(await names(), ['a', 'b']);
    });

    it('holds everything while the clocks disagree', async () => {
      await take('a', 'b');
      const result = await run({}, new TestContext(() => new Date(Date.now() + 365 * DAY * 1000)));
      assert.deepEqual(result.destroyed, []);
      assert.match(result.warnings.join(), /the clock looks wrong: the clock of nas/);
      assert.deepEqual(await names(), ['a', 'b']);
    });

    it('frees only as much as is asked for [C1 66]', async function () {
      this.timeout(120_000);
      for (const name of ['a', 'b', 'c', 'd']) {
        await nas.writeRandom(dataset, 'file', 32);
        await take(name);
      }
      assert.deepEqual((await run({ minFree: '1M' })).destroyed, []);
      const free = Number(await nas.read(['zfs', 'list', '-Hp', '-o', 'available', 'tank']));
      const result = await run({ minFree: String(free + 40_000_000) });
      assert.deepEqual(
        result.destroyed.map(({ name }) => name),
        ['a', 'b'],
      );
      assert.deepEqual(await names(), ['c', 'd']);
    });
  });
});
