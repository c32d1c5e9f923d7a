// The registry: overlap, waiting, cancelling, who hears of it, and what a deploy does to a running job. The hosts are
// stand-ins that only say which pools they have; no command is run here.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import type { DatasetUse, HostResolver, JobEvent, RunContext } from '../../../src/context';
import { ZfsFlowError } from '../../../src/errors';
import type { Host } from '../../../src/host/host';
import type { JobInfo, JobSpec, Outcome } from '../../../src/jobs/job';
import type { Attachment, RegistryOptions } from '../../../src/jobs/registry';
import { SkipRun } from '../../../src/jobs/job';
import { JobRegistry } from '../../../src/jobs/registry';

/** A run that the test ends when it likes. */
interface Run {
  ctx: RunContext;
  finish: (result?: unknown) => void;
  fail: (error: unknown) => void;
}

class Bench {
  readonly registry: JobRegistry<string>;
  readonly events: JobEvent[] = [];
  readonly ends: { ticket: string; outcome: Outcome; index: number }[] = [];
  readonly runs = new Map<string, Run>();
  readonly started: string[] = [];

  constructor(options: RegistryOptions = {}) {
    this.registry = new JobRegistry<string>({ progressInterval: 30, ...options });
  }

  readonly reporter = () => ({
    event: (event: JobEvent) => void this.events.push(event),
    ended: (outcome: Outcome, _job: JobInfo, ticket: string, index: number) =>
      void this.ends.push({ ticket, outcome, index }),
  });

  attach(id: string, hash = 'same'): Attachment<string> {
    const attachment = this.registry.attach(id, hash, this.reporter());
    attachment.resume();
    return attachment;
  }

  spec(name: string, uses: DatasetUse[] = [], more: Partial<JobSpec> = {}): JobSpec {
    return {
      task: name,
      optionsKey: name,
      overlap: 'skip',
      uses,
      hosts: pools({}),
      run: (_hosts, ctx) =>
        new Promise((resolve, reject) => {
          this.started.push(name);
          this.runs.set(name, { ctx, finish: resolve, fail: reject });
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason), { once: true });
        }),
      ...more,
    };
  }

  run(name: string): Run {
    const run = this.runs.get(name);
    assert.ok(run, `${name} has not started`);
    return run;
  }

  named(event: string): JobEvent[] {
    return this.events.filter((item) => item.event === event);
  }
}

/** Hosts by connection id, each with the GUID of its pool `tank`; `fail` = cannot be reached. */
function pools(guids: Record<string, string>): HostResolver {
  const made = new Map<string, Host>();
  return (connection) => {
    const host = made.get(connection) ?? stranger(connection, guids[connection] ?? connection);
    made.set(connection, host);
    return host;
  };
}

function stranger(id: string, guid: string): Host {
  const host: Partial<Host> = {
    id,
    label: id,
    onCommand: () => () => undefined,
    facts: async () => {
      await settle();
      if (guid === 'fail') throw new ZfsFlowError('HOST_UNREACHABLE', 'gone');
      return {
        platform: 'Linux',
        hostname: id,
        zfsVersion: '',
        zfsKernelVersion: '',
        isRoot: true,
        programs: new Set<string>(),
        pools: [{ name: 'tank', guid, health: 'ONLINE' }],
        aes: false,
        noisyShell: false,
      };
    },
  };
  return host as Host;
}

const write = (dataset: string, connection = ''): DatasetUse => ({ connection, dataset, access: 'write' });
const read = (dataset: string, connection = ''): DatasetUse => ({ connection, dataset, access: 'read' });

/** Lets everything that is ready to happen, happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

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
    assert.deepEqual(bench.started, ['a', 'c', 'd']);
    bench.run('a').finish();
    await settle();
    assert.deepEqual(bench.started, ['a', 'c', 'd', 'b']);
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

describe('a deploy', () => {
  it('keeps everything for the successor, in order, until it is ready', async () => {
    const bench = new Bench();
    const old = bench.attach('n');
    old.submit(bench.spec('a'), 'm1');
    const before = bench.events.length;
    old.detach(false);
    bench.run('a').ctx.emit({ event: 'warning', level: 'warn', message: 'meanwhile' });
    bench.run('a').finish('done');
    await settle();
    assert.equal(bench.events.length, before);
    const successor = bench.registry.attach('n', 'same', bench.reporter());
    await settle();
    assert.equal(bench.ends.length, 0, 'the nodes behind it may not exist yet');
    successor.resume();
    assert.deepEqual(
      bench.events.slice(before).map((event) => event.event),
      ['warning', 'finished'],
    );
    assert.deepEqual(
      bench.ends.map(({ ticket }) => ticket),
      ['m1'],
    );
    assert.equal(successor.last()?.state, 'finished');
  });

  it('cancels when the configuration is another, and says so through the new instance', async () => {
    const bench = new Bench();
    bench.attach('n').detach(false);
    const old = bench.attach('n', 'one');
    old.submit(bench.spec('a'), 'm1');
    old.detach(false);
    const successor = bench.attach('n', 'two');
    successor.submit(bench.spec('a'), 'm2');
    await settle();
    assert.ok(bench.ends[0]?.ticket === 'm1' && bench.ends[0].outcome.state === 'cancelled');
    assert.deepEqual(bench.started, ['a', 'a']);
    bench.registry.cancelAll('end');
    await settle();
  });

  it('cancels at once when the node is removed', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    node.submit(bench.spec('a'), 'm1');
    const { ctx } = bench.run('a');
    node.detach(true);
    await settle();
    assert.ok(ctx.signal.aborted);
    assert.equal(bench.ends.length, 0);
  });

  it('cancels when no successor comes in time, and frees what was claimed', async () => {
    const bench = new Bench({ orphanGrace: 20 });
    const node = bench.attach('n');
    node.submit(bench.spec('a', [write('tank')]), 'm1');
    node.detach(false);
    bench.attach('other').submit(bench.spec('b', [write('tank')]), 'm2');
    assert.deepEqual(bench.started, ['a']);
    await delay(60);
    assert.deepEqual(bench.started, ['a', 'b']);
    bench.registry.cancelAll('end');
    await settle();
  });

  it('does not let an old instance disturb its successor', async () => {
    const bench = new Bench({ orphanGrace: 20 });
    const old = bench.attach('n');
    old.submit(bench.spec('a'), 'm1');
    const successor = bench.attach('n');
    old.detach(true);
    await delay(40);
    assert.equal(successor.jobs().length, 1);
    bench.registry.cancelAll('end');
    await settle();
  });
});

describe('any mix of jobs', () => {
  const anyUse = fc.record({
    connection: fc.constantFrom('', 'a', 'b'),
    dataset: fc.constantFrom('tank', 'tank/x', 'tank/x/y', 'tank/z'),
    access: fc.constantFrom('read' as const, 'write' as const),
  });
  const anyStep = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('submit' as const), uses: fc.array(anyUse, { maxLength: 2 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('finish' as const, 'cancel' as const), nth: fc.nat(9) }) },
  );
  // `a` and `b` lead to the same pool, '' to another of the same name.
  const guids: Record<string, string> = { '': '1', a: '2', b: '2' };
  const clash = (a: DatasetUse, b: DatasetUse): boolean =>
    (a.access === 'write' || b.access === 'write') &&
    guids[a.connection] === guids[b.connection] &&
    (`${a.dataset}/`.startsWith(`${b.dataset}/`) || `${b.dataset}/`.startsWith(`${a.dataset}/`));

  it('never runs two in conflict, and ends them all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (steps, limit) => {
        const bench = new Bench({ maxParallelJobs: limit });
        const node = bench.attach('n');
        const hosts = pools(guids);
        const active = new Map<string, DatasetUse[]>();
        const order: string[] = [];
        const submitted = new Map<string, DatasetUse[]>();
        let count = 0;
        const submit = (uses: DatasetUse[]): void => {
          const name = `j${count++}`;
          submitted.set(name, uses);
          const inner = bench.spec(name, uses, { hosts });
          const run: JobSpec['run'] = async (resolver, ctx) => {
            for (const [other, theirs] of active) {
              assert.ok(!uses.some((use) => theirs.some((their) => clash(use, their))), `${name} beside ${other}`);
            }
            active.set(name, uses);
            order.push(name);
            assert.ok(active.size <= limit);
            return inner.run(resolver, ctx).finally(() => active.delete(name));
          };
          node.submit({ ...inner, run }, name);
        };
        for (const step of steps) {
          if (step.do === 'submit') submit(step.uses);
          else if (step.do === 'finish') bench.runs.get([...active.keys()][step.nth] ?? '')?.finish();
          else node.cancel(node.jobs()[step.nth]?.jobId ?? 'none');
          await settle();
        }
        for (let round = 0; round < 60 && node.jobs().length > 0; round++) {
          for (const name of active.keys()) bench.runs.get(name)?.finish();
          await settle();
        }
        assert.deepEqual(node.jobs(), [], 'all ended');
        assert.equal(bench.ends.length, count, 'each message exactly once');
        for (const { outcome } of bench.ends) {
          if (outcome.state === 'failed') throw outcome.error;
        }
        // First come first served: of two in conflict that both ran, the earlier ran first.
        order.forEach((name, at) => {
          for (const later of order.slice(at + 1)) {
            if (Number(later.slice(1)) > Number(name.slice(1))) continue;
            const conflict = submitted.get(name)?.some((a) => submitted.get(later)?.some((b) => clash(a, b)));
            assert.ok(!conflict, `${name} overtook ${later}`);
          }
        });
      }),
      { numRuns: 150 },
    );
  }).timeout(60_000);
});
