// The log of the tasks: its limits, its numbers, its pages – also while more is added.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JobEvent, LogLevel } from '../../../src/base/events';
import { History, type LogPage } from '../../../src/jobs/history';

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;

function event(message: string, more: Partial<JobEvent> = {}): JobEvent {
  return { event: 'started', level: 'info', time: '2026-11-26T00:00:00.000Z', jobId: 'j', task: 't', message, ...more };
}
const numbers = ({ events }: LogPage): number[] => events.map(({ n }) => n);
const all = { limit: 10_000, level: 'debug' } as const;

describe('the log of a task', () => {
  it('keeps so many events, the newest, and the newest progress beside them', () => {
    const history = new History({ events: 3, bytes: 1e6 });
    for (const name of ['a', 'b']) history.add('t', event(name));
    for (const percent of [1, 2]) history.add('t', event('moves', { event: 'progress', percent }));
    for (const name of ['c', 'd']) history.add('t', event(name));
    const page = history.page('t', all);
    assert.deepEqual(page.events.map(({ n, message }) => [n, message]), [[2, 'b'], [4, 'moves'], [5, 'c'], [6, 'd']]); // prettier-ignore
    assert.deepEqual([page.first, page.last, page.more], [2, 6, false]);
    assert.equal(page.events[1]?.['percent'], 2);
  });

  it('keeps a copy, and cuts what is long', () => {
    const history = new History();
    const datasets = [{ name: 'a' }];
    const plan = event('x'.repeat(10_000), {
      datasets,
      destroy: Array.from({ length: 51 }, () => 1),
      why: 'y'.repeat(5_000),
    });
    history.add('t', plan);
    datasets[0] = { name: 'changed' };
    const [kept] = history.page('t', all).events;
    assert.ok(kept);
    assert.deepEqual([kept.message.length, String(kept['why']).length], [4_097, 4_097]);
    assert.deepEqual([kept['datasets'], kept['destroy'], kept['omitted']], [[{ name: 'a' }], undefined, ['destroy']]);
    history.add('t', event('deep', { plan: { a: { b: 'z'.repeat(20_000) } } }));
    assert.deepEqual(history.page('t', all).events[1]?.['omitted'], ['plan']);
  });

  it('lets the oldest of all tasks go when all together have too much', () => {
    const history = new History({ events: 500, bytes: 2_000 });
    for (let turn = 0; turn < 5; turn++) for (const id of ['a', 'b']) history.add(id, event('x'.repeat(300)));
    assert.ok(history.bytes <= 2_000 && history.bytes > 1_500, String(history.bytes));
    assert.deepEqual(['a', 'b'].map((id) => numbers(history.page(id, all))), [[4, 5], [4, 5]]); // prettier-ignore
    history.forget('a');
    assert.deepEqual([history.ids(), history.page('a', all).events, history.page('a', all).first], [['b'], [], 0]);
    history.forget('b');
    assert.equal(history.bytes, 0);
  });

  it('never has more than its limits, and counts right, whatever comes', () => {
    const input = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      progress: fc.boolean(),
      size: fc.integer({ min: 0, max: 600 }),
      forget: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(input, { maxLength: 120 }), (steps) => {
        const history = new History({ events: 5, bytes: 3_000 });
        for (const { id, progress, size, forget } of steps) {
          if (forget === 0) history.forget(id);
          history.add(id, event('x'.repeat(size), progress ? { event: 'progress' } : {}));
          const pages = ['a', 'b', 'c'].map((one) => history.page(one, all));
          const events = pages.flatMap((page) => page.events);
          const bytes = events.reduce((sum, { n: _n, ...rest }) => sum + Buffer.byteLength(JSON.stringify(rest)), 0);
          assert.equal(history.bytes, bytes);
          assert.ok(bytes <= 3_000);
          for (const page of pages) {
            assert.ok(page.events.filter((one) => one.event !== 'progress').length <= 5);
            assert.ok(page.events.filter((one) => one.event === 'progress').length <= 1);
            assert.deepEqual(
              numbers(page),
              numbers(page).toSorted((x, y) => x - y),
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('can be read page by page, forwards and backwards, without a gap or a double', () => {
    const level = fc.constantFrom<LogLevel>(...LEVELS);
    fc.assert(
      fc.property(fc.array(level, { maxLength: 40 }), level, fc.integer({ min: 1, max: 7 }), (levels, least, limit) => {
        const history = new History({ events: 30, bytes: 1e6 });
        for (const one of levels) history.add('t', event('x', { level: one }));
        const expected = numbers(history.page('t', { limit: 1e6, level: least }));
        const kept = levels.slice(-30);
        assert.equal(expected.length, kept.filter((one) => LEVELS.indexOf(one) <= LEVELS.indexOf(least)).length);
        const forwards: number[] = [];
        for (let after = 0; ;) {
          const page = history.page('t', { after, limit, level: least });
          forwards.push(...numbers(page));
          assert.equal(page.more, forwards.length < expected.length);
          after = forwards.at(-1) ?? 0;
          if (!page.more) break;
          // What is added meanwhile shifts nothing.
          history.add('other', event('y'));
        }
        assert.deepEqual(forwards, expected);
        let backwards: number[] = [];
        for (let before: number | undefined; ; before = backwards[0]) {
          const page = history.page('t', { ...(before === undefined ? {} : { before }), limit, level: least });
          backwards = [...numbers(page), ...backwards];
          assert.equal(page.more, backwards.length < expected.length);
          if (!page.more) break;
        }
        assert.deepEqual(backwards, expected);
      }),
      { numRuns: 200 },
    );
  });

  it('takes 2,000 events a second of 300 full logs in its stride', () => {
    const history = new History();
    for (let i = 0; i < 300 * 120; i++) history.add(`t${i % 300}`, event('x'.repeat(200)));
    assert.ok(history.bytes <= 8 * 2 ** 20);
    const before = process.cpuUsage();
    for (let i = 0; i < 2_000; i++) history.add(`t${i % 300}`, event('x'.repeat(200)));
    const { user, system } = process.cpuUsage(before);
    assert.ok((user + system) / 1000 < 200, `${(user + system) / 1000} ms`);
  });
});
