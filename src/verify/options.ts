// The options of a verification, as a table of the properties of `zfs-verify`, and what comes of a run. What is compared with
// what is described as a replication describes it, by the same fields.
import { pick, section, typed, type FieldTable, type OptionsOf } from '../options/field';
import { choice, count, duration, seconds, text } from '../options/kinds';
import { REPLICATE, type ReplicateOptions } from '../replication/setup/options';

/** The properties of `zfs-verify`. */
export const VERIFY = {
  ...pick(REPLICATE, 'sourceConnection', 'sourceDatasets', 'recursive', 'exclude'),
  ...pick(REPLICATE, 'targetConnection', 'targetDataset'),
  /** Which snapshots have to be there. */
  ...pick(REPLICATE, 'snapshotSelection', 'namingSchemas', 'nameRegex'),
  ...section('snapshots', {
    /** The newest common snapshot may be so old; milliseconds, null = as old as it is. */
    maxAge: typed(duration()),
  }),
  ...section('drill', {
    drill: choice('none', 'open', 'compare'),
    /** `one`: another one in each run. */
    drillDatasets: choice('one', 'all'),
    /** So many files, or blocks of a volume; 0 = all. */
    drillSample: count(100, { min: 0 }),
    /** For the shell of the target's host. */
    drillCommand: text(),
    /** Milliseconds that the command may take. */
    drillTimeout: seconds(300, { min: 1, max: 86_400 }),
  }),
} satisfies FieldTable;

export interface VerifyOptions extends OptionsOf<typeof VERIFY> {
  /** The replication that the target is to be a copy by: both are mapped, selected and compared by the same functions. */
  replication: ReplicateOptions;
}

export type VerifyState = 'same' | 'behind' | 'ahead' | 'diverged' | 'modified' | 'unrelated' | 'missing';

export interface DrillResult {
  kind: 'open' | 'compare';
  ok: boolean;
  /** Compared. */
  files?: number;
  bytes?: number;
  /** Paths of files, or places of a volume, that are not the same; the first hundred. */
  differences?: string[];
  /** Of `drillCommand`; null when it was ended. */
  exitCode?: number | null;
  /** Its last 4 KiB. */
  output?: string;
  durationMs: number;
}

export interface VerifiedDataset {
  source: string;
  target: string;
  state: VerifyState;
  /** By the target's name of it; `creation` is ISO 8601. */
  newestCommon: { name: string; guid: string; creation: string } | null;
  ageSeconds: number | null;
  /** Selected snapshots of the source that the target has not. */
  missing: number;
  /** Snapshots of the target that the source has not. */
  extra: number;
  problems: string[];
  drill?: DrillResult;
}

export interface VerifyResult {
  jobId: string;
  ok: boolean;
  datasets: VerifiedDataset[];
  problems: string[];
  warnings: string[];
}
