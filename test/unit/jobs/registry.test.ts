// The registry: overlap, waiting, cancelling, who hears of it.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { ZfsFlowError } from '../../../src/base/errors';
import { SkipRun } from '../../../src/jobs/job';
import { Bench, pools, write, read, settle } from '../../support/registry-bench';

describe('job registry', () => {
  it('runs, and reports the result to whoever asked', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    node.submit(bench.spec('a'), 'm1');
    bench.run('a').ctx.emit({ event: 'dataset', level: 'info', message: 'done', dataset: 'tank' });
    bench.run('a').finish({ ok: true });
    await settle();
    assert.deepEqual(
      bench.events.map((event) => event.event),
      ['queued', 'started', 'dataset', 'finished'],
    );
    assert.deepEqual(bench.ends, [{ ticket: 'm1', outcome: { state: 'finished', result: { ok: true } }, index: 0 }]);
    assert.equal(node.last()?.state, 'finished');
    assert.ok(bench.events.every((event) => event.task === 'a' && event.jobId === node.last()?.jobId && event.time));
  });

  it('keeps what was reached when a run fails, whatever it throws', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    node.submit(bench.spec('a'), 'm1');
    bench.run('a').ctx.partial({ bytes: 7 });
    bench.run('a').fail('a string');
    node.submit(
      bench.spec('b', [], {
        run: () => {
          throw new ZfsFlowError('NO_SNAPSHOTS', 'none');
        },
      }),
      'm2',
    );
    await settle();
    const outcomes = Object.fromEntries(bench.ends.map(({ ticket, outcome }) => [ticket, outcome]));
    assert.ok(outcomes.m1?.state === 'failed' && outcomes.m1.error.code === 'ZFS_ERROR');
    assert.deepEqual(outcomes.m1.partial, { bytes: 7 });
    assert.ok(outcomes.m2?.state === 'failed' && outcomes.m2.error.code === 'NO_SNAPSHOTS');
    assert.deepEqual(new Set(bench.named('failed').map((event) => event.code)), new Set(['ZFS_ERROR', 'NO_SNAPSHOTS']));
  });

  it('lets a run say that there was nothing for it to do: neither a result nor an error', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    const run = (): Promise<never> => Promise.reject(new SkipRun('repeated hour'));
    node.submit(bench.spec('a', [], { run }), 'm1');
    await settle();
    assert.deepEqual(bench.ends, [{ ticket: 'm1', outcome: { state: 'skipped', reason: 'repeated hour' }, index: 0 }]);
    const last = bench.events.at(-1);
    assert.deepEqual([last?.event, last?.level, last?.message], ['skipped', 'warn', 'skipped: repeated hour']);
    assert.deepEqual(bench.named('failed'), []);
  });

  it('says how long a run took, whatever its clock was set to meanwhile', async () => {
    let clock = Date.parse('2026-11-26T12:00:00Z');
    const bench = new Bench({ now: () => new Date(clock) });
    bench.attach('n').submit(bench.spec('a'), 'm1');
    await settle();
    clock -= 3_600_000;
    await delay(30);
    bench.run('a').finish();
    await settle();
    const durationMs = bench.named('finished')[0]?.['durationMs'];
    assert.ok(Number(durationMs) >= 25 && Number(durationMs) < 60_000, String(durationMs));
  });

  it('ends a run once, even when letting go of its hosts fails', async () => {
    const bench = new Bench({ onError: () => undefined });
    const release = (): void => {
      throw new Error('no');
    };
    bench.attach('n').submit(bench.spec('a', [write('tank')], { release }), 'm1');
    bench.run('a').finish();
    await settle();
    assert.equal(bench.ends.length, 1);
  });

  it('skips the same run, lets other options run', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    node.submit(bench.spec('a'), 'm1');
    assert.throws(() => node.submit(bench.spec('a'), 'm2'), { code: 'BUSY' });
    node.submit(bench.spec('b'), 'm3');
    bench.attach('other').submit({ ...bench.spec('a') }, 'm4');
    assert.deepEqual(bench.started, ['a', 'b', 'a']);
    bench.registry.cancelAll('end');
    await settle();
  });

  it('queues one more run; later messages join it and get its result', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    const spec = bench.spec('a', [], { overlap: 'queue' });
    const first = node.submit(spec, 'm1');
    const second = node.submit(spec, 'm2');
    const third = node.submit(spec, 'm3');
    assert.notEqual(first.jobId, second.jobId);
    assert.equal(second.jobId, third.jobId);
    assert.equal(second.state, 'waiting');
    bench.run('a').finish(1);
    await settle();
    bench.run('a').finish(2);
    await settle();
    assert.deepEqual(
      bench.ends.map(({ ticket, outcome, index }) => [ticket, outcome.state === 'finished' && outcome.result, index]),
      [
        ['m1', 1, 0],
        ['m2', 2, 0],
        ['m3', 2, 1],
      ],
    );
  });

  it('makes overlapping writers wait, says for whom, and goes on in order', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    node.submit(bench.spec('one', [write('tank')]), '1');
    node.submit(bench.spec('two', [write('tank/a')]), '2');
    node.submit(bench.spec('three', [read('tank/a/b')]), '3');
    node.submit(bench.spec('apart', [write('pool')]), '4');
    assert.deepEqual(bench.started, ['one', 'apart']);
    assert.match(bench.named('waiting')[0]?.message ?? '', /one \(tank\/a\)/);
    bench.run('one').finish();
    await settle();
    assert.deepEqual(bench.started, ['one', 'apart', 'two']);
    bench.run('two').finish();
    await settle();
    assert.deepEqual(bench.started, ['one', 'apart', 'two', 'three']);
    bench.registry.cancelAll('end');
    await settle();
  });

  it('knows a pool by its GUID whatever connection leads there', async () => {
    const bench = new Bench();
    const hosts = pools({ a: '42', b: '42', c: '43', d: 'fail' });
    const node = bench.attach('n');
    const submit = (name: string, connection: string) =>
      node.submit(bench.spec(name, [write('tank/x', connection)], { hosts }), name);
    submit('a', 'a');
    submit('b', 'b');
    submit('c', 'c');
    submit('d', 'd');
    await settle();
    await settle();
    assert.deepEqual(bench.started, ['a', 'c']);
    bench.run('a').finish();
    await settle();
    assert.deepEqual(bench.started, ['a', 'c', 'b']);
    // Who cannot say what it is may be any of them.
    for (const name of ['b', 'c']) bench.run(name).finish();
    await settle();
    assert.deepEqual(bench.started, ['a', 'c', 'b', 'd']);
    bench.registry.cancelAll('end');
    await settle();
  });

  it('runs at most so many at once', async () => {
    const bench = new Bench({ maxParallelJobs: 2 });
    const node = bench.attach('n');
    for (const name of ['a', 'b', 'c']) node.submit(bench.spec(name), name);
    assert.deepEqual(bench.started, ['a', 'b']);
    assert.match(bench.named('waiting')[0]?.message ?? '', /free place/);
    bench.run('b').finish();
    await settle();
    assert.deepEqual(bench.started, ['a', 'b', 'c']);
    bench.registry.configure({ maxParallelJobs: 1 });
    bench.registry.cancelAll('end');
    await settle();
  });

  it('cancels one or all, waiting or running, each message once', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    const first = node.submit(bench.spec('a', [write('tank')]), 'm1');
    node.submit(bench.spec('b', [write('tank')]), 'm2');
    node.submit(bench.spec('c', [write('tank')]), 'm3');
    assert.equal(node.cancel('nonsense'), 0);
    assert.equal(node.cancel(first.jobId), 1);
    assert.equal(node.cancel(first.jobId), 0);
    await settle();
    assert.deepEqual(bench.started, ['a', 'b']);
    bench.run('b').fail(new ZfsFlowError('TRANSFER_FAILED', 'the pipe broke'));
    assert.equal(node.cancel(), 2);
    await settle();
    const codes = bench.ends.map(({ ticket, outcome }) => [ticket, 'error' in outcome && outcome.error.code]);
    // m2 was failing already, yet it was cancelled before that was seen.
    assert.deepEqual(codes, [
      ['m1', 'CANCELLED'],
      ['m3', 'CANCELLED'],
      ['m2', 'CANCELLED'],
    ]);
    assert.equal(bench.named('cancelled').length, 3);
    assert.deepEqual(node.jobs(), []);
  });

  it('accepts a new run while the same one is being cancelled, and starts it afterwards', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    const held: (() => void)[] = [];
    const slow = bench.spec('a', [], {
      run: (_hosts, ctx) =>
        new Promise((_resolve, reject) => {
          bench.started.push('slow');
          held.push(() => reject(ctx.signal.reason));
        }),
    });
    node.submit(slow, 'm1');
    node.cancel();
    node.submit(bench.spec('a'), 'm2');
    await settle();
    assert.deepEqual(bench.started, ['slow']);
    held[0]?.();
    await settle();
    assert.deepEqual(bench.started, ['slow', 'a']);
    bench.registry.cancelAll('end');
    await settle();
  });

  it('lets progress through once per interval, the latest, and everything else at once', async () => {
    const bench = new Bench({ progressInterval: 80 });
    bench.attach('n').submit(bench.spec('a'), 'm');
    const { ctx, finish } = bench.run('a');
    for (let bytes = 1; bytes <= 5; bytes++) {
      ctx.emit({ event: 'progress', level: 'info', message: '', bytes });
      ctx.emit({ event: 'warning', level: 'warn', message: `w${bytes}` });
    }
    assert.equal(bench.named('warning').length, 5);
    assert.deepEqual(
      bench.named('progress').map((event) => event.bytes),
      [1],
    );
    await delay(120);
    assert.deepEqual(
      bench.named('progress').map((event) => event.bytes),
      [1, 5],
    );
    ctx.emit({ event: 'progress', level: 'info', message: '', bytes: 6 });
    finish();
    await delay(120);
    assert.equal(bench.named('progress').length, 2, 'nothing comes after the end');
    assert.equal(bench.events.at(-1)?.event, 'finished');
  });

  it('hands speed limits to running jobs, and survives a listener that throws', () => {
    const bench = new Bench();
    const node = bench.attach('n');
    node.submit(bench.spec('a'), 'm');
    const seen: number[] = [];
    bench.run('a').ctx.onSpeedLimit(() => {
      throw new Error('no');
    });
    bench.run('a').ctx.onSpeedLimit((limit) => seen.push(limit));
    node.setSpeedLimit(1000);
    assert.deepEqual(seen, [1000]);
    assert.equal(bench.named('warning').length, 1);
    bench.registry.cancelAll('end');
  });
});
