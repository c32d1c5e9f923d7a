// Rotate, recreate, interrupted ones, and renamed sources: who goes where, and what makes it refuse.
import assert from 'node:assert/strict';
import { planReplication } from '../../../../src/replication/plan/plan';
import type {
  DatasetPlan,
  PairInput,
  PlanInput,
  ReplicationPlan,
  TargetOther,
} from '../../../../src/replication/plan/plan-types';
import { locateAside } from '../../../../src/replication/plan/locate-aside';
import { abandoned, followRenames, renameCandidates } from '../../../../src/replication/plan/follow-renames';
import { judgeLosses, losses } from '../../../../src/replication/discover/objections';
import { bookmarkName, destinationId, replacedMark } from '../../../../src/zfs/marks';
import type { SnapshotRecord } from '../../../../src/zfs/records';
import { asListed, dataset, OPTIONS, pair, records } from '../../../support/model';

const POOL = '12345678901234567890';

/** A pair at `tank/s` + path and `bk/t` + path. */
function at(path: string, source: string, target: string | null, more: Partial<PairInput> = {}): PairInput {
  const made = pair({ source, target });
  const name = `bk/t${path}`;
  return {
    ...made,
    source: dataset(`tank/s${path}`),
    sourceRecords: records(`tank/s${path}`, source),
    target: name,
    targetDataset: target === null ? null : dataset(name, { guid: `g${path}` }),
    targetSnapshots: target === null ? [] : records(name, target),
    dstId: destinationId(POOL, name),
    ...more,
  };
}

function other(name: string, snapshots: string, mark?: string): TargetOther {
  const userProperties = mark === undefined ? {} : { 'zfsflow:replaced': mark };
  return { dataset: dataset(name, { guid: `g:${name}`, userProperties }), snapshots: records(name, snapshots) };
}

function planned(
  pairs: PairInput[],
  more: Partial<Omit<PlanInput, 'options'>>,
  mode: 'rotate' | 'recreate',
): ReplicationPlan {
  return planReplication({
    pairs,
    ancestors: [dataset('bk')],
    existing: new Set(['bk', ...pairs.flatMap(({ targetDataset }) => targetDataset?.name ?? [])]),
    ...more,
    options: { ...OPTIONS, whenDiverged: mode },
  });
}

const steps = ({ prepare }: DatasetPlan): string[] =>
  prepare.map((step) => {
    if (step.do === 'setAside') return `aside ${step.to}`;
    if (step.do === 'cloneBack') return `clone ${step.from}@${step.snapshot}`;
    return step.do === 'rename' ? `rename ${step.from}` : step.do;
  });

const shown = (plan: ReplicationPlan): unknown[] =>
  plan.datasets.map((one) => [one.target, one.action, ...steps(one), one.refusal?.code ?? `${one.steps.length}`]);

describe('planReplication with whenDiverged rotate', () => {
  it('goes on from a clone of the common snapshot beside the old copy', () => {
    const { datasets } = planned([at('', 'a:1 b:2 c:3', 'a:1 b:2 mine:9')], {}, 'rotate');
    const [plan] = datasets;
    assert.ok(plan);
    assert.deepEqual(plan.prepare, [
      { do: 'setAside', to: 'bk/t_zfsflow-old-b', mode: 'rotate' },
      { do: 'cloneBack', from: 'bk/t_zfsflow-old-b', snapshot: 'b', leaves: ['mine'], moves: [] },
    ]);
    assert.deepEqual([plan.state, plan.action, plan.base?.name], ['DIVERGED', 'rotate', 'b']);
    assert.deepEqual(
      plan.steps.map(({ from, to }) => [from?.name, to.name]),
      [['b', 'c']],
    );
    assert.match(plan.warnings.join(), /depends on that snapshot/);
  });

  it('keeps what was written after the last snapshot, and takes a name that is free', () => {
    const written = at('', 'a:1', 'a:1');
    written.targetDataset = dataset('bk/t', { written: 4096 });
    const plan = planned([written], { others: [other('bk/t_zfsflow-old-a', 'x:8')] }, 'rotate');
    assert.deepEqual(shown(plan), [
      ['bk/t', 'rotate', 'aside bk/t_zfsflow-old-a-2', 'clone bk/t_zfsflow-old-a-2@a', '0'],
    ]);
  });

  it('puts children that are fine, and those of others, back below the new parent', () => {
    const pairs = [at('', 'a:1 b:2', 'a:1 mine:9'), at('/bad', 'a:3', 'a:3 mine:8'), at('/fine', 'a:4', 'a:4')];
    const plan = planned(pairs, { others: [other('bk/t/theirs', 'x:7')] }, 'rotate');
    const old = 'bk/t_zfsflow-old-a';
    assert.deepEqual(shown(plan), [
      ['bk/t', 'rotate', `aside ${old}`, `clone ${old}@a`, '1'],
      ['bk/t/bad', 'rotate', `clone ${old}/bad@a`, '0'],
      ['bk/t/fine', 'current', `rename ${old}/fine`, '0'],
    ]);
    const clone = plan.datasets[0]?.prepare[1];
    assert.deepEqual(clone?.do === 'cloneBack' && clone.moves, [{ from: `${old}/theirs`, to: 'bk/t/theirs' }]);
  });

  it('sends everything to a new dataset where nothing is common', () => {
    const plan = planned([at('', 'a:1 b:2', 'x:8')], {}, 'rotate');
    assert.deepEqual(shown(plan), [['bk/t', 'rotate', 'aside bk/t_zfsflow-old-x', '2']]);
    assert.equal(plan.datasets[0]?.initial, true);
  });

  it('refuses the root dataset of a pool, and a source that has nothing to take the place', () => {
    const root = { ...at('', 'a:1', 'a:1 mine:9'), target: 'bk' };
    const [refused] = planned([root], {}, 'rotate').datasets;
    assert.deepEqual([refused?.refusal?.code, refused?.prepare], ['TARGET_DIVERGED', []]);
    assert.match(refused?.refusal?.hint ?? '', /root dataset cannot be renamed/);
    const empty = at('', 'a:1', 'x:9', { wanted: new Set() });
    assert.equal(planned([empty], {}, 'rotate').datasets[0]?.refusal?.code, 'NO_COMMON_SNAPSHOT');
  });

  it('does nothing drastic to any dataset when one of them is refused', () => {
    const foreign = at('/b', 'a:3', 'a:3', { partial: { token: null, isOwn: false } });
    foreign.targetDataset = dataset('bk/t/b', { receiveResumeToken: '1-abc' });
    const pairs = [at('/a', 'a:1 b:2', 'a:1 mine:9'), foreign, at('/c', 'a:5 b:6', 'a:5')];
    const plan = planned(pairs, {}, 'rotate');
    assert.deepEqual(shown(plan), [
      ['bk/t/a', 'skip', 'TARGET_DIVERGED'],
      ['bk/t/b', 'skip', 'TARGET_BUSY_PARTIAL'],
      ['bk/t/c', 'incremental', '1'],
    ]);
    assert.match(plan.datasets[0]?.refusal?.hint ?? '', /nothing drastic is done .* tank\/s\/b/);
  });

  it('goes on from wherever it was interrupted', () => {
    const mark = replacedMark({ dstId: destinationId(POOL, 'bk/t'), mode: 'rotate' }, 'bk/old');
    const old = [other('bk/old', 'a:1 mine:9', mark), other('bk/old/c', 'a:4', mark)];
    const missing = [at('', 'a:1 b:2', null), at('/c', 'a:4 b:5', null)];
    const renamed = planned(asListed(locateAside(missing, old, 'rotate')), { others: old }, 'rotate');
    assert.deepEqual(shown(renamed), [
      ['bk/t', 'rotate', 'clone bk/old@a', '1'],
      ['bk/t/c', 'incremental', 'rename bk/old/c', '1'],
    ]);
    const cloned = at('', 'a:1 b:2', '');
    cloned.targetDataset = dataset('bk/t', { origin: 'bk/old@a' });
    const unpromoted = planned(asListed(locateAside([cloned], old, 'rotate')), { others: old }, 'rotate');
    assert.deepEqual(shown(unpromoted), [['bk/t', 'rotate', 'promote', '1']]);
  });
});

describe('planReplication with whenDiverged recreate', () => {
  it('sends everything again and lists in full what goes in the end', () => {
    const pairs = [at('', 'a:1 b:2', 'a:1 mine:9'), at('/bad', 'a:3', 'x:8'), at('/fine', 'a:4', 'a:4')];
    const plan = planned(pairs, {}, 'recreate');
    const old = 'bk/t_zfsflow-old-a';
    assert.deepEqual(shown(plan), [
      ['bk/t', 'recreate', `aside ${old}`, '2'],
      ['bk/t/bad', 'recreate', '1'],
      ['bk/t/fine', 'current', `rename ${old}/fine`, '0'],
    ]);
    assert.deepEqual(plan.replaced, [
      {
        dataset: old,
        target: 'bk/t',
        mark: replacedMark({ dstId: destinationId(POOL, 'bk/t'), mode: 'recreate' }, old),
        datasets: [
          { name: old, guid: 'g', written: 0, snapshots: ['a', 'mine'] },
          { name: `${old}/bad`, guid: 'g/bad', written: 0, snapshots: ['x'] },
        ],
      },
    ]);
    assert.match(plan.datasets[0]?.warnings.join() ?? '', /destroyed: .*@a, @mine; .*bad" with @x/);
  });

  it('refuses when a dataset that the source does not have would go', () => {
    const plan = planned([at('', 'a:1', 'a:1 mine:9')], { others: [other('bk/t/theirs', '')] }, 'recreate');
    assert.deepEqual(shown(plan), [['bk/t', 'skip', 'TARGET_HAS_DATA']]);
    assert.match(plan.datasets[0]?.refusal?.message ?? '', /bk\/t\/theirs/);
    assert.deepEqual(plan.replaced, []);
  });

  it('destroys the old copy of an interrupted run later, only by its mark and only what the source has', () => {
    const mark = replacedMark({ dstId: destinationId(POOL, 'bk/t'), mode: 'recreate' }, 'bk/old');
    const old = [
      other('bk/old', 'x:9', mark),
      other('bk/innocent', 'x:9'),
      other('bk/kept', 'x:9', mark),
      other('bk/t/below', 'z:7', mark),
    ];
    const pairs = [at('', 'a:1 b:2', 'a:1')];
    const plan = planned(asListed(locateAside(pairs, old, 'recreate')), { others: old }, 'recreate');
    assert.deepEqual(shown(plan), [['bk/t', 'recreate', '1']]);
    assert.deepEqual(
      plan.replaced.map(({ dataset: name, datasets }) => [name, datasets.length]),
      [['bk/old', 1]],
    );
    const more = [...old, other('bk/old/only', 'y:8', mark)];
    assert.deepEqual(planned(pairs, { others: more }, 'recreate').replaced, []);
    assert.deepEqual(planned(pairs, { others: old }, 'rotate').replaced, []);
  });

  it('is held back by what a closer look finds', () => {
    const input = [at('', 'a:1', 'a:1 mine:9')];
    const refusal = { code: 'OUT_OF_SPACE' as const, message: 'no room', details: {} };
    const plan = planned(input, { objections: new Map([['tank/s', refusal]]) }, 'recreate');
    assert.deepEqual([shown(plan), plan.replaced], [[['bk/t', 'skip', 'OUT_OF_SPACE']], []]);
  });
});

describe('renamed sources', () => {
  const follow = (
    pairs: PairInput[],
    others: TargetOther[],
    canRename = true,
    own = renameCandidates(pairs, others),
  ): PairInput[] => asListed(followRenames({ pairs, others, canRename, targetPoolGuid: POOL, own: new Set(own) }));

  /** The bookmark of a source that says that `name` has the snapshot with this GUID. */
  const sentTo = (name: string, guid: string): string =>
    `#${bookmarkName(destinationId(POOL, name), guid, false)}:${guid}`;

  it('are followed by GUID, with what is below them', () => {
    const others = [other('bk/t/old', 'a:1 b:2'), other('bk/t/old/c', 'a:5'), other('bk/t/gone', 'z:9')];
    const pairs = [
      at('', 'r:7', 'r:7'),
      at('/new', `b:2 ${sentTo('bk/t/old', '2')} c:3`, null),
      at('/new/c', 'a:5 b:6', null),
    ];
    const located = follow(pairs, others);
    const plan = planReplication({
      pairs: located,
      ancestors: [],
      existing: new Set(['bk', 'bk/t', ...others.map((one) => one.dataset.name)]),
      others,
      options: OPTIONS,
    });
    assert.deepEqual(shown(plan), [
      ['bk/t', 'current', '0'],
      ['bk/t/new', 'incremental', 'rename bk/t/old', '1'],
      ['bk/t/new/c', 'incremental', '1'],
    ]);
    assert.equal(plan.datasets[1]?.formerDstId, destinationId(POOL, 'bk/t/old'));
    assert.deepEqual(abandoned(located, others), ['bk/t/gone']);
  });

  it('are sent as new datasets, with a warning, where it is ambiguous or renaming needs root', () => {
    const pairs = [at('', '', ''), at('/new', `b:2 ${sentTo('bk/t/x', '2')}`, null)];
    const twice = follow(pairs, [other('bk/t/x', 'b:2'), other('bk/t/y', 'b:2')]);
    assert.match(twice[1]?.notes?.[0] ?? '', /several target datasets/);
    assert.equal(twice[1]?.located, undefined);
    const shared = follow([...pairs, at('/also', 'b:2', null)], [other('bk/t/x', 'b:2')]);
    assert.match(shared[1]?.notes?.[0] ?? '', /another source dataset/);
    assert.match(follow(pairs, [other('bk/t/x', 'b:2')], false)[1]?.notes?.[0] ?? '', /root/);
    const foreign = follow(pairs, [other('bk/t/x', 'b:2')], true, []);
    assert.match(foreign[1]?.notes?.[0] ?? '', /another replication/);
  });

  it('are not what a copy that was renamed on the target is taken for', () => {
    const others = [other('bk/t/c-keep', 'a:1 b:2 mine:9'), other('bk/t/c-keep/d', 'a:5')];
    const pairs = [
      at('', 'r:7', 'r:7'),
      at('/c', `a:1 b:2 ${sentTo('bk/t/c', '2')} c:3`, null),
      at('/c/d', `a:5 ${sentTo('bk/t/c/d', '5')}`, null),
    ];
    for (const whenDiverged of ['refuse', 'rollback', 'rotate', 'recreate'] as const) {
      const located = asListed(locateAside(follow(pairs, others), others, whenDiverged));
      const plan = planReplication({
        pairs: located,
        ancestors: [],
        existing: new Set(['bk', 'bk/t', ...others.map((one) => one.dataset.name)]),
        others,
        options: { ...OPTIONS, whenDiverged },
      });
      assert.deepEqual(shown(plan), [
        ['bk/t', 'current', '0'],
        ['bk/t/c', 'full', '2'],
        ['bk/t/c/d', 'full', '1'],
      ]);
      assert.deepEqual([plan.replaced, abandoned(located, others)], [[], ['bk/t/c-keep', 'bk/t/c-keep/d']]);
      assert.match(plan.datasets[1]?.warnings.join() ?? '', /"bk\/t\/c-keep" holds snapshots .* is left alone/);
    }
  });

  it('are rolled back only where nothing depends on what goes, looked at where the copy is now', () => {
    const others = [other('bk/t/old', 'a:1 mine:8'), other('bk/t/old/c', 'a:5 mine:9')];
    const pairs = [
      at('', 'r:7', 'r:7'),
      at('/new', `a:1 ${sentTo('bk/t/old', '1')} b:2`, null),
      at('/new/c', 'a:5 b:6', null),
    ];
    const located = follow(pairs, others);
    const { datasets } = planReplication({
      pairs: located,
      ancestors: [],
      existing: new Set(['bk', 'bk/t', 'bk/t/old', 'bk/t/old/c']),
      others,
      options: { ...OPTIONS, whenDiverged: 'rollback' },
    });
    const going = losses(datasets, located);
    assert.deepEqual(
      going.map(({ target, at: now, snapshots }) => [target, now, ...snapshots]),
      [
        ['bk/t/new', 'bk/t/old', 'bk/t/old@mine'],
        ['bk/t/new/c', 'bk/t/old/c', 'bk/t/old/c@mine'],
      ],
    );
    const judged = (clones: string[], tag: string, missing: string[] = []): unknown[] => {
      const snapshots = others.flatMap((one) => one.snapshots.map((record): SnapshotRecord => ({ ...record, clones })));
      const holds = tag === '' ? [] : [{ snapshot: 'bk/t/old/c@mine', tag }];
      return [...judgeLosses(going, { snapshots, missing }, holds)].map(([source, { code }]) => [source, code]);
    };
    assert.deepEqual(judged([], 'zfsflow_last'), []);
    assert.deepEqual(judged([], 'theirs'), [['tank/s/new/c', 'DATASET_BUSY']]);
    assert.deepEqual(judged(['bk/clone'], '').length, 2);
    assert.deepEqual(judged([], '', ['bk/t/old']), [['tank/s/new', 'DATASET_NOT_FOUND']]);
  });
});
