// What breaks in the middle: links, processes, machines, the user's patience. Afterwards one run reaches the source's
// state, and nothing of ours is left lying about.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../src/base/errors';
import type { CommandResult, PipeCommandOptions, ProcessSpec, RunOptions } from '../../../src/host/host';
import { SshHost } from '../../../src/host/ssh/ssh-host';
import type { Machine } from '../../lab/machine';
import { assertSame, connectOptions, type Engine } from '../../support/engine';
import { assertTidy, type Job, jobOf, until } from '../../support/job';
import { usePair } from '../../support/machines';

const MB = 1 << 20;

/** The next so many receives end at once, by themselves or because the connection to them breaks. */
class BrokenHost extends SshHost {
  left = 0;
  tried = 0;
  how: 'process' | 'connection' = 'process';

  override async pipeCommand(argv: readonly string[], options: PipeCommandOptions): Promise<ProcessSpec> {
    const spec = await super.pipeCommand(argv, options);
    if (!argv.includes('receive')) return spec;
    this.tried++;
    if (this.left === 0) return spec;
    this.left--;
    return { ...spec, file: '/bin/sh', args: ['-c', this.how === 'process' ? 'kill -9 $$' : 'exit 255'] };
  }
}

/** The answer to the first `zfs snapshot` is lost, which has been carried out. */
class ForgetfulHost extends SshHost {
  private left = 1;

  override async run(argv: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const result = await super.run(argv, options);
    if (argv[1] === 'snapshot' && this.left-- > 0) throw new ZfsFlowError('CONNECTION_LOST', 'lost');
    return result;
  }
}

describe('replication through failures', function () {
  this.timeout(180_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');

  /** A new dataset with `mb` MiB in its first snapshot, and the options that replicate it. */
  async function job(mb: number): Promise<Job> {
    const [source, target] = [`tank/f${++counter}`, `backup/f${counter}`];
    await a.createDataset(source);
    await a.writeRandom(source, 'data', mb);
    await a.snapshot(source, 's1');
    return jobOf(source, target);
  }

  async function assertOver(source: string, target: string): Promise<void> {
    await assertTidy(a, source, b, target);
    assert.equal(await b.property(target, 'receive_resume_token'), '-');
    for (const machine of [a, b]) {
      const { stdout } = await machine.run(['ps', '-A', '-o', 'args='], {});
      assert.doesNotMatch(stdout, /zfs (send|receive)|zfsflow\./);
    }
  }

  it('resumes by itself when the link is cut without a word in mid-stream', async () => {
    const { source, target, options } = await job(48);
    await a.link.limit(16 * MB);
    const running = engine.replicate(options);
    await b.link.cutAfter(20 * MB, 'cut');
    await b.link.tripped();
    const restored = new Promise((resolve) => setTimeout(resolve, 12_000)).then(() => b.link.restore());
    const result = await running;
    await restored;
    assert.equal(result.datasets[0]?.action, 'resume');
    assert.ok(engine.events.some(({ event }) => event === 'retry'));
    assert.ok(result.bytes < 48 * MB * 1.7, `bytes sent in all: ${result.bytes}`);
    await assertSame(a, source, b, target);
    await assertOver(source, target);
  });

  it('resumes when the connection is reset five times, with new snapshots in between [C1 22]', async () => {
    const { source, target, options } = await job(40);
    await a.link.limit(16 * MB);
    const over = new AbortController();
    const ended = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()));
    const trouble = (async () => {
      for (let cut = 0; cut < 5; cut++) {
        await b.link.cutAfter(6 * MB, 'reset');
        await Promise.race([b.link.tripped(), ended]);
        if (over.signal.aborted) return;
        await a.snapshot(source, `between${cut}`);
      }
    })();
    const first = await engine.replicate({ ...options, retries: 10 });
    over.abort();
    await trouble;
    const second = await engine.replicate(options);
    assert.ok(first.bytes + second.bytes < 2 * 41 * MB, `bytes: ${first.bytes} + ${second.bytes}`);
    await assertSame(a, source, b, target);
    await assertOver(source, target);
  });

  it('stops at once when cancelled, says so, and resumes in the next run [C1 34]', async () => {
    const { source, target, options } = await job(40);
    await a.link.limit(8 * MB);
    const abort = new AbortController();
    const running = engine.replicate(options, abort.signal);
    // The sender's count runs ahead of what has arrived by all the buffers on the way.
    await until(() => engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 20 * MB));
    const asked = Date.now();
    abort.abort();
    await assert.rejects(running, { code: 'CANCELLED' });
    assert.ok(Date.now() - asked < 8000, `took ${Date.now() - asked} ms`);
    assert.equal(engine.partial?.state, 'cancelled');
    await a.link.limit(0);
    const result = await engine.replicate(options);
    assert.equal(result.datasets[0]?.action, 'resume');
    assert.ok(result.bytes < 36 * MB, `bytes: ${result.bytes}`);
    await assertSame(a, source, b, target);
    await assertOver(source, target);
  });

  for (const [side, name] of [
    ['source', 'a'],
    ['target', 'b'],
  ] as const) {
    it(`goes on after a power cut of the ${side}`, async () => {
      const { source, target, options } = await job(40);
      await a.link.limit(12 * MB);
      const machine = name === 'a' ? a : b;
      const running = engine.replicate({ ...options, retries: 1 });
      await until(() => engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 10 * MB));
      // The rest takes longer than pulling the plug.
      await a.link.limit(MB);
      await machine.powerCut();
      await assert.rejects(running, (error: { retryable?: boolean }) => error.retryable === true);
      await machine.boot();
      await a.link.limit(0);
      const result = await engine.replicate(options);
      assert.equal(result.state, 'success');
      await assertSame(a, source, b, target);
      await assertOver(source, target);
    });
  }

  it('never sends again what arrived before the controller died [C1 31]', async () => {
    // The state that a SIGKILL right after the receive leaves: everything there, marks still tentative.
    const { source, target, options } = await job(2);
    await a.sh('zfs send "$1@s1" | ssh b zfs receive -u "$2"', { args: [source, target] });
    const guid = (await a.snapshots(source))[0]?.guid ?? '';
    const plan = await engine.replicate({ ...options, mode: 'plan' });
    assert.equal(plan.datasets[0]?.action, 'current');
    const result = await engine.replicate(options);
    assert.deepEqual([result.bytes, result.datasets[0]?.action], [0, 'current']);
    assert.equal((await a.bookmarks(source))[0]?.guid, guid);
    await assertOver(source, target);
  });

  it('takes its own snapshot once, although the answer was lost and the clock went on', async () => {
    engine.hosts.set('forgetful', new ForgetfulHost(connectOptions(a, { id: 'forgetful' })));
    const { source, target, options } = await job(1);
    const taking = { createSnapshot: 'always', namingSchemas: ['own-%Y%m%d-%H%M%S'], retryDelay: 3 };
    const result = await engine.replicate({ ...options, ...taking, sourceConnection: 'forgetful' });
    assert.ok(engine.events.some(({ event, code }) => event === 'retry' && code === 'CONNECTION_LOST'));
    const names = await a.snapshotNames(source);
    assert.deepEqual([names.length, names[0], result.snapshots], [2, 's1', 2]);
    await assertSame(a, source, b, target);
    await assertOver(source, target);
  });

  const troubles = [
    ['is kept while the connection breaks', 'connection', 3, 4, 'resume'],
    ['is given up after three tries without a byte', 'process', 2, 3, 'full'],
    ['is given up only once, and then the run', 'process', 9, 3, 'TRANSFER_STALLED'],
  ] as const;
  for (const [what, how, left, tried, ends] of troubles) {
    it(`a partial receive that does not get on ${what} [C1 33]`, async () => {
      const broken = new BrokenHost(connectOptions(b, { id: 'broken' }));
      engine.hosts.set('broken', broken);
      const { source, target, options } = await job(24);
      const abort = new AbortController();
      await a.link.limit(6 * MB);
      const running = engine.replicate(options, abort.signal);
      await until(() => engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 8 * MB));
      abort.abort();
      await assert.rejects(running, { code: 'CANCELLED' });
      await a.link.limit(0);
      Object.assign(broken, { how, left });
      const again = { ...options, targetConnection: 'broken', retries: 8, retryDelay: 0.1 };
      if (ends === 'TRANSFER_STALLED') {
        const error = await engine.refuse(ends, again);
        assert.match(error.message, /fresh one failed too/);
        assert.equal(broken.tried, tried);
        broken.left = 0;
        await engine.replicate(again);
      } else {
        const result = await engine.replicate(again);
        assert.equal(broken.tried, tried);
        // What was discarded is sent again from its beginning.
        assert.equal(result.bytes < 24 * MB, ends === 'resume', `bytes: ${result.bytes}`);
      }
      await assertSame(a, source, b, target);
      await assertOver(source, target);
    });
  }

  it('reports a full target pool without losing anything on either side', async () => {
    await b.run(['zfs', 'create', '-o', 'quota=8M', 'backup/small']);
    const { source, options } = await job(24);
    const error = await engine.refuse('QUOTA_EXCEEDED', { ...options, targetDataset: 'backup/small/copy' });
    assert.equal(error.dataset, source);
    assert.equal((await a.snapshots(source)).length, 1);
    await b.run(['zfs', 'set', 'quota=none', 'backup/small']);
    const result = await engine.replicate({ ...options, targetDataset: 'backup/small/copy' });
    assert.equal(result.state, 'success');
    await assertSame(a, source, b, 'backup/small/copy');
  });
});

/** Waits for a condition of this process's own making (an event that was recorded); fails after a minute. */
