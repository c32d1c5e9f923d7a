// The reader of SQLite files, against files that SQLite itself has made.
import assert from 'node:assert/strict';
import { BadDatabase, SqliteFile } from '../../../../src/import/truenas/sqlite';
import { sqliteFile } from './archives';

const read = (sql: string): SqliteFile => new SqliteFile(sqliteFile(sql));

describe('the reader of SQLite files', () => {
  it('reads every type of value', () => {
    const file = read(`CREATE TABLE t (id INTEGER PRIMARY KEY, a, b TEXT, c REAL, d BLOB);
      INSERT INTO t VALUES (1, 0, 'äöü €', 1.5, x'00ff');
      INSERT INTO t VALUES (-5, 1, '', -2.25, NULL);
      INSERT INTO t VALUES (300, -129, 'x', 3, x'');
      INSERT INTO t VALUES (70000, 9007199254740993, NULL, 0, NULL);
      INSERT INTO t VALUES (5000000000, 8388608, 'y', 2147483648, NULL);`);
    assert.deepEqual(file.rows('t'), [
      { id: -5, a: 1, b: '', c: -2.25, d: null },
      { id: 1, a: 0, b: 'äöü €', c: 1.5, d: new Uint8Array([0, 255]) },
      { id: 300, a: -129, b: 'x', c: 3, d: new Uint8Array() },
      { id: 70_000, a: 9007199254740993n, b: null, c: 0, d: null },
      { id: 5_000_000_000, a: 8_388_608, b: 'y', c: 2_147_483_648, d: null },
    ]);
  });

  for (const pageSize of [512, 1024, 4096, 65_536]) {
    it(`follows trees and overflow pages of ${pageSize} bytes`, () => {
      const file = read(`PRAGMA page_size=${pageSize}; CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT i, printf('%d:%.*c', i, i, 'x') FROM n;
        INSERT INTO t VALUES (5000, printf('%.*c', 300000, 'y'));`);
      const rows = file.rows('t');
      assert.equal(rows.length, 3001);
      assert.ok(rows.slice(0, 3000).every(({ id, text }) => text === `${String(id)}:${'x'.repeat(Number(id))}`));
      assert.equal(rows.at(-1)?.['text'], 'y'.repeat(300_000));
    });
  }

  it('gives rows that are older than a column its default', () => {
    const file = read(`CREATE TABLE t (a); INSERT INTO t VALUES (1);
      ALTER TABLE t ADD COLUMN "b c" TEXT NOT NULL DEFAULT 'it''s, (so)';
      ALTER TABLE t ADD COLUMN d INTEGER DEFAULT -3; ALTER TABLE t ADD COLUMN e BOOLEAN DEFAULT FALSE; ALTER TABLE t ADD COLUMN f;`);
    assert.deepEqual(file.rows('t'), [{ a: 1, 'b c': "it's, (so)", d: -3, e: 0, f: null }]);
  });

  it('knows columns by name, and nothing of constraints and what is no table', () => {
    const file =
      read(`CREATE TABLE "a b" ([x] integer, \`y\` varchar(10, 2) CHECK (y IN ('a,b', 'c')), "primary" TEXT, UNIQUE (x), FOREIGN KEY (x) REFERENCES o (i));
      CREATE INDEX i ON "a b" (x); CREATE VIEW v AS SELECT 1; CREATE TABLE w (k PRIMARY KEY) WITHOUT ROWID; INSERT INTO w VALUES (1);`);
    assert.deepEqual(file.columns('a b'), ['x', 'y', 'primary']);
    assert.deepEqual(
      ['a b', 'i', 'v', 'w', 'nothing'].map((name) => file.has(name)),
      [true, false, false, false, false],
    );
    assert.deepEqual(file.rows('nothing'), []);
  });

  it('refuses what is not UTF-8, what has a WAL, and a tree that bites its own tail', () => {
    assert.throws(() => read(`PRAGMA encoding='UTF-16'; CREATE TABLE t (a);`), /UTF-8/);
    assert.throws(() => read('PRAGMA journal_mode=WAL; CREATE TABLE t (a);'), /WAL/);
    const file = sqliteFile(`PRAGMA page_size=512; CREATE TABLE t (a TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT printf('%.*c', 100, 'x') FROM n;`);
    const interior =
      file.indexOf(0x05, 512 + 0) === 512
        ? 512
        : [...Array(file.length / 512).keys()].map((page) => page * 512).find((at) => at > 0 && file[at] === 5);
    assert.ok(interior !== undefined);
    file.writeUInt32BE(interior / 512 + 1, interior + 8);
    assert.throws(() => new SqliteFile(file).rows('t'), BadDatabase);
  });
});
