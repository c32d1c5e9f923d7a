// Builds planner inputs in memory: short texts for histories instead of long objects.
import type { ListedPair } from '../../src/replication/plan/listed-pair';
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
  keySalt: '',
  userProperties: {},
  ...more,
});

/** `'a:1 b:2 #c:3'`: names with GUIDs in creation order; `#` makes a bookmark, which has the order of its snapshot. */
export function records(name: string, text: string): SnapshotRecord[] {
  const order = new Map<string, string>();
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word, index): SnapshotRecord => {
      const [label = '', guid = ''] = word.split(':');
      const bookmark = label.startsWith('#');
      const createtxg = order.get(guid) ?? String(100 + index * 10);
      order.set(guid, createtxg);
      return {
        dataset: name,
        kind: bookmark ? 'bookmark' : 'snapshot',
        name: bookmark ? label.slice(1) : label,
        guid,
        createtxg,
      };
    });
}

/** What discovery asks of some pairs only, for one of which it did not ask. */
const NOT_LOOKED_AT = { inside: null, partial: null, sameIvset: null };

/** Pairs as listed, with nothing that would call for a closer look. */
export const asListed = (pairs: readonly ListedPair[]): PairInput[] =>
  pairs.map((one) => ({ ...NOT_LOOKED_AT, ...one }));

/** A target dataset without snapshots that was looked into. */
export const SEEN_EMPTY: Partial<PairInput> = { inside: { foreignChildren: [], isEmpty: true } };

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
    dstId: destinationId('12345678901234567890', 'bk/t'),
    wanted: new Set(
      sourceRecords.filter(({ kind, name }) => kind === 'snapshot' && wants(name)).map(({ guid }) => guid),
    ),
    ...NOT_LOOKED_AT,
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
