// The step planner against an exhaustive search: exactly the wanted snapshots, with the fewest sends.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { planSteps } from '../../../../src/replication/plan/steps';
import type { SendStep } from '../../../../src/zfs/send';

const row = (pattern: string): { name: string; guid: string }[] =>
  Array.from(pattern).map((letter, index) => ({ name: `${letter}${index}`, guid: String(index + 1) }));

function plan(pattern: string, kind: 'snapshot' | 'bookmark' | null, afterResume = false): SendStep[] {
  const later = row(pattern);
  return planSteps({
    dataset: 'p/d',
    base: kind === null ? null : { kind, name: 'base', guid: '0' },
    later,
    wanted: new Set(later.filter(({ name }) => name.startsWith('d')).map(({ guid }) => guid)),
    afterResume,
  });
}

const shown = (steps: readonly SendStep[]): string[] =>
  steps.map(
    ({ from, to, intermediates }) =>
      `${from ? `${intermediates ? '-I' : '-i'} ${from.kind === 'bookmark' ? '#' : '@'}${from.name} ` : ''}@${to.name}`,
  );

/** What a `zfs receive` would have after these sends: everything between `from` and `to` for -I, else only `to`. */
function delivered(pattern: string, steps: readonly SendStep[], hasBase: boolean): string[] {
  const order = ['0', ...row(pattern).map(({ guid }) => guid)];
  const arrived: string[] = hasBase ? ['0'] : [];
  for (const { from, to, intermediates } of steps) {
    assert.equal(from?.guid ?? undefined, arrived.at(-1), 'each send begins at the newest snapshot of the target');
    const begin = from ? order.indexOf(from.guid) : -1;
    const end = order.indexOf(to.guid);
    arrived.push(...(intermediates ? order.slice(begin + 1, end + 1) : [to.guid]));
  }
  return arrived.filter((guid) => guid !== '0');
}

/** The fewest sends by trying all: from a position, -i to any later wanted one, or -I over neighbours all wanted. */
function fewest(pattern: string, kind: 'snapshot' | 'bookmark' | null, afterResume: boolean): number {
  const wanted = Array.from(pattern).map((letter) => letter === 'd');
  const last = wanted.lastIndexOf(true);
  const best = (position: number, first: boolean): number => {
    if (position === last || last < 0) return 0;
    const next = wanted.indexOf(true, position + 1);
    let count = 1 + best(next, false);
    if (first && (kind !== 'snapshot' || afterResume)) return count;
    for (let end = position + 1; end <= last && wanted[end]; end++) count = Math.min(count, 1 + best(end, false));
    return count;
  };
  return best(-1, true);
}

describe('planSteps', () => {
  it('covers runs with -I and hops over gaps with -i (the example of bzfs) [C1 6]', () => {
    // d1 h1 d2 d3 d5 h2 d4 after the base d1
    assert.deepEqual(shown(plan('hdddhd', 'snapshot')), ['-i @base @d1', '-I @d1 @d3', '-i @d3 @d5']);
  });

  it('sends a neighbouring run from a snapshot base with one -I', () => {
    assert.deepEqual(shown(plan('ddd', 'snapshot')), ['-I @base @d2']);
    assert.deepEqual(shown(plan('d', 'snapshot')), ['-i @base @d0']);
  });

  it('never starts -I at a bookmark [C1 4]', () => {
    assert.deepEqual(shown(plan('ddd', 'bookmark')), ['-i #base @d0', '-I @d0 @d2']);
  });

  it('sends a single -i first after a resumed send', () => {
    assert.deepEqual(shown(plan('ddd', 'snapshot', true)), ['-i @base @d0', '-I @d0 @d2']);
  });

  it('begins a first copy with a full stream of the oldest wanted snapshot', () => {
    assert.deepEqual(shown(plan('hddhd', null)), ['@d1', '-i @d1 @d2', '-i @d2 @d4']);
  });

  it('sends nothing when nothing is wanted', () => {
    assert.deepEqual(plan('hhh', 'snapshot'), []);
    assert.deepEqual(plan('', null), []);
  });

  it('sends 1,000 pending snapshots at once', () => {
    assert.equal(plan('d'.repeat(1000), 'snapshot').length, 1);
  });

  it('delivers exactly the wanted set with provably the fewest sends', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('d', 'h'), { maxLength: 9 }).map((letters) => letters.join('')),
        fc.constantFrom('snapshot', 'bookmark', null),
        fc.boolean(),
        (pattern, kind, resumed) => {
          const afterResume = resumed && kind === 'snapshot';
          const steps = plan(pattern, kind, afterResume);
          const wanted = row(pattern).filter(({ name }) => name.startsWith('d'));
          assert.deepEqual(
            delivered(pattern, steps, kind !== null),
            wanted.map(({ guid }) => guid),
          );
          assert.deepEqual(
            steps.flatMap(({ snapshots }) => snapshots.map(({ guid }) => guid)),
            wanted.map(({ guid }) => guid),
          );
          assert.equal(steps.length, fewest(pattern, kind, afterResume));
          // Everything up to the last one sent is spanned by exactly one step.
          const last = wanted.at(-1)?.guid ?? '0';
          const spanned = steps.flatMap(({ spans }) => spans);
          assert.deepEqual(
            spanned,
            row(pattern)
              .filter(({ guid }) => Number(guid) <= Number(last))
              .map(({ name }) => name),
          );
          for (const [index, { from, intermediates }] of steps.entries()) {
            if (from?.kind === 'bookmark' || (index === 0 && afterResume)) assert.equal(intermediates, false);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
