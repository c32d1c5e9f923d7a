// What a deploy does to running and waiting jobs.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Bench, write, settle } from '../../support/registry-bench';

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

  it('tells a witness at once how the jobs of a removed node end', async () => {
    const bench = new Bench();
    const node = bench.attach('n');
    node.submit(bench.spec('a'), 'm1');
    node.detach(true, bench.reporter());
    await settle();
    assert.deepEqual(bench.ends.map(({ ticket, outcome }) => [ticket, outcome.state]), [['m1', 'cancelled']]); // prettier-ignore
  });

  it('tells a witness what no successor has taken over, also what had ended before', async () => {
    const bench = new Bench({ orphanGrace: 20 });
    const node = bench.attach('n');
    node.submit(bench.spec('a'), 'm1');
    node.submit(bench.spec('b'), 'm2');
    const before = bench.events.length;
    node.detach(false, bench.reporter());
    bench.run('a').finish('done');
    await settle();
    assert.equal(bench.events.length, before);
    await delay(40);
    assert.deepEqual(bench.events.slice(before).map(({ event }) => event), ['finished', 'cancelled']); // prettier-ignore
    assert.deepEqual(bench.ends.map(({ ticket, outcome }) => [ticket, outcome.state]), [['m1', 'finished'], ['m2', 'cancelled']]); // prettier-ignore
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
