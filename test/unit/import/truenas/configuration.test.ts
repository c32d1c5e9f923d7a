// Saved configurations: the database alone, with its seed, with a wrong one, damaged ones.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { importTools } from '../../../../nodes/admin/import-tools';
import { ZfsFlowError } from '../../../../src/base/errors';
import type { Imported } from '../../../../src/import/result';
import { readConfiguration } from '../../../../src/import/truenas/configuration';
import { importTrueNas } from '../../../../src/import/truenas/map';
import { configurationSql, SEED, sqliteFile, tarFile } from './archives';

const SECRETS = { privateKey: 'THE-PRIVATE-KEY '.repeat(200), passphrase: 'THE-PASSPHRASE' };

function imported(file: Uint8Array): Imported {
  const { dump, secrets } = readConfiguration(file);
  return importTrueNas({ dump, secrets, fallbackName: '' }, { here: '', enable: new Set() }, importTools());
}

const said = ({ findings }: Imported, level: string): string =>
  findings
    .filter((one) => one.level === level)
    .map(({ item, message }) => `${item}: ${message}`)
    .join('\n');

const refused =
  (text: RegExp) =>
  (error: unknown): boolean =>
    error instanceof ZfsFlowError &&
    error.code === 'INVALID_OPTIONS' &&
    error.field === 'file' &&
    text.test(error.message) &&
    !/THE-P/.test(error.message);

describe('a saved configuration of TrueNAS', () => {
  const database = sqliteFile(configurationSql(SECRETS));

  it('with its seed becomes the same flow as its answers, keys and all', () => {
    const result = imported(
      tarFile({ 'freenas-v1.db': database, pwenc_secret: SEED, root_authorized_keys: Buffer.from('ssh-rsa A') }),
    );
    assert.equal(said(result, 'error'), '');
    const byKind = (kind: string): Record<string, unknown> => {
      const node = result.nodes.find(({ id }) => id.startsWith(`zfs-imp-${kind}`));
      assert.ok(node, kind);
      return node;
    };
    const [ssh, snap, repl] = [byKind('ssh-2'), byKind('snap-5'), byKind('repl-4')];
    assert.deepEqual([ssh['host'], ssh['hostKeys'], ssh['connectTimeout']], ['vault.lan', 'ssh-ed25519 AAAAC3', 10]);
    assert.deepEqual(
      [snap['datasets'], snap['exclude'], snap['schedule']],
      [['tank/family'], ['tank/family/tmp'], '0 3 * * *'],
    );
    assert.deepEqual(
      [snap['scheduleBegin'], snap['timeZone'], snap['wires']],
      ['', 'Europe/Vienna', [[repl['id']], [], []]],
    );
    // The row is older than the column.
    assert.equal(snap['allowEmpty'], false);
    assert.deepEqual(repl['namingSchemas'], ['auto-%Y-%m-%d_%H-%M', 'manual-%Y-%m-%d_%H-%M']);
    assert.deepEqual(
      [repl['restrictSchedule'], repl['restrictBegin'], repl['restrictEnd']],
      ['0 * * * 1,2', '09:00', '18:00'],
    );
    assert.deepEqual([repl['schedule'], repl['encryption'], repl['encryptionKeyFormat']], ['', 'key', 'passphrase']);
    assert.deepEqual(repl['targetRetentionPolicy'], { keep: [{ type: 'age', value: 3, unit: 'month' }] });
    assert.deepEqual(Object.fromEntries(result.secrets), {
      [String(ssh['id'])]: { privateKey: SECRETS.privateKey },
      [String(repl['id'])]: { encryptionKey: SECRETS.passphrase },
    });
    assert.doesNotMatch(JSON.stringify([result.nodes, result.findings]), /THE-P/);
    assert.equal(result.version, 'SCALE');
    assert.equal(byKind('tab')['label'], 'Imported from attic');
  });

  it('alone has everything but hosts and keys', () => {
    const result = imported(database);
    assert.deepEqual([...result.secrets], []);
    assert.match(
      said(result, 'warn'),
      /import: the hosts, keys and passphrases .* encrypted.*\n.*ssh-2: .*key missing/s,
    );
    assert.match(said(result, 'error'), /ssh-2: .*host/);
    assert.deepEqual(
      result.nodes.filter(({ type }) => type.startsWith('zfs-')).map(({ name }) => name),
      ['vault', 'tank/family', 'family'],
    );
  });

  it('with the seed of another says so, and has no keys', () => {
    const result = imported(tarFile({ 'freenas-v1.db': database, pwenc_secret: Buffer.alloc(32, 7) }));
    assert.match(said(result, 'error'), /import: this secret seed does not belong to this database/);
    assert.deepEqual([...result.secrets], []);
    assert.equal(result.nodes.filter(({ type }) => type === 'zfs-replicate').length, 1);
  });

  it('of CORE is one, by its columns', () => {
    const core = sqliteFile(configurationSql({ ...SECRETS, core: true }));
    assert.equal(imported(core).version, 'CORE');
  });

  it('may have its database under another name', () => {
    assert.equal(imported(tarFile({ './other.db': database, pwenc_secret: SEED })).secrets.size, 2);
  });

  it('is refused with what is wrong, where it cannot be read', () => {
    const old = sqliteFile(configurationSql({ ...SECRETS, old: true }));
    const wal = sqliteFile(`PRAGMA journal_mode=WAL; ${configurationSql(SECRETS)}`);
    const other = sqliteFile('CREATE TABLE t (a); INSERT INTO t VALUES (1);');
    for (const [file, text] of [
      [old, /11\.3 or older/],
      [wal, /second file \(WAL\)/],
      [other, /not the database of a TrueNAS/],
      [tarFile({ 'notes.txt': Buffer.from('x') }), /holds no database/],
      [tarFile({ 'folder/freenas-v1.db': database }), /holds no database/],
      [tarFile({ 'freenas-v1.db': database }).subarray(0, 4000), /cut off/],
      [database.subarray(0, 4096 * 2), /cut off|damaged/],
      [new Uint8Array((64 << 20) + 1), /64 MiB/],
    ] as const) {
      assert.throws(() => imported(file), refused(text), String(text));
    }
  });

  it('that is damaged or cut off anywhere is read or refused, and never more', () => {
    const archive = tarFile({ 'freenas-v1.db': database, pwenc_secret: SEED });
    const harmless = (file: Uint8Array): void => {
      try {
        imported(file);
      } catch (error) {
        assert.ok(refused(/./)(error), String(error));
      }
    };
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 0, max: 255 })), {
          maxLength: 20,
        }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (inArchive, changes, length) => {
          const file = Buffer.from(inArchive ? archive : database);
          for (const [at, byte] of changes) file[Math.floor(at * file.length)] = byte;
          harmless(length > 0.5 ? file : file.subarray(0, Math.floor(length * 2 * file.length)));
        },
      ),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        harmless(bytes);
        harmless(Buffer.concat([database.subarray(0, 100), bytes]));
      }),
      { numRuns: 100 },
    );
  });
});
