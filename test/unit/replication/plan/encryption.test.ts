// What is encrypted with whose key, and what is refused, decided without any ZFS; and secrets that print as nothing.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { stableHash } from '../../../../src/base/stable-hash';
import type { ReplicateOptions } from '../../../../src/replication/setup/options';
import { parseReplicateOptions } from '../../../../src/replication/setup/check-options';
import { planReplication } from '../../../../src/replication/plan/plan';
import type { DatasetPlan, PlanInput } from '../../../../src/replication/plan/plan-types';
import { Secret } from '../../../../src/base/secret';
import { checkEncryptionKey } from '../../../../src/replication/execute/target-key';
import type { DatasetRecord } from '../../../../src/zfs/records';
import { dataset, OPTIONS, pair, SEEN_EMPTY, type PairText } from '../../../support/model';

const AES = { encryption: 'aes-256-gcm', keyStatus: 'available' };

/** One dataset with these ancestors of the target. */
function plan(text: PairText, options: Partial<PlanInput['options']>, above: DatasetRecord[] = []): DatasetPlan {
  const [planned] = planReplication({
    pairs: [pair(text)],
    ancestors: [dataset('bk'), ...above],
    existing: new Set(['bk']),
    options: { ...OPTIONS, ...options },
  }).datasets;
  assert.ok(planned);
  return planned;
}

describe('encryption at the target', () => {
  const vault = dataset('bk', { ...AES, encryptionRoot: 'bk' });
  const FIRST: PairText = { source: 'a:1', target: null };

  it('inherits from an encrypted dataset only, and only with its key', () => {
    assert.equal(plan(FIRST, { encryption: 'inherit' }).refusal?.code, 'ENCRYPTION_MISMATCH');
    const good = plan(FIRST, { encryption: 'inherit' }, [vault]);
    assert.deepEqual([good.encryption, good.raw, good.refusal], ['inherit', false, null]);
    const shut = dataset('bk', { ...AES, encryptionRoot: 'bk', keyStatus: 'unavailable' });
    assert.equal(plan(FIRST, { encryption: 'inherit' }, [shut]).refusal?.code, 'KEY_NOT_LOADED');
  });

  it('makes one root with the key, and has its children inherit', () => {
    const child = { ...pair(FIRST), source: dataset('tank/s/c'), target: 'bk/t/c' };
    const { datasets } = planReplication({
      pairs: [pair(FIRST), child],
      ancestors: [dataset('bk')],
      existing: new Set(['bk']),
      options: { ...OPTIONS, encryption: 'key' },
    });
    assert.deepEqual(
      datasets.map(({ encryption, refusal }) => [encryption, refusal]),
      [
        ['key', null],
        ['inherit', null],
      ],
    );
  });

  it('decrypts an encrypted source for it, carries its properties, and needs its key', () => {
    const source = { ...FIRST, sourceMore: AES };
    const planned = plan(source, { encryption: 'key' });
    assert.deepEqual([planned.raw, planned.properties, planned.carriesProperties], [false, false, true]);
    assert.deepEqual(planned.warnings, []);
    const locked = { ...FIRST, sourceMore: { ...AES, keyStatus: 'unavailable' } };
    assert.equal(plan(locked, { encryption: 'key' }).refusal?.code, 'KEY_NOT_LOADED');
    assert.match(plan(source, { raw: 'never' }).warnings.join(), /in the clear/);
  });

  it('never takes an unencrypted target for an encrypted one, whatever its state', () => {
    const states: PairText[] = [
      { source: 'a:1 b:2', target: 'a:1' },
      { source: 'a:1', target: '', more: SEEN_EMPTY },
      {
        source: 'a:1',
        target: '',
        more: SEEN_EMPTY,
        targetMore: { userProperties: { 'zfsflow:placeholder': 'bk/t' } },
      },
    ];
    for (const state of states) {
      for (const encryption of ['inherit', 'key'] as const) {
        const { refusal, steps } = plan(state, { encryption });
        assert.deepEqual([refusal?.code, steps], ['ENCRYPTION_MISMATCH', []]);
      }
    }
    // An encrypted stream cannot be received onto what is there without encryption either; our own placeholder gives way.
    const [, empty, placeholder] = states.map((state) => plan({ ...state, sourceMore: AES }, {}));
    assert.equal(empty?.refusal?.code, 'ENCRYPTION_MISMATCH');
    assert.deepEqual([placeholder?.refusal, placeholder?.prepare.map((step) => step.do)], [null, ['setAside']]);
  });

  it('never calls for removing what has datasets below it [B12]', () => {
    const hint = (existing: string[]): string => {
      const { datasets } = planReplication({
        pairs: [pair({ source: 'a:1', target: '', more: SEEN_EMPTY, sourceMore: AES })],
        ancestors: [dataset('bk')],
        existing: new Set(['bk', 'bk/t', ...existing]),
        options: OPTIONS,
      });
      return datasets[0]?.refusal?.hint ?? '';
    };
    assert.match(hint([]), /zfs destroy bk\/t/);
    assert.match(hint(['bk/t2']), /zfs destroy bk\/t/);
    assert.doesNotMatch(hint(['bk/t/x']), /destroy|remove/);
    // "zfs destroy POOL" would call for "zpool destroy" (openzfs issue 17724).
    const onPool = { ...pair({ source: 'a:1', target: '', more: SEEN_EMPTY, sourceMore: AES }), target: 'bk' };
    const { datasets } = planReplication({
      pairs: [{ ...onPool, targetDataset: dataset('bk') }],
      ancestors: [],
      existing: new Set(['bk']),
      options: OPTIONS,
    });
    assert.equal(datasets[0]?.refusal?.code, 'ENCRYPTION_MISMATCH');
    assert.match(datasets[0]?.refusal?.hint ?? '', /below it/);
    assert.doesNotMatch(datasets[0]?.refusal?.hint ?? '', /destroy|remove/);
  });

  it('a placeholder stays where it cannot give way, and the rest goes on [B12]', () => {
    const mark = { userProperties: { 'zfsflow:placeholder': 'bk/t' } };
    const root = (more: PairText['more']): ReturnType<typeof pair> =>
      pair({ source: 'a:1', target: '', sourceMore: AES, targetMore: mark, ...(more ? { more } : {}) });
    const child = (more: Partial<DatasetRecord>): ReturnType<typeof pair> => ({
      ...pair({ source: 'a:1 b:2', target: 'a:1', sourceMore: { ...AES, name: 'tank/s/c' } }),
      target: 'bk/t/c',
      targetDataset: dataset('bk/t/c', more),
    });
    const encrypted = { ...AES, encryptionRoot: 'bk/t/c', userProperties: { 'zfsflow:raw': 'on,t/c' } };
    const plans = (pairs: ReturnType<typeof pair>[], careful = false): unknown[] =>
      planReplication({
        pairs,
        careful,
        ancestors: [dataset('bk')],
        existing: new Set(['bk', ...pairs.map(({ target }) => target)]),
        options: OPTIONS,
      }).datasets.map(({ action, prepare, refusal }) => [action, ...prepare.map((step) => step.do), refusal?.code]);
    const first = root(SEEN_EMPTY);
    assert.deepEqual(plans([first, child(encrypted)]), [
      ['full', 'setAside', undefined],
      ['incremental', 'rename', undefined],
    ]);
    const stays = ['skip', undefined];
    assert.deepEqual(plans([first, child(encrypted)], true), [stays, ['incremental', undefined]]);
    const foreign = { inside: { foreignChildren: ['bk/t/own'], isEmpty: true } };
    assert.deepEqual(plans([root(foreign), child(encrypted)]), [stays, ['incremental', undefined]]);
    const plain = child({});
    assert.deepEqual(plans([first, { ...plain, source: dataset('tank/s/c') }]), [stays, ['incremental', undefined]]);
  });

  it('sends nothing raw into a copy that has its key from elsewhere, unless it is the same key [B8]', () => {
    const copy = (source: string, root: string, salts: [string, string]): ReturnType<typeof pair> => ({
      ...pair({
        source,
        target: 'a:1',
        sourceMore: { ...AES, name: 'tank/s/c', encryptionRoot: 'tank/s', keySalt: salts[0] },
      }),
      target: 'bk/t/c',
      targetDataset: dataset('bk/t/c', {
        ...AES,
        encryptionRoot: root,
        keySalt: salts[1],
        userProperties: { 'zfsflow:raw': 'on,t/c' },
      }),
    });
    const above = (source: string): ReturnType<typeof pair> =>
      pair({
        source,
        target: 'a:1',
        sourceMore: { ...AES, encryptionRoot: 'tank/s' },
        targetMore: { ...AES, encryptionRoot: 'bk/t', userProperties: { 'zfsflow:raw': 'on,t' } },
      });
    const cases: [root: string, salts: [string, string], above: string | null, good: boolean][] = [
      // Its own key, whatever the salts.
      ['bk/t/c', ['1', '2'], null, true],
      // That of another root: fine only where it is the same.
      ['bk', ['1', '2'], null, false],
      ['bk', ['1', '1'], null, true],
      ['bk', ['', ''], null, false],
      ['bk', ['1', ''], 'a:1', false],
      // That of the copy of its own root.
      ['bk/t', ['1', '1'], 'a:1', true],
      ['bk/t', ['', ''], 'a:1', true],
      ['bk/t', ['1', '2'], 'a:1', false],
      ['bk/t', ['1', '2'], 'a:1 b:2', true],
    ];
    for (const [root, salts, parent, good] of cases) {
      const pairs = [...(parent === null ? [] : [above(parent)]), copy('a:1 b:2', root, salts)];
      const planned = planReplication({
        pairs,
        ancestors: [dataset('bk')],
        existing: new Set(pairs.map(({ target }) => target)),
        options: OPTIONS,
      }).datasets.at(-1);
      const said = JSON.stringify([root, salts, parent]);
      assert.equal(planned?.refusal?.code, good ? undefined : 'ENCRYPTION_MISMATCH', said);
      // What needs nothing is not refused.
      const current = planReplication({
        pairs: [copy('a:1', root, salts)],
        ancestors: [dataset('bk')],
        existing: new Set(['bk/t/c']),
        options: OPTIONS,
      }).datasets[0];
      assert.equal(current?.refusal, null, said);
    }
  });

  it('loads only a key that this job knows before it sends to a locked copy', () => {
    const copy = (encryptionRoot: string): PairText => ({
      source: 'a:1 b:2',
      target: 'a:1',
      targetMore: { ...AES, keyStatus: 'unavailable', encryptionRoot },
    });
    assert.equal(plan(copy('bk/t'), { encryption: 'key' }).loadKey, 'bk/t');
    assert.equal(plan(copy('bk'), { encryption: 'key' }).refusal?.code, 'KEY_NOT_LOADED');
    assert.equal(plan(copy('bk/t'), {}).refusal?.code, 'KEY_NOT_LOADED');
    // Nothing to send, nothing to load.
    assert.equal(plan({ ...copy('bk'), source: 'a:1' }, {}).refusal, null);
  });

  it('knows the chains of other tools by their ivset', () => {
    const chain = (sameIvset: boolean, encryption: string): PairText => ({
      source: 'a:1 b:2',
      target: 'a:1',
      sourceMore: AES,
      targetMore: { encryption, keyStatus: 'available' },
      more: { sameIvset },
    });
    assert.equal(plan(chain(true, 'aes-256-gcm'), {}).raw, true);
    assert.equal(plan(chain(false, 'aes-256-gcm'), {}).raw, false);
    assert.equal(plan(chain(true, 'aes-256-gcm'), { raw: 'never' }).refusal?.code, 'ENCRYPTION_MISMATCH');
    assert.equal(plan(chain(false, 'off'), { raw: 'always' }).refusal?.code, 'ENCRYPTION_MISMATCH');
    assert.equal(plan(chain(true, 'aes-256-gcm'), { encryption: 'inherit' }).refusal?.code, 'ENCRYPTION_MISMATCH');
  });
});

describe('encryption options', () => {
  const parse = (more: Record<string, unknown>): ReplicateOptions =>
    parseReplicateOptions({ sourceDatasets: ['tank/s'], targetDataset: 'bk/t', ...more });
  const refusedField = (work: () => unknown): unknown => {
    try {
      work();
    } catch (error) {
      return (error as { field?: string }).field;
    }
    return null;
  };

  it('have their defaults, and refuse what makes no sense', () => {
    const { encryption, encryptionKeyFormat, encryptionKeyLocation } = parse({});
    assert.deepEqual([encryption, encryptionKeyFormat, encryptionKeyLocation], ['none', 'hex', 'stored']);
    const wrong: [string, Record<string, unknown>][] = [
      ['encryption', { encryption: 'on' }],
      ['encryptionKeyFormat', { encryptionKeyFormat: 'raw' }],
      ['encryptionKeyLocation', { encryptionKeyLocation: 'relative/path' }],
      ['encryptionKeyLocation', { encryptionKeyLocation: '' }],
      ['raw', { encryption: 'key', raw: 'always' }],
      ['propertiesOverride', { propertiesOverride: { encryption: 'off' } }],
      ['propertiesOverride', { propertiesOverride: { quota: { size: '1G' } } }],
    ];
    for (const [field, more] of wrong)
      assert.equal(
        refusedField(() => parse(more)),
        field,
      );
  });

  it('take only keys that ZFS takes', () => {
    const hex = 'ab'.repeat(32);
    const check = (more: Record<string, unknown>, key: string | null): unknown =>
      refusedField(() =>
        checkEncryptionKey(parse({ encryption: 'key', ...more }), key === null ? null : new Secret(key)),
      );
    assert.equal(check({}, hex), null);
    for (const bad of [null, '', 'ab', `${hex}0`, `${hex}\n`]) assert.equal(check({}, bad), 'encryptionKey');
    const phrase = { encryptionKeyFormat: 'passphrase' };
    assert.equal(check(phrase, 'long enough'), null);
    for (const bad of ['short', 'two\nlines of it', 'x'.repeat(513)]) assert.equal(check(phrase, bad), 'encryptionKey');
    assert.equal(check({ encryptionKeyLocation: '/etc/key' }, null), null);
    assert.equal(check({ encryption: 'inherit' }, null), null);
  });

  it('keep a secret out of everything that is printed, copied or hashed', () => {
    const secret = new Secret('hunter2hunter2');
    const shown = [JSON.stringify({ secret }), inspect({ secret }, { showHidden: true, depth: 9 }), secret.toString()];
    shown.push(JSON.stringify(structuredClone({ secret })), Object.keys(secret).join());
    assert.ok(
      shown.every((text) => !text.includes('hunter2')),
      shown.join('\n'),
    );
    assert.equal(stableHash({ secret }), stableHash({ secret: new Secret('another one') }));
    assert.equal(secret.reveal(), 'hunter2hunter2');
  });
});
