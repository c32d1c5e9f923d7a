// Builds planner inputs in memory: short texts for histories instead of long objects.
import type { PairInput, PlanInput } from '../../src/replication/plan/plan-types';
import { destinationId } from '../../src/zfs/marks';
import type { DatasetRecord, SnapshotRecord } from '../../src/zfs/records';

export const dataset = (name: string, more: Partial<DatasetRecord> = {}): DatasetRecord => ({
  name,
  type: 'filesystem',
  guid: '1',
  used: 0,
  usedByDataset: 0,
  referenced: 0,
  written: 0,
  receiveResumeToken: '',
  readonly: false,
  encryption: 'off',
  encryptionRoot: '',
  keyStatus: '',
  origin: '',
  compression: 'lz4',
  mounted: false,
  mountpoint: '',
  userProperties: {},
  ...more,
});

/** `'a:1 b:2 #c:3'`: names with GUIDs in creation order; `#` makes a bookmark. */
export function records(name: string, text: string): SnapshotRecord[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word, index): SnapshotRecord => {
      const [label = '', guid = ''] = word.split(':');
      const bookmark = label.startsWith('#');
      return {
        dataset: name,
        kind: bookmark ? 'bookmark' : 'snapshot',
        name: bookmark ? label.slice(1) : label,
        guid,
        createtxg: String(100 + index * 10),
      };
    });
}

export interface PairText {
  source: string;
  /** Null: the target does not exist. */
  target: string | null;
  written?: number;
  wanted?: (name: string) => boolean;
  more?: Partial<PairInput>;
  sourceMore?: Partial<DatasetRecord>;
  targetMore?: Partial<DatasetRecord>;
}

export function pair(text: PairText): PairInput {
  const source = dataset('tank/s', text.sourceMore);
  const sourceRecords = records('tank/s', text.source);
  const wants = text.wanted ?? (() => true);
  return {
    source,
    sourceRecords,
    target: 'bk/t',
    targetDataset: text.target === null ? null : dataset('bk/t', { written: text.written ?? 0, ...text.targetMore }),
    targetSnapshots: text.target === null ? [] : records('bk/t', text.target),
    foreignChildren: [],
    seenEmpty: false,
    dstId: destinationId('12345678901234567890', 'bk/t'),
    wanted: new Set(
      sourceRecords.filter(({ kind, name }) => kind === 'snapshot' && wants(name)).map(({ guid }) => guid),
    ),
    token: undefined,
    tokenIsOwn: false,
    sameIvset: null,
    ...text.more,
  };
}

export const OPTIONS: PlanInput['options'] = {
  whenDiverged: 'refuse',
  firstCopy: 'all',
  raw: 'auto',
  encryption: 'none',
  readonly: 'set',
  includeProperties: true,
  largeBlocks: true,
  compressedBlocks: true,
  embeddedBlocks: false,
  partialReceive: 'own',
  targetDataset: 'bk/t',
  fullFilesystem: false,
  sourceDatasets: ['tank/s'],
  propertiesOverride: {},
};
