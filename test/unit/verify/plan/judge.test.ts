// The verdict over a copy, from the records of both sides: state, what is missing, and in which words it is told.
import assert from 'node:assert/strict';
import type { PairFacts } from '../../../../src/replication/plan/target-state';
import { ageProblem, judgePair, spanText } from '../../../../src/verify/plan/judge';
import type { DatasetRecord, SnapshotRecord } from '../../../../src/zfs/records';

const dataset = (name: string, more: Partial<DatasetRecord> = {}): DatasetRecord => ({
  name,
  type: 'filesystem',
  guid: '1',
  used: 0,
  usedByDataset: 0,
  referenced: 0,
  written: 0,
  receiveResumeToken: '',
  readonly: true,
  encryption: 'off',
  encryptionRoot: '',
  keyStatus: '',
  origin: '',
  compression: 'off',
  mounted: false,
  keySalt: '',
  userProperties: {},
  ...more,
});

/** `a:5`: snapshot a of txg 5, whose GUID is its name's; `#a:5`: its bookmark. */
const records = (of: string, texts: readonly string[]): SnapshotRecord[] =>
  texts.map((text) => {
    const [, sign, name = '', txg = ''] = /^(#?)(\w+):(\d+)$/.exec(text) ?? [];
    const guid = String(1000 + Array.from(name).reduce((sum, char) => sum * 31 + char.charCodeAt(0), 0));
    return { dataset: of, kind: sign === '#' ? 'bookmark' : 'snapshot', name, guid, createtxg: txg };
  });

interface Given {
  source?: string[];
  /** Undefined: there is no target. */
  target?: string[];
  wanted?: (name: string) => boolean;
  written?: number;
  more?: Partial<DatasetRecord>;
  isEmpty?: boolean;
}

function pair({ source = [], target, wanted = () => true, written = 0, more = {}, isEmpty }: Given): PairFacts {
  const sourceRecords = records('tank/a', source);
  return {
    source: dataset('tank/a'),
    sourceRecords,
    target: 'backup/a',
    targetDataset: target === undefined ? null : dataset('backup/a', { written, ...more }),
    targetSnapshots: records('backup/a', target ?? []),
    dstId: '0000000000000001-000000000000',
    wanted: new Set(
      sourceRecords.filter(({ kind, name }) => kind === 'snapshot' && wanted(name)).map(({ guid }) => guid),
    ),
    inside: isEmpty === undefined ? null : { foreignChildren: [], isEmpty },
  };
}

const verdict = (given: Given): [string, string | undefined, number, number, string[]] => {
  const { state, newestCommon, missing, extra, problems } = judgePair(pair(given));
  return [state, newestCommon?.name, missing, extra, problems];
};

describe('the verdict over a copy', () => {
  it('is same, or behind, and both are well', () => {
    assert.deepEqual(verdict({ source: ['a:1', 'b:2'], target: ['a:7', 'b:8'] }), ['same', 'b', 0, 0, []]);
    assert.deepEqual(verdict({ source: ['a:1', 'b:2', 'c:3'], target: ['a:7'] }), ['behind', 'a', 2, 0, []]);
    assert.deepEqual(verdict({ source: ['#a:1', 'b:2'], target: ['a:7'] }), ['behind', 'a', 1, 1, []]);
    assert.deepEqual(verdict({ source: ['b:2'], target: ['a:7', 'b:8'] }), ['same', 'b', 0, 1, []]);
  });

  it('is a problem where something older than the newest common one is missing', () => {
    const [state, common, missing, , problems] = verdict({ source: ['a:1', 'b:2', 'c:3'], target: ['c:9'] });
    assert.deepEqual([state, common, missing], ['behind', 'c', 2]);
    assert.deepEqual(problems, [
      '"backup/a" lacks 2 snapshots of "tank/a" that are older than the newest common one @c: @a, @b',
    ]);
    const many = Array.from({ length: 9 }, (_, index) => `n${index}:${index + 1}`);
    assert.match(
      verdict({ source: [...many, 'z:50'], target: ['z:1'] })[4].join(),
      /@n4, @n5, @n6, @n7, @n8 and 4 more$/,
    );
  });

  it('asks only for what is selected', () => {
    const wanted = (name: string): boolean => name.startsWith('auto');
    const given = { source: ['auto1:1', 'hand:2', 'auto2:3', 'hand2:4'], target: ['auto1:1', 'auto2:2'], wanted };
    assert.deepEqual(verdict(given), ['same', 'auto2', 0, 0, []]);
    assert.deepEqual(verdict({ ...given, target: ['auto1:1', 'hand:2'] }).slice(0, 3), ['behind', 'hand', 1]);
  });

  it('is ahead, diverged or modified where the copy has something of its own', () => {
    const ahead = verdict({ source: ['a:1'], target: ['a:7', 'own:9'] });
    assert.deepEqual(ahead.slice(0, 4), ['ahead', 'a', 0, 1]);
    assert.match(ahead[4].join(), /has 1 snapshot after the newest common one @a that "tank\/a" has not: @own/);
    assert.equal(verdict({ source: ['a:1', 'b:2'], target: ['a:7', 'own:9'] })[0], 'diverged');
    assert.equal(
      verdict({ source: ['a:1', 'b:2'], target: ['a:7', 'own:9'], wanted: (name) => name === 'a' })[0],
      'ahead',
    );
    const modified = verdict({ source: ['a:1', 'b:2'], target: ['a:7'], written: 1 });
    assert.deepEqual(
      [modified[0], modified[4]],
      ['modified', ['1 byte were written to "backup/a" after its snapshot @a']],
    );
  });

  it('is unrelated or missing where nothing is common', () => {
    assert.deepEqual(verdict({ source: ['a:1'], target: ['b:7'] }).slice(0, 4), ['unrelated', undefined, 1, 1]);
    assert.equal(verdict({ source: ['a:1'], target: [], isEmpty: false })[0], 'unrelated');
    const told = (given: Given): unknown[] =>
      verdict({ source: ['a:1'], ...given }).filter((_, at) => at === 0 || at === 4);
    assert.deepEqual(told({}), ['missing', ['the target "backup/a" does not exist']]);
    assert.deepEqual(told({ target: [], isEmpty: true }), [
      'missing',
      ['the target "backup/a" exists, but holds nothing'],
    ]);
    assert.deepEqual(told({ target: [], isEmpty: false, more: { receiveResumeToken: '1-x', referenced: 9 } }), [
      'missing',
      ['the target "backup/a" exists, but has only a part of its first copy'],
    ]);
  });

  it('tells ages in two units, and a limit is not passed by what is exactly as old', () => {
    for (const [seconds, text] of [
      [0, '0 s'],
      [59, '59 s'],
      [60, '1 m'],
      [3_661, '1 h 1 m'],
      [93_600, '1 d 2 h'],
      [86_401, '1 d'],
    ] as const) {
      assert.equal(spanText(seconds), text);
    }
    assert.deepEqual(ageProblem('b/a', 's', 3600, 3_600_000), []);
    assert.deepEqual(ageProblem('b/a', 's', 1e9, null), []);
    assert.deepEqual(ageProblem('b/a', 's', 3601, 3_600_000), [
      'the newest common snapshot "b/a@s" is 1 h old, older than 1 h',
    ]);
  });
});
