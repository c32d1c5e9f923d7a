// The judges of a soak find what is wrong, and nothing where all is well: each of them with a history that somebody made up.
import assert from 'node:assert/strict';
import type { Run } from '../../nodes/admin/task-answers';
import type { Heard, Life, MemorySample } from './book';
import { CARES } from './flows';
import { type AlarmBook, judgeAlarms } from './judge/alarms';
import { judgeData, type Seen, type Sides, takenFrom } from './judge/data';
import { judgeMemory } from './judge/memory';
import { judgeCount, judgeHistory, judgeSchedule, type TaskBook } from './judge/tasks';
import { KINDS, makePlan } from './plan';

const TASK = { id: 't', alertAfter: 100 };

/** `100 result, 210 late`: one task's messages. */
function messages(text: string): Heard[] {
  return text.split(', ').map((one): Heard => {
    const [at = '', what = '', jobId = at] = one.split(' ');
    const heard = { at: Number(at), id: 't' };
    if (what === 'result') return { ...heard, kind: 'result', jobId };
    if (what === 'error') return { ...heard, kind: 'error', jobId, code: 'TIMEOUT' };
    return { ...heard, kind: 'log', event: what };
  });
}

type Books = AlarmBook & TaskBook;

const book = (text: string, more: Partial<Books> = {}): Books => ({
  heard: messages(text),
  lives: [{ from: 0, to: 1_000 }],
  deploys: [],
  clockSets: [],
  pauses: new Map(),
  lateShown: [],
  slack: 5,
  end: 1_000,
  wall: 0,
  ...more,
});

const KILLED: Life[] = [
  { from: 0, to: 62, end: 'SIGKILL' },
  { from: 70, to: 300 },
];

describe('the judges of a soak', () => {
  describe('of alarms', () => {
    const good: [string, string, Partial<Books>][] = [
      ['late in time and recovered', '60 result, 160 late, 200 result, 200 recovered', { end: 290 }],
      ['well again a moment after it was late', '60 result, 162 late, 168 result, 168 recovered', { end: 250 }],
      ['not late by a success that ended with its Node-RED', '10 result, 70 started', { end: 180, lives: [{ from: 0, to: 72, end: 'SIGTERM' }, { from: 80, to: 180 }], lateShown: [{ at: 60, id: 't', late: false, success: 'one' }, { at: 84, id: 't', late: false, success: 'two' }] }], // prettier-ignore
      ['never late', '60 result, 120 result', { end: 200 }],
      ['not late while nothing ran', '60 result', { end: 400, lives: [{ from: 0, to: 100 }] }],
      ['not late soon after the clock was set', '60 result', { end: 460, clockSets: [155] }],
      ['late by a success that was forgotten', '10 result, 60 result, 115 late, 120 result, 120 recovered', { end: 200, lives: KILLED }], // prettier-ignore
      ['shown as told', '60 result, 160 late', { end: 300, lateShown: [{ at: 162, id: 't', late: false }, { at: 200, id: 't', late: true }] }], // prettier-ignore
    ];
    for (const [what, text, more] of good) {
      it(`find nothing wrong: ${what}`, () => assert.deepEqual(judgeAlarms(TASK, book(text, more)), []));
    }

    const bad: [RegExp, string, Partial<Books>][] = [
      [/late at 100.0, 40.0 s after a success/, '60 result, 100 late, 120 result, 120 recovered', { end: 200 }],
      [/not late at 165.0, after no success since 60.0/, '60 result', { end: 300 }],
      [/not recovered by 205.0/, '60 result, 160 late, 200 result', { end: 290 }],
      [/recovered at 180.0 without a success/, '60 result, 160 late, 180 recovered, 200 result', { end: 290 }],
      [/recovered at 90.0 without having been late/, '60 result, 90 recovered', { end: 150 }],
      [/late twice/, '60 result, 160 late, 180 late, 200 result, 200 recovered', { end: 290 }],
      [/the list called it late at 80.0/, '60 result', { end: 150, lateShown: [{ at: 80, id: 't', late: true }] }],
      [/told at 100.0 of a success that nobody has heard of/, '60 result', { end: 150, lateShown: [{ at: 80, id: 't', late: false, success: 'one' }, { at: 100, id: 't', late: false, success: 'two' }] }], // prettier-ignore
      [/not late at 4\d\d.\d, after no success since 150.0/, '60 result', { end: 600, clockSets: [150] }],
    ];
    for (const [pattern, text, more] of bad) {
      it(`say ${String(pattern)}`, () => {
        const faults = judgeAlarms(TASK, book(text, more));
        assert.equal(faults.length, 1, faults.join('\n'));
        assert.match(faults[0] ?? '', pattern);
      });
    }

    it('go by the schedule where there is nothing else', () => {
      const scheduled = { id: 't', alertAfter: null };
      assert.deepEqual(judgeAlarms(scheduled, book('60 result, 480 late', { end: 600 })), []);
      assert.match(judgeAlarms(scheduled, book('60 result, 300 late', { end: 350 })).join(), /late at 300.0/);
      assert.match(judgeAlarms(scheduled, book('60 result', { end: 600 })).join(), /not late at 485.0/);
      const paused = new Map([['t', [{ from: 100, to: 200 }]]]);
      assert.deepEqual(judgeAlarms(scheduled, book('60 result', { end: 600, pauses: paused })), []);
    });
  });

  describe('of tasks', () => {
    it('miss a minute that nothing came of', () => {
      assert.deepEqual(judgeSchedule('t', book('60 started, 120 skipped, 180 error', { end: 200 })), []);
      assert.deepEqual(judgeSchedule('t', book('60 started, 180 started', { end: 200 })), [
        't: nothing came of the minute at 120.0 s',
      ]);
      const paused = new Map([['t', [{ from: 100, to: 130 }]]]);
      assert.deepEqual(judgeSchedule('t', book('60 started, 180 started', { end: 200, pauses: paused })), []);
    });

    const run = (jobId: string, state: Run['state'], text = ''): Run => ({ jobId, state, text, startedAt: '', endedAt: '', by: 'schedule' }); // prettier-ignore

    it('know a history that is not what was heard', () => {
      const heard = book('60 result j1, 120 error j2');
      assert.deepEqual(judgeHistory('t', [run('j1', 'success'), run('j2', 'failed')], heard), []);
      assert.match(judgeHistory('t', [run('j1', 'success'), run('j2', 'success')], heard).join(), /otherwise/);
      assert.match(judgeHistory('t', [run('j3', 'success'), run('j2', 'failed')], heard).join(), /nothing was heard/);
      assert.match(judgeHistory('t', [run('j1', 'success'), run('j1', 'success')], heard).join(), /lacks j2/);
      const taken = run('j3', 'cancelled', 'cancelled: Node-RED ended while it was running');
      assert.deepEqual(judgeHistory('t', [taken, run('j1', 'success'), run('j2', 'failed')], heard), []);
      const cleaned = run('j3', 'cancelled', 'cancelled: Node-RED ends');
      assert.deepEqual(judgeHistory('t', [cleaned, run('j1', 'success'), run('j2', 'failed')], heard), []);
      const by = run('j3', 'cancelled', 'cancelled');
      assert.match(
        judgeHistory('t', [by, run('j1', 'success'), run('j2', 'failed')], heard).join(),
        /nothing was heard/,
      );
    });

    it('count what was heard', () => {
      assert.deepEqual(judgeCount('t', 2, book('60 result, 120 result')), []);
      assert.match(judgeCount('t', 1, book('60 result, 120 result')).join(), /1 successes are counted, 2 were heard/);
      assert.deepEqual(judgeCount('t', 1, book('60 result, 120 result', { lives: KILLED })), []);
    });
  });

  describe('of data', () => {
    const AT = Date.UTC(2026, 10, 26, 8) / 1000;
    const seen = (names: string): Seen[] =>
      names.split(' ').filter(Boolean).map((name) => ({ name, guid: `guid of ${name}`, created: AT - 60 })); // prettier-ignore
    const sides = (care: keyof typeof CARES, taken: string, onSource: string, onTarget: string): Sides => ({
      care: CARES[care],
      source: 'tank/t',
      taken: taken.split(' '),
      guids: new Map(seen(taken).map(({ name, guid }) => [name, guid])),
      onSource: seen(onSource),
      onTarget: seen(onTarget),
      at: AT,
    });

    it('miss a snapshot that is nowhere', () => {
      assert.deepEqual(judgeData(sides('secret', '1 2 3', '1 2 3', '1 2 3')), []);
      assert.deepEqual(judgeData(sides('secret', '1 2 3', '1 3', '1 3')), ['tank/t: @2 is lost']);
    });

    it('know what a target may have let go', () => {
      const newest = '3 4 5 6 7 8 9';
      assert.deepEqual(judgeData(sides('many', `1 2 ${newest}`, '5 6 7 8 9', `2 ${newest}`)), []);
      assert.match(judgeData(sides('many', `1 2 ${newest}`, '5 6 7 8 9', newest)).join(), /@2 is lost/);
    });

    it('know another snapshot of the same name, a target that is behind, and what was not thinned out', () => {
      const other = sides('secret', '1 2', '1 2', '1 2');
      assert.match(
        judgeData({ ...other, onTarget: [{ name: '1', guid: 'x', created: AT }, ...seen('2')] }).join(),
        /has the GUID x/,
      );
      assert.match(judgeData(sides('secret', '1 2', '1 2', '1')).join(), /newest is @1/);
      assert.match(judgeData(sides('secret', '1 2', '1 2', '1 0 2')).join(), /@0 on the target was never/);
      assert.match(judgeData(sides('data', '1 2 3 4 5 6 7 8', '1 2 3 4 5 6 7 8', '8')).join(), /8 snapshots are left/);
    });

    it('know what stays because of a clock that was set', () => {
      const eight = '1 2 3 4 5 6 7 8';
      const ahead = sides('data', eight, eight, '8');
      const [first, ...rest] = ahead.onSource;
      assert.ok(first);
      assert.deepEqual(judgeData({ ...ahead, onSource: [{ ...first, created: AT + 3_600 }, ...rest] }), []);
      assert.match(judgeData({ ...ahead, onSource: [{ ...first, created: AT + 60 }, ...rest] }).join(), /8 snapshots/);
      const named = (hour: string): string => `1 2 3 4 5 6 7 s-2026-11-26_${hour}-00-00`;
      assert.deepEqual(judgeData(sides('data', named('09'), named('09'), 's-2026-11-26_09-00-00')), []);
      assert.match(judgeData(sides('data', named('07'), named('07'), 's-2026-11-26_07-00-00')).join(), /8 snapshots/);
    });

    it('read the history of a pool', () => {
      const lines = `History for 'tank':
2026-11-26.07:30:00 [txg:5] snapshot tank/data@s-1 (54) ${''}
2026-11-26.07:30:00 [txg:5] snapshot tank/data/x@s-1 (56)
2026-11-26.07:30:01 zfs snapshot -r tank/data@s-1
2026-11-26.07:31:00 [txg:9] destroy tank/data@s-1 (54) (bptree, mintxg=1)
2026-11-26.07:31:00 [txg:9] snapshot tank/data@s-2 (59)`;
      assert.deepEqual([...takenFrom(lines)], [['tank/data', ['s-1', 's-2']], ['tank/data/x', ['s-1']]]); // prettier-ignore
    });
  });

  describe('of memory', () => {
    const MIB = 1 << 20;
    const samples = (perHour: number, noise = 0): MemorySample[] =>
      Array.from({ length: 40 }, (_, index) => {
        const at = 15 * index;
        const size = 50 * MIB + (perHour * MIB * at) / 3600 + (index % 3) * noise * MIB;
        return { at, heap: size, rss: size };
      });
    const lives = [{ from: 0, to: 600 }];

    it('find a leak, and not one where it only goes up and down', () => {
      assert.deepEqual(judgeMemory(samples(0, 5), lives), []);
      assert.match(judgeMemory(samples(60), lives).join(), /heap grew by \d/);
      assert.match(judgeMemory(samples(400), lives).join(), /rss grew by \d/);
    });

    it('judge nothing that they have not seen', () => {
      assert.match(judgeMemory(samples(0).slice(0, 12), lives).join(), /looked at 3 times/);
    });

    it('look at the longest life, once it is warm', () => {
      const start = samples(0).map((one) => ({ ...one, heap: one.at < 110 ? one.heap / 4 : one.heap }));
      assert.deepEqual(judgeMemory(start, lives), []);
    });
  });

  describe('and the plan', () => {
    it('has everything in ten minutes, for any seed, and is over in time', () => {
      for (let seed = 1; seed < 200; seed++) {
        const { mishaps, healed } = makePlan(seed, 10);
        const missing = KINDS.filter((kind) => !mishaps.some((one) => one.kind === kind));
        assert.deepEqual(missing, [], `seed ${seed}`);
        assert.ok(mishaps.every(({ at, lasts }) => at + lasts <= healed));
        assert.deepEqual(makePlan(seed, 10), makePlan(seed, 10));
      }
    });

    it('leaves Node-RED alone once its memory is judged, and its clock before', () => {
      const { mishaps } = makePlan(7, 60);
      const at = (pattern: RegExp): number[] => mishaps.filter(({ kind }) => pattern.test(kind)).map((one) => one.at);
      assert.ok(Math.max(...at(/killed|ended/)) < 60 * 60 * 0.4);
      assert.ok(Math.min(...at(/RED clock/)) > 60 * 60 * 0.4);
      assert.ok(mishaps.length > 150, String(mishaps.length));
    });
  });
});
