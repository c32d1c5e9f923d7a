// Every target state has its answer, and none of them loses anything by default.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { planReplication } from '../../../../src/replication/plan/plan';
import type { DatasetPlan, PairInput, PlanInput } from '../../../../src/replication/plan/plan-types';
import type { TokenContents } from '../../../../src/zfs/send';
import { bookmarkName } from '../../../../src/zfs/marks';
import { dataset, OPTIONS, pair, SEEN_EMPTY, type PairText } from '../../../support/model';

function planOf(text: PairText, options: Partial<PlanInput['options']> = {}): DatasetPlan {
  const plan = planReplication({
    pairs: [pair(text)],
    ancestors: [dataset('bk')],
    existing: new Set(['bk']),
    options: { ...OPTIONS, ...options },
  });
  const [first] = plan.datasets;
  assert.ok(first);
  return first;
}

const shown = ({ steps }: DatasetPlan): string[] =>
  steps.map(
    ({ from, to, intermediates }) => `${from ? `${intermediates ? 'I' : 'i'}:${from.name}>` : 'full:'}${to.name}`,
  );

describe('planReplication', () => {
  it('copies everything to a target that does not exist', () => {
    const plan = planOf({ source: 'a:1 b:2 c:3', target: null });
    assert.deepEqual([plan.state, plan.action, shown(plan)], ['INITIAL', 'full', ['full:a', 'I:a>c']]);
  });

  it('copies only the newest selected snapshot with firstCopy newest', () => {
    const plan = planOf(
      { source: 'd1:1 d2:2 h:3', target: null, wanted: (n) => n.startsWith('d') },
      { firstCopy: 'newest' },
    );
    assert.deepEqual(shown(plan), ['full:d2']);
  });

  it('goes on from the newest common GUID, whatever the names [C1 1]', () => {
    const plan = planOf({ source: 'a:1 renamed:2 c:3', target: 'a:1 b:2' });
    assert.deepEqual([plan.action, plan.base?.name, shown(plan)], ['incremental', 'renamed', ['i:renamed>c']]);
  });

  it('never takes the same name with another GUID for a base [C1 2]', () => {
    const plan = planOf({ source: 'a:1 b:99 c:3', target: 'a:1 b:2' });
    assert.equal(plan.refusal?.code, 'TARGET_DIVERGED');
    assert.deepEqual(plan.refusal?.details['targetOnly'], ['b']);
    assert.deepEqual(plan.refusal?.details['sourceOnly'], ['b', 'c']);
    assert.deepEqual([plan.steps, plan.prepare], [[], []]);
  });

  it('uses a bookmark as base with a single -i first [C1 3] [C1 4]', () => {
    const plan = planOf({ source: '#bm:1 b:2 c:3', target: 'a:1' });
    assert.deepEqual([plan.base?.kind, shown(plan)], ['bookmark', ['i:bm>b', 'i:b>c']]);
  });

  it('prefers a bookmark that is newer than the newest common snapshot [C1 5]', () => {
    const plan = planOf({ source: 'a:1 #bm:3 d:4', target: 'a:1 b:2 c:3' });
    assert.deepEqual(shown(plan), ['i:bm>d']);
  });

  it('prefers its own bookmark to others of the same snapshot', () => {
    const { dstId } = pair({ source: '', target: '' });
    const own = bookmarkName(dstId, '1', false);
    for (const source of [`#x:1 #${own}:1 b:2`, `#${own}:1 #x:1 b:2`]) {
      assert.equal(planOf({ source, target: 'a:1' }).base?.name, own);
    }
  });

  it('uses a snapshot that the filter leaves out as base, and sends only what it selects [C1 7]', () => {
    const plan = planOf({ source: 'h:1 d1:2 h2:3 d2:4', target: 'h:1', wanted: (n) => n.startsWith('d') });
    assert.deepEqual(shown(plan), ['i:h>d1', 'i:d1>d2']);
  });

  it('does nothing when the target is current', () => {
    const plan = planOf({ source: 'a:1 b:2', target: 'a:1 b:2' });
    assert.deepEqual([plan.action, plan.steps, plan.refusal], ['current', [], null]);
    assert.deepEqual(plan.warnings, []);
    const lost = planOf({ source: '#bm:2', target: 'a:1 b:2' });
    assert.equal(lost.action, 'current');
    assert.match(lost.warnings.join(), /no selected snapshot \(any more\)/);
  });

  it('distinguishes GUIDs that differ only beyond the precision of a number [C1 15]', () => {
    const plan = planOf({ source: 'a:18446744073709551557 b:5', target: 'a:18446744073709551556' });
    assert.equal(plan.refusal?.code, 'NO_COMMON_SNAPSHOT');
    assert.deepEqual(plan.refusal?.details['sameNameOtherSnapshot'], ['a']);
  });

  it('refuses a written target with the bytes, and rolls it back only where allowed', () => {
    const text = { source: 'a:1 b:2', target: 'a:1', written: 4096 };
    const refused = planOf(text);
    assert.equal(refused.refusal?.code, 'TARGET_MODIFIED');
    assert.equal(refused.refusal?.details['writtenBytes'], 4096);
    const plan = planOf(text, { whenDiverged: 'rollback' });
    assert.deepEqual(plan.prepare, [{ do: 'rollback', to: 'a', destroys: [], writtenBytes: 4096 }]);
    assert.deepEqual([plan.action, shown(plan)], ['rollback', ['i:a>b']]);
  });

  it('lists what a rollback of a diverged target destroys [C1 9]', () => {
    const plan = planOf({ source: 'a:1 b:2', target: 'a:1 mine:8 too:9' }, { whenDiverged: 'rollback' });
    assert.deepEqual(plan.prepare, [{ do: 'rollback', to: 'a', destroys: ['mine', 'too'], writtenBytes: 0 }]);
  });

  it('never rolls back an unrelated or foreign target', () => {
    const unrelated = planOf({ source: 'a:1', target: 'x:7' }, { whenDiverged: 'rollback' });
    assert.equal(unrelated.refusal?.code, 'NO_COMMON_SNAPSHOT');
    const foreign = planOf({ source: 'a:1', target: '' }, { whenDiverged: 'rollback' });
    assert.equal(foreign.refusal?.code, 'TARGET_HAS_DATA');
  });

  it('receives onto an empty target that was looked into, and onto its own placeholder', () => {
    const empty = planOf({ source: 'a:1', target: '', more: SEEN_EMPTY });
    assert.deepEqual([empty.state, empty.force, empty.refusal], ['EMPTY_TARGET', true, null]);
    const marked = (mark: string, isEmpty: boolean): DatasetPlan =>
      planOf({
        source: 'a:1',
        target: '',
        more: { inside: { foreignChildren: [], isEmpty } },
        targetMore: { userProperties: { 'zfsflow:placeholder': mark } },
      });
    const placeholder = marked('bk/t', true);
    assert.deepEqual([placeholder.state, placeholder.force], ['INITIAL_PLACEHOLDER', true]);
    // Used for something since, or below a placeholder, from which it inherits the mark.
    for (const other of [marked('bk/t', false), marked('bk', false), marked('on', false)]) {
      assert.deepEqual([other.refusal?.code, other.force], ['TARGET_HAS_DATA', false]);
    }
  });

  it('refuses an empty target that has children of its own, is encrypted, or is a volume', () => {
    const code = (text: Partial<PairText>): string | undefined =>
      planOf({ source: 'a:1', target: '', ...text, more: { ...SEEN_EMPTY, ...text.more } }).refusal?.code;
    assert.equal(code({ more: { inside: { foreignChildren: ['bk/t/own'], isEmpty: true } } }), 'TARGET_HAS_DATA');
    assert.equal(code({ targetMore: { encryption: 'aes-256-gcm' } }), 'TARGET_HAS_DATA');
    assert.equal(code({ targetMore: { type: 'volume' }, sourceMore: { type: 'volume' } }), 'TARGET_HAS_DATA');
  });

  it('refuses to deliver a snapshot under a name that another one on the target has', () => {
    const plan = planOf({ source: 'b:2 x:99', target: 'x:1 b:2' });
    assert.equal(plan.refusal?.code, 'SNAPSHOT_EXISTS');
  });

  it('takes a base whose name the source uses again for diverged, so that whenDiverged can solve it', () => {
    // @b was destroyed on the source and taken anew; our bookmark still knows the old one.
    const text = { source: 'a:1 #bm:2 b:99 c:3', target: 'a:1 b:2' };
    const refused = planOf(text);
    assert.equal(refused.refusal?.code, 'TARGET_DIVERGED');
    assert.match(refused.refusal.message, /last common one @a: @b; @b have the same name but are other/);
    assert.deepEqual(refused.refusal.details['sameNameOtherSnapshot'], ['b']);
    const rolledBack = planOf(text, { whenDiverged: 'rollback' });
    assert.deepEqual([rolledBack.action, shown(rolledBack)], ['rollback', ['I:a>c']]);
    assert.deepEqual(rolledBack.warnings, ['"bk/t" is rolled back to @a, which discards @b']);
    // With nothing older in common there is nothing to go back to.
    assert.equal(planOf({ source: '#bm:2 b:99', target: 'b:2' }).refusal?.code, 'SNAPSHOT_EXISTS');
  });

  it('goes on raw or not raw as the chain began [C1 37]', () => {
    const source = { encryption: 'aes-256-gcm', keyStatus: 'available' };
    const begun = (mark: string, wish: 'auto' | 'always' | 'never', more: Partial<PairInput> = {}): DatasetPlan =>
      planOf(
        {
          source: 'a:1 b:2',
          target: 'a:1',
          sourceMore: source,
          targetMore: { encryption: 'aes-256-gcm', userProperties: { 'zfsflow:raw': mark } },
          more,
        },
        { raw: wish },
      );
    assert.equal(begun('on,t', 'auto').raw, true);
    assert.equal(begun('off,t', 'auto').raw, false);
    assert.equal(begun('on,t', 'never').refusal?.code, 'ENCRYPTION_MISMATCH');
    assert.equal(begun('off,t', 'always').refusal?.code, 'ENCRYPTION_MISMATCH');
    assert.equal(begun('off,t', 'auto').refusal, null);
    // Inherited from what is above it: that says nothing about this chain.
    assert.equal(begun('on,above', 'auto', { sameIvset: false }).raw, false);
    assert.equal(begun('off,above', 'auto', { sameIvset: true }).raw, true);
  });

  it('refuses to send a locked dataset decrypted, and to create plain data below an encrypted parent', () => {
    const locked = { encryption: 'aes-256-gcm', keyStatus: 'unavailable' };
    assert.equal(
      planOf({ source: 'a:1', target: null, sourceMore: locked }, { raw: 'never' }).refusal?.code,
      'KEY_NOT_LOADED',
    );
    assert.equal(planOf({ source: 'a:1', target: null, sourceMore: locked }).refusal, null);
    const below = planReplication({
      pairs: [pair({ source: 'a:1', target: null })],
      ancestors: [dataset('bk', { encryption: 'aes-256-gcm' })],
      existing: new Set(['bk']),
      options: OPTIONS,
    });
    assert.equal(below.datasets[0]?.refusal?.code, 'ENCRYPTION_MISMATCH');
  });

  it('requires a read-only target where asked', () => {
    assert.equal(
      planOf({ source: 'a:1 b:2', target: 'a:1' }, { readonly: 'require' }).refusal?.code,
      'TARGET_NOT_READONLY',
    );
    assert.equal(
      planOf({ source: 'a:1 b:2', target: 'a:1', targetMore: { readonly: true } }, { readonly: 'require' }).refusal,
      null,
    );
  });

  it('creates the missing parents that nothing else creates', () => {
    const one = pair({ source: 'a:1', target: null });
    const plan = planReplication({
      pairs: [{ ...one, target: 'bk/x/y/t' }],
      ancestors: [dataset('bk')],
      existing: new Set(['bk']),
      options: OPTIONS,
    });
    assert.deepEqual(plan.placeholders, ['bk/x', 'bk/x/y']);
  });
});

describe('planReplication with a partial receive', () => {
  const token: TokenContents = {
    toName: 'tank/s@b',
    toGuid: '2',
    fromGuid: '1',
    bytes: 1000,
    raw: false,
    largeBlocks: true,
    compressedBlocks: true,
    embeddedBlocks: false,
    usable: true,
    problem: '',
  };
  const text = (more: Partial<TokenContents> | null, own = true): PairText => ({
    source: 'a:1 b:2 c:3 d:4',
    target: 'a:1',
    targetMore: { receiveResumeToken: '1-abc' },
    more: { partial: { token: more === null ? null : { ...token, ...more }, isOwn: own } },
  });

  it('resumes what it would send, then goes on with a single -i', () => {
    const plan = planOf(text({}));
    assert.deepEqual([plan.action, plan.resume?.to.name, shown(plan)], ['resume', 'b', ['i:b>c', 'i:c>d']]);
  });

  it('resumes nothing that leaves out a selected snapshot', () => {
    const skipping = { toName: 'tank/s@c', toGuid: '3' };
    assert.deepEqual(shown(planOf(text(skipping))), ['I:a>d']);
    assert.match(
      planOf(text(skipping, false)).refusal?.message ?? '',
      /leaves out snapshots that come before tank\/s@c/,
    );
    const first = { ...text({ ...skipping, fromGuid: '' }), target: '' };
    assert.equal(planOf(first).resume, null);
    assert.equal(planOf(first, { firstCopy: 'newest' }).resume?.to.name, 'c');
  });

  it('discards its own partial receives that are of no use any more [C1 24] [C1 25]', () => {
    for (const more of [
      null,
      { usable: false },
      { toGuid: '77' },
      { toName: 'tank/other@b' },
      { raw: true },
      { fromGuid: '55' },
    ]) {
      const plan = planOf(text(more));
      assert.equal(plan.resume, null);
      assert.deepEqual(
        plan.prepare.map((step) => step.do),
        ['abortReceive'],
      );
      assert.deepEqual(shown(plan), ['I:a>d']);
    }
  });

  it("refuses others' partial receives unless told to discard them [C1 25]", () => {
    assert.equal(planOf(text({ toGuid: '77' }, false)).refusal?.code, 'TARGET_BUSY_PARTIAL');
    assert.deepEqual(
      planOf(text({ toGuid: '77' }, false), { partialReceive: 'abort' }).prepare.map((step) => step.do),
      ['abortReceive'],
    );
    assert.equal(planOf(text({ toGuid: '77' }), { partialReceive: 'refuse' }).refusal?.code, 'TARGET_BUSY_PARTIAL');
  });
});

describe('planReplication over random histories', () => {
  const history = fc.record({
    source: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 8 }),
    bookmarks: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
    target: fc.uniqueArray(fc.integer({ min: 1, max: 16 }), { maxLength: 8 }),
    written: fc.constantFrom(0, 512),
    wanted: fc.func(fc.boolean()),
    whenDiverged: fc.constantFrom('refuse', 'rollback'),
  });

  it('destroys nothing unless rollback was chosen, and sends only to a base that both sides have', () => {
    fc.assert(
      fc.property(history, ({ source, bookmarks, target, written, wanted, whenDiverged }) => {
        // GUIDs are creation order on the source, as on a real pool; the target has its own order for what is only there.
        const ascending = (numbers: number[]): number[] => numbers.toSorted((a, b) => a - b);
        const words = [
          ...ascending(source).map((guid) => ({ guid, text: `s${guid}:${guid}` })),
          ...ascending(bookmarks)
            .filter((guid) => !source.includes(guid))
            .map((guid) => ({ guid, text: `#b${guid}:${guid}` })),
        ].toSorted((a, b) => a.guid - b.guid);
        const plan = planOf(
          {
            source: words.map(({ text }) => text).join(' '),
            target:
              target.length === 0
                ? null
                : ascending(target)
                    .map((guid) => `s${guid}:${guid}`)
                    .join(' '),
            written,
            wanted: (name) => wanted(name),
          },
          { whenDiverged },
        );
        const rollbacks = plan.prepare.filter((step) => step.do === 'rollback');
        if (whenDiverged === 'refuse') assert.equal(rollbacks.length, 0);
        const known = new Set([...source, ...bookmarks].map(String));
        const common = ascending(target).filter((guid) => known.has(String(guid)));
        const newest = common.at(-1);
        if (plan.refusal) {
          assert.deepEqual([plan.steps, plan.prepare], [[], []]);
          return;
        }
        if (target.length > 0) assert.equal(plan.base?.guid, String(newest));
        const goes = new Set(rollbacks.flatMap((step) => (step.do === 'rollback' ? step.destroys : [])));
        const expected = ascending(target).filter((guid) => newest !== undefined && guid > newest);
        assert.deepEqual(
          [...goes],
          expected.map((guid) => `s${guid}`),
        );
        const first = plan.steps[0]?.from;
        if (first) assert.equal(first.guid, String(newest));
        for (const { snapshots } of plan.steps) for (const { name } of snapshots) assert.ok(wanted(name));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('planReplication and the flags of a stream', () => {
  const flags = (options: Partial<PlanInput['options']>, input: Partial<PlanInput>): DatasetPlan | undefined =>
    planReplication({
      pairs: [pair({ source: 'a:1 b:2', target: 'a:1' })],
      ancestors: [],
      existing: new Set(['bk']),
      options: { ...OPTIONS, ...options },
      ...input,
    }).datasets[0];
  const shownFlags = (plan: DatasetPlan | undefined): unknown[] => [
    plan?.largeBlocks,
    plan?.compressedBlocks,
    plan?.embeddedBlocks,
    plan?.warnings.length,
  ];

  it('keeps large blocks where the chain needs them', () => {
    const keepLargeBlocks = new Set(['tank/s']);
    assert.deepEqual(shownFlags(flags({ largeBlocks: false }, {})), [false, true, false, 0]);
    assert.deepEqual(shownFlags(flags({ largeBlocks: false }, { keepLargeBlocks })), [true, true, false, 1]);
    assert.deepEqual(shownFlags(flags({}, { keepLargeBlocks })), [true, true, false, 0]);
  });

  it('leaves out what the target cannot take, with a warning for each that was asked for', () => {
    const lacking = new Set(['largeBlocks', 'compressedBlocks', 'embeddedBlocks', 'encryption'] as const);
    assert.deepEqual(shownFlags(flags({ embeddedBlocks: true }, { lacking })), [false, false, false, 3]);
    assert.deepEqual(shownFlags(flags({ largeBlocks: false }, { lacking })), [false, false, false, 1]);
    const secret = { encryption: 'aes-256-gcm', encryptionRoot: 'tank/s', keyStatus: 'available' };
    const pairs = [pair({ source: 'a:1', target: null, sourceMore: secret })];
    assert.equal(flags({}, { lacking, pairs })?.refusal?.code, 'UNSUPPORTED');
    assert.equal(flags({ raw: 'never' }, { lacking, pairs })?.refusal, null);
  });
});
