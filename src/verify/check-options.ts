// From property values, as a flow gives them, to checked options, and the datasets that a run needs for itself.
import { randomBytes } from 'node:crypto';
import type { DatasetUse } from '../base/run-context';
import { pick, readOptions } from '../options/field';
import type { RawOptions } from '../options/read';
import { parseReplicateOptions, replicateUses } from '../replication/setup/check-options';
import { drillCloneName } from '../zfs/marks';
import { poolOf } from '../zfs/names';
import { VERIFY, type VerifyOptions } from './options';

/** What a verification has in common with a replication. */
const SHARED = pick(
  VERIFY,
  'sourceConnection',
  'sourceDatasets',
  'recursive',
  'exclude',
  'targetConnection',
  'targetDataset',
  'snapshotSelection',
  'namingSchemas',
  'nameRegex',
);

/** Checks property values and returns options. Throws INVALID_OPTIONS (with `field`). */
export function parseVerifyOptions(raw: RawOptions): VerifyOptions {
  const read = readOptions(VERIFY, raw);
  const shared = Object.fromEntries(Object.keys(SHARED).map((name) => [name, raw[name]]));
  // Names are told apart by their form alone. In UTC there is no hour that a clock leaves out, so each can be read.
  const replication = parseReplicateOptions({ ...shared, timeZone: 'UTC' });
  return { ...read, replication };
}

/**
 * The trees that a run looks at, and a name of its own in each pool where a clone of a drill may come and go: a replication
 * into the target waits, since it could neither roll back nor prune what a clone depends on, and so does whoever takes the
 * whole pool, which the clone would become a part of. Other drills do not.
 */
export function verifyUses(options: VerifyOptions): DatasetUse[] {
  const { sourceConnection, sourceDatasets, targetConnection, targetDataset } = options;
  const trees = replicateUses(options.replication).map((use): DatasetUse => ({ ...use, access: 'read' }));
  const id = randomBytes(6).toString('hex');
  const clone = (connection: string, pool: string): DatasetUse => {
    return { connection, dataset: drillCloneName(pool, id), access: 'write' };
  };
  return [
    ...trees,
    ...[...new Set(sourceDatasets.map(poolOf))].map((pool) => clone(sourceConnection, pool)),
    clone(targetConnection, poolOf(targetDataset)),
  ];
}
