// The shapes in which people have TrueNAS's answers.
import assert from 'node:assert/strict';
import { readDocuments, versionOf, type Dump } from '../../../../src/import/truenas/documents';
import { answersOf, sample } from './samples';

const counts = ({ keychain, snapshotTasks, replications }: Dump): number[] =>
  [keychain, snapshotTasks, replications].map((rows) => rows.length);

describe('answers of TrueNAS', () => {
  const answers = answersOf('SCALE 25.10.6');
  const list = (name: string): unknown => answers[name];
  const lists = ['keychaincredential.query', 'pool.snapshottask.query', 'replication.query'].map(list);
  const shapes: Record<string, unknown> = {
    'by API name': answers,
    'as text': JSON.stringify(answers),
    'with a mark of byte order': `\uFEFF${JSON.stringify(answers)}\n`,
    'by short names': { keychaincredential: lists[0], 'pool.snapshottask': lists[1], replication: lists[2] },
    'by REST paths': {
      '/api/v2.0/keychaincredential': lists[0],
      '/api/v2.0/pool/snapshottask/': lists[1],
      '/api/v2.0/replication/id/4': lists[2],
    },
    'as a list of lists': lists,
    'as a list of objects': [{ keychaincredential: lists[0] }, { pool_snapshottask: lists[1], replication: lists[2] }],
    'as one list of everything': lists.flat(),
    'a line each': lists.map((one) => JSON.stringify(one)).join('\n'),
    'whole messages': lists.map((result, id) => ({ jsonrpc: '2.0', id, result })),
    'whole messages by name': {
      keychaincredential: { id: '1', msg: 'result', result: lists[0] },
      'pool.snapshottask': { id: '2', msg: 'result', result: lists[1] },
      replication: { id: '3', msg: 'result', result: lists[2] },
    },
    'in an envelope': { data: { keychaincredential: lists[0], 'pool.snapshottask': lists[1], replication: lists[2] } },
  };
  for (const [shape, json] of Object.entries(shapes)) {
    it(`are read ${shape}`, () => {
      assert.deepEqual(counts(readDocuments(json)), [2, 1, 2]);
    });
  }

  it('of one kind alone are recognised by their fields', () => {
    assert.deepEqual(
      lists.map((one) => counts(readDocuments(one))),
      [
        [2, 0, 0],
        [0, 1, 0],
        [0, 0, 2],
      ],
    );
    assert.deepEqual(counts(readDocuments((lists[2] as unknown[])[0])), [0, 0, 1]);
    assert.equal(readDocuments({ system: 1, 'system/general': { timezone: 'UTC' } }).timeZone, 'UTC');
  });

  it('tell the version, or what it must be', () => {
    assert.equal(versionOf(readDocuments(answers)), 'SCALE 25.10.6');
    assert.equal(versionOf(readDocuments(sample('a'))), 'CORE');
    assert.equal(versionOf(readDocuments(sample('b'))), 'SCALE');
    const named = { ...answers, 'system.info': { hostname: 'x', version: 'TrueNAS-SCALE-22.12.4' } };
    assert.equal(versionOf(readDocuments(named)), 'SCALE 22.12.4');
  });

  it('that are none are refused without a word of them', () => {
    for (const json of ['', 'THE-SECRET', '{"a": "THE-SECRET"', { a: 'THE-SECRET' }, [], null, 7]) {
      assert.throws(
        () => readDocuments(json, 'text'),
        (error: Error & { code?: string; field?: string }) =>
          error.code === 'INVALID_OPTIONS' && error.field === 'text' && !error.message.includes('SECRET'),
      );
    }
  });
});
