// What a result says of datasets that travelled in a stream that was cut, and what the run's one error then is.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../../src/base/errors';
import { AttemptFailure } from '../../../../src/replication/execute/attempt-failure';
import { collectFailures, runError } from '../../../../src/replication/run/failures';
import { outcomesOf, parcelPlaces, parcelsOf, type Parcel } from '../../../../src/replication/run/parcels';
import { planReplication } from '../../../../src/replication/plan/plan';
import type { DatasetPlan, PairInput } from '../../../../src/replication/plan/plan-types';
import { deliveries } from '../../../../src/replication/plan/plan-facts';
import { emptyResult, ResultBook } from '../../../../src/replication/report/result-book';
import { runTree } from '../../../../src/replication/run/parallel-tree';
import { dataset, OPTIONS, pair, records } from '../../../support/model';

const PATHS = ['', '/c', '/d'];

function pairs(arrived: readonly string[]): PairInput[] {
  return PATHS.map((path) => {
    const there = arrived.includes(path);
    return {
      ...pair({ source: 'a:1 b:2', target: null }),
      source: dataset(`tank/s${path}`),
      sourceRecords: records(`tank/s${path}`, 'a:1 b:2'),
      target: `bk/t${path}`,
      targetDataset: there ? dataset(`bk/t${path}`) : null,
      targetSnapshots: there ? records(`bk/t${path}`, 'a:1 b:2') : [],
    };
  });
}

describe('results of a stream of a whole tree that is cut', () => {
  let book: ResultBook;
  const cut = new ZfsFlowError('CONNECTION_LOST', 'the connection was lost', { dataset: 'tank/s' });

  beforeEach(() => {
    book = new ResultBook(emptyResult('job', 'test', new Date(0), 'ssh'));
  });

  /** An attempt of which the parcels of these source datasets fail. */
  async function attempt(
    state: { arrived: readonly string[]; wholeTrees: boolean },
    failing: readonly string[],
  ): Promise<Map<string, AttemptFailure>> {
    const found = pairs(state.arrived);
    const existing = new Set(['bk', ...state.arrived.map((path) => `bk/t${path}`)]);
    const { datasets } = planReplication({
      pairs: found,
      ancestors: [dataset('bk')],
      existing,
      options: { ...OPTIONS, fullFilesystem: true },
      wholeTrees: state.wholeTrees,
    });
    book.seen(found);
    const parcels = parcelsOf(datasets);
    const work = async (parcel: Parcel): Promise<void> => {
      for (const plan of parcel) book.planned(plan, 0).action = plan.action;
      if (!failing.includes(parcel[0].source)) {
        for (const plan of parcel) arrive(plan);
        return;
      }
      for (const plan of parcel) book.sending(plan.source, deliveries(plan));
      throw cut;
    };
    const outcomes = outcomesOf(await runTree(parcels, parcelPlaces(parcels), 1, async (parcel) => work(parcel)));
    return collectFailures(outcomes, new Map(), book);
  }

  function arrive(plan: DatasetPlan): void {
    book.sending(plan.source, deliveries(plan));
    book.seenOn(plan.source, new Set(deliveries(plan).map(({ guid }) => guid)));
  }

  const said = (): unknown[] =>
    book.result.datasets.map(({ snapshots, warnings, error }) => [
      snapshots.join(),
      warnings.some((text) => /left out|failed/.test(text)),
      error?.code,
    ]);

  it('say nothing of it once the next attempt has got there, and count what the stream delivered', async () => {
    const first = await attempt({ arrived: [], wholeTrees: true }, ['tank/s']);
    assert.deepEqual([...first.keys()], ['tank/s']);
    assert.deepEqual([...(await attempt({ arrived: ['', '/c'], wholeTrees: false }, []))], []);
    book.end();
    assert.deepEqual(said(), [
      ['a,b', false, undefined],
      ['a,b', false, undefined],
      ['a,b', false, undefined],
    ]);
    assert.equal(book.result.snapshots, 6);
  });

  it('name what was sent only once it was seen, and each only once [B22]', async () => {
    const [plan] = planReplication({ pairs: pairs([]), ancestors: [dataset('bk')], existing: new Set(['bk']), options: OPTIONS }).datasets; // prettier-ignore
    assert.ok(plan);
    const entry = book.planned(plan, 0);
    book.sending('tank/s', deliveries(plan));
    assert.deepEqual([entry.snapshots, [...book.unseen()]], [[], [['bk/t', ['a', 'b']]]]);
    book.seenOn('tank/s', new Set(['2', '99']));
    book.seenOn('tank/s', new Set(['2']));
    assert.deepEqual([entry.snapshots, book.result.snapshots], [['b'], 1]);
    book.seen(pairs([]));
    assert.equal(book.unseen().size, 0, 'what is not on the target has not arrived');
  });

  it('are no failure of what was renamed on the source, and tell what was destroyed there', async () => {
    book.gone(new Map(Object.entries({ 'tank/s': '1', 'tank/s/c': '2', 'tank/s/d': '3' })), new Set());
    await attempt({ arrived: [], wholeTrees: false }, ['tank/s/c']);
    const now = new Map(Object.entries({ 'tank/s': '1', 'tank/s/e': '2' }));
    assert.deepEqual(book.gone(now, new Set()), ['tank/s/d']);
    assert.deepEqual(book.gone(now, new Set(['tank/s/d'])), []);
    const [, renamed] = book.result.datasets;
    assert.deepEqual([renamed?.error, renamed?.action, renamed?.snapshots], [undefined, 'skip', []]);
    assert.match(renamed?.warnings.join() ?? '', /"tank\/s\/c" was renamed to "tank\/s\/e"/);
  });

  it('are partial where the next attempt gets to some of them', async () => {
    await attempt({ arrived: [], wholeTrees: true }, ['tank/s']);
    const failures = await attempt({ arrived: ['', '/c'], wholeTrees: false }, ['tank/s/d']);
    book.end();
    assert.deepEqual(said(), [
      ['a,b', false, undefined],
      ['a,b', false, undefined],
      ['', false, 'CONNECTION_LOST'],
    ]);
    assert.equal(runError(failures, book).code, 'PARTIAL_FAILURE');
  });

  it('are no success of anything that the run never came to again', async () => {
    const failures = await attempt({ arrived: [], wholeTrees: true }, ['tank/s']);
    book.end();
    assert.equal(runError(failures, book), cut);
    for (const { warnings } of book.result.datasets.slice(1)) {
      assert.match(warnings.join(), /the stream of the whole tree/);
      assert.doesNotMatch(warnings.join(), /depends on/);
    }
  });

  it('tell first what failed by itself, not what was only held back for it', () => {
    const held = new AttemptFailure(new ZfsFlowError('TARGET_DIVERGED', 'held back'), 'giveUp', true);
    const failures = new Map([
      ['tank/s/c', held],
      ['tank/s', new AttemptFailure(cut, 'wait')],
    ]);
    assert.match(runError(failures, book).message, /the first with: the connection was lost/);
    assert.equal(runError(new Map([['tank/s/c', held]]), book), held.error);
  });

  it('say what was left out for something above it', async () => {
    const failures = await attempt({ arrived: [], wholeTrees: false }, ['tank/s']);
    assert.equal(runError(failures, book), cut);
    book.end();
    for (const { warnings } of book.result.datasets.slice(1)) {
      assert.match(warnings.join(), /left out because "tank\/s", which it depends on, failed/);
    }
  });
});
