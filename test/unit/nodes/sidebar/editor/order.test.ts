// The order of the sidebar's rows, and how few of them move for it.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compareTasks, needsAttention, staying } from '../../../../../nodes/sidebar/editor/order';
import type { Task } from '../../../../../nodes/sidebar/editor/task';

const task = (id: string, state: Task['state'], more: Partial<Task> = {}): Task => ({
  id,
  type: 'zfs-snapshot',
  name: '',
  path: [],
  state,
  status: { text: '' },
  jobs: [],
  can: { run: true },
  ...more,
});
const late = { since: '2026-11-25T00:00:00.000Z', missed: 2 };
const next = (hour: number): Partial<Task> => ({ next: `2026-11-26T0${hour}:00:00.000Z` });

describe('the order of the rows', () => {
  it('is: failed and late, running, by next run, without one, paused, not deployed, off', () => {
    const wanted = [
      task('failed', 'failed', next(9)),
      task('invalid', 'invalid'),
      task('late', 'ok', { late, ...next(1) }),
      task('running', 'running'),
      task('waiting', 'waiting'),
      task('one', 'idle', next(1)),
      task('two', 'ok', next(2)),
      task('never', 'idle'),
      task('paused', 'paused', next(1)),
      task('undeployed', 'undeployed'),
      task('off', 'off'),
    ].map((one) => (one.next === undefined ? { ...one, name: one.id } : one));
    const inOrder = (tasks: Task[]): string[] => tasks.toSorted(compareTasks).map(({ id }) => id);
    const ids = inOrder(wanted);
    assert.deepEqual(ids, inOrder(wanted.toReversed()), 'whatever the order was before');
    assert.deepEqual(new Set(ids.slice(0, 2)), new Set(['failed', 'invalid']));
    assert.equal(ids[2], 'late');
    assert.deepEqual(ids.slice(3, 5), ['running', 'waiting']);
    assert.deepEqual(ids.slice(5), ['one', 'two', 'never', 'paused', 'undeployed', 'off']);
  });

  it('is by name as people count where nothing else tells', () => {
    const names = ['disk 10', 'disk 9', 'Disk 1'].map((name) => task(name, 'ok', { name }));
    assert.deepEqual(names.toSorted(compareTasks).map(({ name }) => name), ['Disk 1', 'disk 9', 'disk 10']); // prettier-ignore
  });

  it('counts what needs attention: failed, invalid and late, a running one too', () => {
    const states = ['failed', 'invalid', 'ok', 'running', 'paused', 'off', 'undeployed'] as const;
    assert.deepEqual(states.filter((state) => needsAttention(task('t', state))), ['failed', 'invalid']); // prettier-ignore
    assert.ok(needsAttention(task('t', 'running', { late })));
  });
});

describe('rows that stay', () => {
  const sorted = 'a b c d e f g h'.split(' ');

  it('are all but the one that moved, up or down', () => {
    assert.deepEqual([...staying('b c d e f g h a'.split(' '), sorted)].toSorted().join(''), 'bcdefgh');
    assert.deepEqual([...staying('h a b c d e f g'.split(' '), sorted)].toSorted().join(''), 'abcdefg');
    assert.equal(staying([], sorted).size, 0);
    assert.equal(staying(sorted, sorted).size, 8);
  });

  it('are in the wanted order already, and no larger set of rows is', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(sorted), fc.shuffledSubarray(sorted), (current, wanted) => {
        const stay = staying(current, wanted);
        const known = wanted.filter((item) => current.includes(item));
        const isInOrder = (items: readonly string[]): boolean =>
          items.every((item, index) => index === 0 || current.indexOf(items[index - 1] ?? '') < current.indexOf(item));
        assert.ok(isInOrder(known.filter((item) => stay.has(item))));
        for (let bits = 0; bits < 2 ** known.length; bits++) {
          const some = known.filter((_, index) => (bits >> index) % 2 === 1);
          if (some.length > stay.size) assert.ok(!isInOrder(some), some.join(''));
        }
      }),
      { numRuns: 60 },
    );
  });
});
