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
    // An encrypted stream cannot be received onto what is there without encryption either.
    for (const state of states.slice(1)) {
      assert.equal(plan({ ...state, sourceMore: AES }, {}).refusal?.code, 'ENCRYPTION_MISMATCH');
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
