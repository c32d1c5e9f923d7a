// Thousands of datasets are planned for in one turn of Node-RED's event loop: what is asked about each must not go through all.
import assert from 'node:assert/strict';
import { abandoned, followRenames, renameCandidates } from '../../../../src/replication/plan/follow-renames';
import { locateAside } from '../../../../src/replication/plan/locate-aside';
import { planReplication } from '../../../../src/replication/plan/plan';
import type { PairInput, TargetOther } from '../../../../src/replication/plan/plan-types';
import {
  bookmarkName,
  destinationId,
  PLACEHOLDER_PROPERTY,
  REPLACED_PROPERTY,
  replacedMark,
} from '../../../../src/zfs/marks';
import { dataset, OPTIONS, pair, records, type PairText } from '../../../support/model';

const MANY = 10_000;
/** Of processor time: going through all of them for each takes six seconds and more, this half a second. */
const MOST_MS = 3_000;
const POOL = '12345678901234567890';

const place = (index: number): string => (index === 0 ? '' : `/d${index}`);

/** `tank/s` with so many datasets below it, each of which has its own GUIDs. */
function tree(text: (index: number) => PairText): PairInput[] {
  return Array.from({ length: MANY }, (_, index) => {
    const [source, target] = [`tank/s${place(index)}`, `bk/t${place(index)}`];
    const { sourceMore, targetMore, more, ...one } = text(index);
    const dstId = destinationId(POOL, target);
    return pair({
      ...one,
      sourceMore: { name: source, guid: String(index + 1), ...sourceMore },
      targetMore: { name: target, ...targetMore },
      more: { target, dstId, ...more },
    });
  });
}

function plan(pairs: readonly PairInput[], others: readonly TargetOther[], options: Partial<typeof OPTIONS> = {}) {
  const existing = [...pairs.flatMap(({ targetDataset }) => targetDataset?.name ?? []), ...others.map((o) => o.dataset.name)]; // prettier-ignore
  const ancestors = [dataset('bk')];
  const before = process.cpuUsage();
  const planned = planReplication({
    pairs,
    ancestors,
    existing: new Set(['bk', ...existing]),
    others,
    options: { ...OPTIONS, ...options },
  });
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 1000 < MOST_MS, `${Math.round((user + system) / 1000)} ms`);
  return planned.datasets;
}

describe(`a plan for ${MANY} datasets`, () => {
  const step = (index: number): string => `a:${index}1 b:${index}2`;

  it('that go on', () => {
    const pairs = tree((index) => ({ source: `${step(index)} c:${index}3`, target: step(index) }));
    assert.ok(plan(pairs, []).every(({ action }) => action === 'incremental'));
  });

  it('that are clones of one of them, copied for the first time', () => {
    const origin = (index: number): string => (index > 1 ? 'tank/s/d1@a' : '');
    const pairs = tree((index) => ({ source: step(index), target: null, sourceMore: { origin: origin(index) } }));
    const plans = plan(pairs, []);
    assert.ok(plans.slice(2).every((one) => one.origin?.dataset === 'bk/t/d1'));
  });

  it('beside as many that are not from here, and that have their key from the target', () => {
    const key = { encryption: 'aes-256-gcm', encryptionRoot: 'bk/t', keyStatus: 'available' };
    const pairs = tree((index) => ({ source: step(index), target: step(index), targetMore: key }));
    const others = pairs.map(({ target }) => ({ dataset: dataset(`${target}/own`, key), snapshots: [] }));
    assert.ok(plan(pairs, others).every(({ action }) => action === 'current'));
  });

  it('that have diverged, are set aside and cloned back', () => {
    const pairs = tree((index) => ({ source: `${step(index)} c:${index}3`, target: `${step(index)} x:${index}9` }));
    const others = pairs.map(({ target }) => ({ dataset: dataset(`${target}/own`), snapshots: [] }));
    const plans = plan(pairs, others, { whenDiverged: 'rotate' });
    assert.ok(plans.every(({ action }) => action === 'rotate'));
  });

  it('of placeholders', () => {
    const pairs = tree((index) => ({
      source: step(index),
      target: '',
      targetMore: { userProperties: { [PLACEHOLDER_PROPERTY]: `bk/t${place(index)}` } },
      more: { inside: { foreignChildren: [], isEmpty: true } },
    }));
    assert.ok(plan(pairs, []).every(({ action }) => action === 'full'));
  });

  it('that were renamed with their parent, or were set aside with it', () => {
    // The bookmark says that its copy was here.
    const mark = (index: number): string =>
      bookmarkName(destinationId(POOL, `bk/old${place(index)}`), `${index}2`, false);
    const pairs = tree((index) => ({ source: `${step(index)} #${mark(index)}:${index}2`, target: null }));
    const lies = (top: string, setAs?: string): TargetOther[] =>
      pairs.map(({ source }, index) => ({
        dataset: dataset(top + place(index), index === 0 && setAs ? { userProperties: { [REPLACED_PROPERTY]: setAs } } : {}), // prettier-ignore
        snapshots: records(source.name, step(index)),
      }));
    const before = process.cpuUsage();
    const renamed = lies('bk/old');
    const own = new Set(renameCandidates(pairs, renamed));
    assert.equal(own.size, MANY);
    const followed = followRenames({ pairs, others: renamed, canRename: true, targetPoolGuid: POOL, own });
    assert.ok(followed.every(({ located }, index) => located?.as === (index === 0 ? 'renamed' : 'withParent')));
    assert.equal(abandoned(followed, renamed).length, 0);
    const dstId = destinationId(POOL, 'bk/t');
    const aside = lies('bk/t_old', replacedMark({ dstId, mode: 'rotate' }, 'bk/t_old'));
    const located = locateAside(pairs, aside, 'rotate');
    assert.ok(located.every(({ located: at }) => at?.as === 'aside'));
    const { user, system } = process.cpuUsage(before);
    assert.ok((user + system) / 1000 < MOST_MS, `${Math.round((user + system) / 1000)} ms`);
  });
});
