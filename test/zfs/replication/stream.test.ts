// The stream on its way: compressors, buffers, and a speed limit that is changed while it runs.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine } from '../../lab/machine';
import { parseReplicateOptions } from '../../../src/replication/setup/check-options';
import { replicate } from '../../../src/replication/replicate';
import { assertSame, type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';

const MB = 1 << 20;

describe('the stream of a replication', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');
  before(async () => {
    await a.run(['zfs', 'create', '-o', 'compression=off', 'tank/text']);
    await a.sh('yes "a line of text" | head -c 24M >/tank/text/lines');
    await a.snapshot('tank/text', 's1');
    await a.createDataset('tank/noise');
    await a.writeRandom('tank/noise', 'x', 24);
    await a.snapshot('tank/noise', 's1');
  });

  it('never changes -L within a chain that ZFS goes on with only as it began [C1 45]', async () => {
    await a.run(['zfs', 'create', '-o', 'recordsize=1M', 'tank/large']);
    await a.writeRandom('tank/large', 'x', 3);
    await a.snapshot('tank/large', 's1');
    const options = { ...relay, sourceDatasets: ['tank/large'] };
    for (const begun of [true, false]) {
      await engine.replicate({ ...options, targetDataset: `backup/large-${begun}`, largeBlocks: begun });
    }
    await a.writeRandom('tank/large', 'y', 2);
    await a.snapshot('tank/large', 's2');
    for (const begun of [true, false]) {
      const targetDataset = `backup/large-${begun}`;
      const result = await engine.replicate({ ...options, targetDataset, largeBlocks: !begun, retries: 1 });
      assert.equal(/begun with large blocks/.test(result.datasets[0]?.warnings.join() ?? ''), begun);
      await assertSame(a, 'tank/large', b, targetDataset);
    }
  });

  it('gives a pool without the features a stream that it can take, or refuses', async () => {
    await b.sh('truncate -s 256M /root/old.img; zpool create -d -O mountpoint=none old /root/old.img');
    await a.run(['zfs', 'create', '-o', 'recordsize=1M', '-o', 'compression=lz4', 'tank/new']);
    await a.writeRandom('tank/new', 'x', 2);
    await a.writeFile('tank/new', 'tiny', 'embedded');
    await a.snapshot('tank/new', 's1');
    const options = { ...relay, targetDataset: 'old/copy', resumable: false };
    const plain = { ...options, sourceDatasets: ['tank/new'], embeddedBlocks: true };
    const plan = await engine.replicate({ ...plain, mode: 'plan' });
    assert.match(plan.datasets[0]?.warnings.join() ?? '', /no -L.*no -c.*no -e/);
    const result = await engine.replicate(plain);
    assert.match(result.datasets[0]?.warnings.join() ?? '', /no -L/);
    await assertSame(a, 'tank/new', b, 'old/copy');
    await a.sh('umask 077; printf %064d 1 >/root/key');
    const key = ['-o', 'encryption=on', '-o', 'keyformat=hex', '-o', 'keylocation=file:///root/key'];
    await a.run(['zfs', 'create', ...key, 'tank/secret']);
    await a.snapshot('tank/secret', 's1');
    const raw = { ...options, sourceDatasets: ['tank/secret'], targetDataset: 'old/secret' };
    const refused = await engine.refuse('UNSUPPORTED', raw);
    assert.match(refused.hint ?? '', /zpool upgrade old/);
    await engine.replicate({ ...raw, raw: 'never' });
    await b.run(['zpool', 'destroy', 'old']);
  });

  async function fromMachine(work: () => Promise<unknown>): Promise<number> {
    const before = await a.link.stats();
    await work();
    return (await a.link.stats()).toHost - before.toHost;
  }

  for (const compression of ['zstd', 'lz4', 'pigz', 'gzip', 'lzop', 'xz', 'auto']) {
    it(`travels compressed by ${compression}`, async () => {
      const targetDataset = `backup/${compression}`;
      const options = { ...relay, sourceDatasets: ['tank/text'], targetDataset, streamCompression: compression };
      const bytes = await fromMachine(() => engine.replicate(options));
      assert.ok(bytes < 4 * MB, `${bytes} bytes crossed the network`);
      await assertSame(a, 'tank/text', b, targetDataset);
    });
  }

  it('leaves streams that are compressed already alone in auto', async () => {
    await engine.replicate({
      ...relay,
      sourceDatasets: ['tank/noise'],
      targetDataset: 'backup/noise',
      streamCompression: 'auto',
    });
    await assertSame(a, 'tank/noise', b, 'backup/noise');
  });

  it('fails when a stage in the middle fails, although both ends may succeed', async () => {
    await b.sh(
      'mv /usr/bin/lz4 /usr/bin/lz4.real; printf "#!/bin/sh\\n/usr/bin/lz4.real \\"\\$@\\"; exit 3\\n" >/usr/bin/lz4; chmod 755 /usr/bin/lz4',
    );
    try {
      const options = {
        ...relay,
        sourceDatasets: ['tank/text'],
        targetDataset: 'backup/bad',
        streamCompression: 'lz4',
        retries: 1,
      };
      await assert.rejects(engine.replicate(options), { code: 'TRANSFER_FAILED' });
    } finally {
      await b.sh('mv /usr/bin/lz4.real /usr/bin/lz4');
    }
  });

  it('names the missing compressor and the host', async () => {
    await b.sh('mv /usr/bin/xz /usr/bin/xz.gone');
    try {
      await engine.refuse('COMMAND_NOT_FOUND', {
        ...relay,
        sourceDatasets: ['tank/text'],
        targetDataset: 'backup/none',
        streamCompression: 'xz',
      });
    } finally {
      await b.sh('mv /usr/bin/xz.gone /usr/bin/xz');
    }
  });

  it('keeps to its speed limit within 15 % [C1 76]', async () => {
    const limit = 4 * MB;
    const running = engine.replicate({
      ...relay,
      sourceDatasets: ['tank/noise'],
      targetDataset: 'backup/slow',
      speedLimit: '4M',
    });
    const { average, peak } = await rates(running);
    assert.ok(average < limit * 1.15 && peak > limit * 0.85, `${average / MB}, at most ${peak / MB} MB/s`);
    await assertSame(a, 'tank/noise', b, 'backup/slow');
  });

  it('changes the limit of a running transfer, also of one that had none [C1 76]', async () => {
    await a.link.limit(2 * MB);
    let limit: (bytes: number) => void = () => assert.fail('nobody listens');
    const context = {
      ...engine.context(),
      onSpeedLimit: (listener: (bytes: number) => void) => void (limit = listener),
    };
    const options = parseReplicateOptions({
      ...relay,
      sourceDatasets: ['tank/noise'],
      targetDataset: 'backup/changed',
    });
    const running = replicate(options, engine.resolve, context);
    const bytes = (): number => Number(engine.events.findLast(({ event }) => event === 'progress')?.['bytes'] ?? 0);
    await until(() => bytes() > 2 * MB);
    limit(3 * MB);
    // It goes on in another attempt, with a limiter, and is done there before the limit is lifted.
    await until(() => engine.events.filter(({ event }) => event === 'plan').length === 2);
    await a.link.limit(0);
    const from = bytes();
    const { average, peak } = await rates(until(() => bytes() > from + 10 * MB));
    assert.ok(average < 3 * MB * 1.15 && peak > 3 * MB * 0.85, `${average / MB}, at most ${peak / MB} MB/s`);
    limit(0);
    const result = await running;
    assert.equal(result.state, 'success');
    await assertSame(a, 'tank/noise', b, 'backup/changed');
  });

  /**
   * Bytes per second that went to the target while `work` lasted: all but the first and last megabyte, and the most of any
   * two seconds. A busy machine makes the one smaller, and after a pause more may come for a moment.
   */
  async function rates(work: Promise<unknown>): Promise<{ average: number; peak: number }> {
    const over = new AbortController();
    const ended = work.finally(() => over.abort());
    const seen: { asked: number; told: number; bytes: number }[] = [];
    while (!over.signal.aborted) {
      const asked = Date.now();
      const { toMachine } = await b.link.stats();
      seen.push({ asked, told: Date.now(), bytes: toMachine });
      await sleep(100);
    }
    await ended;
    // With the longest time that may have passed between the two: what is told late is not more.
    const rate = (first?: (typeof seen)[0], last?: (typeof seen)[0]): number =>
      first && last ? (last.bytes - first.bytes) / ((last.told - first.asked) / 1000) : 0;
    const [start, end] = [seen[0]?.bytes ?? 0, seen.at(-1)?.bytes ?? 0];
    const moving = seen.filter(({ bytes }) => bytes > start + MB && bytes < end - MB);
    const windows = seen.map((first, index) => {
      return rate(
        first,
        seen.slice(index).find(({ asked }) => asked - first.told >= 2000),
      );
    });
    return { average: rate(moving[0], moving.at(-1)), peak: Math.max(...windows) };
  }

  async function until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error('what was waited for did not happen within a minute');
      await sleep(20);
    }
  }
});
