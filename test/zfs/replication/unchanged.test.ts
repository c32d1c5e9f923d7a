// Where nothing has changed, no snapshot is listed, and everything is said as if it had been.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventInput } from '../../../src/base/events';
import type { ZfsFlowError } from '../../../src/base/errors';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import type { Machine } from '../../lab/machine';
import { marks, type Engine } from '../../support/engine';
import { usePair } from '../../support/machines';
import { snapshotListings, TO_BE_OLD_MS } from '../../support/listings';

const job = { sourceConnection: 'a', targetConnection: 'b', recursive: true, createSnapshot: 'never', retries: 1 };

/** What a run says, without what differs each time. */
interface Said {
  events: EventInput[];
  result: unknown;
}

const resultOf = (result: ReplicationResult): unknown => ({
  ...result,
  jobId: '',
  startedAt: '',
  durationMs: 0,
  datasets: result.datasets.map((dataset) => ({ ...dataset, durationMs: 0 })),
});

const failuresOf = ({ details }: ZfsFlowError): string[] => {
  const failures = details?.['failures'] as { dataset: string; code: string }[];
  return failures.map(({ dataset, code }) => `${dataset} ${code}`).toSorted();
};

describe('replication where nothing has changed', function () {
  this.timeout(240_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair));

  /** Runs; returns what it says, and what it listed. */
  async function run(options: Record<string, unknown>): Promise<Said & { listed: string[] }> {
    const listings = snapshotListings(engine);
    engine.events.length = 0;
    const result = await engine.replicate({ ...job, ...options });
    return { events: [...engine.events], result: resultOf(result), listed: listings.end() };
  }

  interface Tree {
    source: string;
    target: string;
    options: { sourceDatasets: string[]; targetDataset: string };
  }

  /** Trees that are up to date, and known to be; one for each test. */
  const trees: Tree[] = [];

  before(async function () {
    this.timeout(240_000);
    for (let count = 0; count < 14; count++) {
      const [source, target] = [`tank/t${count}`, `backup/t${count}`];
      for (const dataset of ['', '/x', '/y', '/z']) await a.createDataset(`${source}${dataset}`);
      for (const one of ['1', '2', '3']) await a.snapshot(source, one, { recursive: true });
      trees.push({ source, target, options: { sourceDatasets: [source], targetDataset: target } });
      await run(trees[count]?.options ?? {});
    }
    await sleep(TO_BE_OLD_MS);
    for (const { options } of trees) assert.equal((await run(options)).listed.length, 2, 'both sides');
    for (const { options } of trees) assert.deepEqual((await run(options)).listed, []);
  });

  function settled(): Tree {
    const tree = trees.pop();
    assert.ok(tree);
    return tree;
  }

  it('lists no snapshot, and says the same', async () => {
    const { options } = settled();
    // Another option, and nothing is known.
    const slow = await run({ ...options, retryDelay: 0.3 });
    const fast = await run(options);
    assert.deepEqual([slow.listed.length, fast.listed], [2, []]);
    assert.deepEqual(fast.events, slow.events);
    assert.deepEqual(fast.result, slow.result);
  });

  it('lists the datasets that have changed, and no other', async () => {
    const { source, target, options } = settled();
    await a.snapshot(`${source}/x`, '4');
    const { listed, result } = await run(options);
    assert.equal(listed.length, 1, 'the copy has not changed');
    for (const line of listed) assert.match(line, /-d 1 .* tank\/t\d+\/x$/);
    const actions = (result as ReplicationResult).datasets.map(({ source: name, action }) => [name, action]);
    assert.deepEqual(actions.filter(([, action]) => action !== 'current'), [[`${source}/x`, 'incremental']]); // prettier-ignore
    assert.deepEqual(await b.snapshotNames(`${target}/x`), ['1', '2', '3', '4']);
  });

  it('says the same where properties of ours are set, on a dataset or above it, whatever their text', async () => {
    const { source, target, options } = settled();
    const spoof = `on\n${target}/w\tfilesystem\t12345`;
    for (const [machine, dataset, value] of [
      [b, `${target}/x`, 'on'],
      [b, 'backup', spoof],
      [a, 'tank', '-'],
      [a, `${source}/y`, 'x\ty'],
    ] as const) {
      for (const change of [
        ['set', `zfsflow:raw=${value}`],
        ['inherit', 'zfsflow:raw'],
      ]) {
        await machine.run(['zfs', ...change, dataset]);
        const fast = [await run(options), await run(options)];
        const slow = await run({ ...options, retryDelay: Math.random() + 0.1 });
        for (const one of fast) assert.deepEqual([one.events, one.result], [slow.events, slow.result], `${dataset} ${change.join(' ')}`); // prettier-ignore
      }
    }
  });

  it('lists no copy of those that it has just sent to, and marks them as ever', async () => {
    const { source, target, options } = settled();
    for (const one of ['4', '5', '6']) {
      // ZFS notes whole seconds.
      await sleep(1_100);
      await a.snapshot(source, one, { recursive: true });
      const { listed, result } = await run(options);
      assert.equal((result as ReplicationResult).snapshots, 4);
      assert.ok(listed.length === 1 && listed[0]?.includes('tank/'), listed.join('\n'));
    }
    for (const dataset of ['', '/x', '/y', '/z']) {
      assert.deepEqual(await b.snapshotNames(`${target}${dataset}`), ['1', '2', '3', '4', '5', '6']);
      const [from, to] = [await marks(a, `${source}${dataset}`), await marks(b, `${target}${dataset}`)];
      assert.deepEqual([from.tentative, from.holds, to.holds], [[], [], ['6:zfsflow_last']]);
    }
    // What the sources have is looked for again, as long as their own change is so young.
    const { listed, result } = await run(options);
    assert.ok((result as ReplicationResult).datasets.every(({ action }) => action === 'current'));
    assert.ok(listed.length === 1 && listed[0]?.includes('tank/'), listed.join('\n'));
    // At once, when nothing of it is old enough to be known by a note in whole seconds.
    await a.snapshot(source, '7', { recursive: true });
    await run(options);
    await b.snapshot(`${target}/y`, 'theirs');
    await a.snapshot(source, '8', { recursive: true });
    const error = await engine.refuse('PARTIAL_FAILURE', { ...job, ...options });
    assert.deepEqual(failuresOf(error), [`${source}/y TARGET_DIVERGED`]);
    assert.deepEqual((await b.snapshotNames(`${target}/y`)).slice(-2), ['7', 'theirs']);
  });

  it('sees that the newest of a copy was replaced by another of its name in that second, also where nothing is to be sent', async () => {
    const { source, target, options } = settled();
    // What changes in the next seconds seems to have been seen.
    await b.sh(`mv /usr/bin/date /usr/bin/date.real
      printf '#!/bin/sh\\n[ "$*" = "-u +%%s" ] && exec /usr/bin/date.real -u -d "5 seconds" +%%s\\nexec /usr/bin/date.real "$@"\\n' >/usr/bin/date
      chmod 755 /usr/bin/date`);
    try {
      assert.equal((await run(options)).listed.length, 2);
      await a.snapshot(source, '4', { recursive: true });
      await run(options);
      await b.sh(
        `for one in x y; do zfs release zfsflow_last "$1/$one@4"; zfs destroy "$1/$one@4"; done
         zfs snapshot "$1/x@4"; zfs rename "$1/y@3" 4; zfs rename "$1/z@4" theirs; zfs snapshot "$1/z@4"`,
        { args: [target] },
      );
      const error = await engine.refuse('PARTIAL_FAILURE', { ...job, ...options });
      assert.deepEqual(failuresOf(error), [
        `${source}/x TARGET_DIVERGED`,
        `${source}/y SNAPSHOT_EXISTS`,
        `${source}/z TARGET_DIVERGED`,
      ]);
      assert.deepEqual(await b.snapshotNames(`${target}/y`), ['1', '2', '4']);
      assert.deepEqual(await b.snapshotNames(`${target}/z`), ['1', '2', '3', 'theirs', '4']);
    } finally {
      await b.sh('mv /usr/bin/date.real /usr/bin/date');
    }
  });

  it('sends nothing under a name that a copy has which was not listed', async () => {
    const { source, options } = settled();
    await a.run(['zfs', 'rename', `${source}/x@1`, 'older']);
    await run(options);
    await sleep(TO_BE_OLD_MS);
    for (const _ of [1, 2]) await run(options);
    await a.snapshot(`${source}/x`, '1');
    const error = await engine.refuse('PARTIAL_FAILURE', { ...job, ...options });
    assert.deepEqual(failuresOf(error), [`${source}/x SNAPSHOT_EXISTS`]);
  });

  it('makes a bookmark again that somebody has destroyed', async () => {
    const { source, options } = settled();
    const { final } = await marks(a, source);
    const newest = (await a.bookmarks(source)).at(-1)?.name ?? '';
    assert.ok(final.includes(newest));
    for (const name of final) await a.run(['zfs', 'destroy', `${source}#${name}`]);
    await run(options);
    assert.deepEqual((await marks(a, source)).final, [newest]);
  });

  it('sees what is done to the copies', async () => {
    const { target, options } = settled();
    await b.snapshot(`${target}/y`, 'theirs');
    await b.sh(`zfs set readonly=off "$1"; zfs mount "$1"; echo x >"$(zfs get -H -o value mountpoint "$1")/f"; zfs unmount "$1"; zpool sync`, { args: [`${target}/z`] }); // prettier-ignore
    const error = await engine.refuse('PARTIAL_FAILURE', { ...job, ...options });
    const failures = error.details?.['failures'] as { dataset: string; code: string }[];
    assert.deepEqual(failures.map(({ code }) => code).toSorted(), ['TARGET_DIVERGED', 'TARGET_MODIFIED']);
    // What failed is not remembered.
    await b.run(['zfs', 'destroy', `${target}/y@theirs`]);
    await b.run(['zfs', 'rollback', `${target}/z@3`]);
    assert.equal((await run(options)).listed.length, 2);
  });

  it('looks again where the machines took long to say what they are', async () => {
    const { source, target, options } = settled();
    const hosts = [engine.resolve('a'), engine.resolve('b')];
    const known = hosts.map((host) => host.facts.bind(host));
    // The first look is over by then, and had nothing to see.
    const change = sleep(2_000).then(() => b.snapshot(`${target}/y`, 'theirs'));
    const late = Promise.all([change, sleep(6_000)]);
    hosts.forEach((host, index) => {
      host.facts = async (asked) => late.then(() => known[index]?.(asked) ?? assert.fail());
    });
    try {
      const error = await engine.refuse('PARTIAL_FAILURE', { ...job, ...options });
      assert.deepEqual(failuresOf(error), [`${source}/y TARGET_DIVERGED`]);
    } finally {
      hosts.forEach((host, index) => Object.assign(host, { facts: known[index] }));
    }
  });

  it('sees a source that gained snapshots by being promoted, which ZFS does not note', async () => {
    const { source, target, options } = settled();
    await a.run(['zfs', 'clone', `${source}/x@2`, `${source}/clone`]);
    await a.snapshot(`${source}/clone`, 'own');
    await run(options);
    await sleep(TO_BE_OLD_MS);
    await run(options);
    assert.deepEqual((await run(options)).listed, []);
    await a.run(['zfs', 'promote', `${source}/clone`]);
    await a.snapshot(`${source}/clone`, 'later');
    assert.equal((await run(options).catch(() => ({ listed: engine.events }))).listed.length > 0, true);
    assert.deepEqual((await b.snapshotNames(`${target}/clone`)).slice(-2), ['own', 'later']);
  });

  it('lists everything where a policy of its own goes by dates, and lets go what is due', async () => {
    const { target, options } = settled();
    const policy = { keep: [{ type: 'last', count: 1 }] };
    const pruned = await run({ ...options, targetRetention: 'custom', targetRetentionPolicy: policy });
    assert.ok(pruned.listed.length >= 2);
    assert.deepEqual(await b.snapshotNames(`${target}/x`), ['3']);
  });

  it('keeps to the source although nothing is listed for the plan', async () => {
    const { source, target, options } = settled();
    const mirrored = { ...options, targetRetention: 'source' };
    await run(mirrored);
    await run(mirrored);
    await a.run(['zfs', 'destroy', `${source}/z@2`]);
    await run(mirrored);
    assert.deepEqual(await b.snapshotNames(`${target}/z`), ['1', '3']);
  });

  it('lists everything after the pool was imported again, and after a clock was put back', async () => {
    const { options } = settled();
    await b.sh('zpool export backup; zpool import -d /dev/ubda -d /dev/ubdb backup');
    assert.equal((await run(options)).listed.length, 2);
    assert.deepEqual((await run(options)).listed, []);
    await a.sh('date -s "@$(( $(date +%s) - 10 ))"');
    assert.equal((await run(options)).listed.length, 2);
  });
});
