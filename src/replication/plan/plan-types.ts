// The plain data that a replication is planned from, and the plan. Deciding is `plan.ts`.
import type { ErrorCode } from '../../base/errors';
import type { ReplacedMark } from '../../zfs/marks';
import type { DatasetRecord, SnapshotRecord } from '../../zfs/records';
import type { SendStep, TokenContents } from '../../zfs/send';
import type { DatasetAction, ReplicateOptions } from '../setup/options';
import type { PairFacts, TargetState } from './target-state';

/** How a dataset comes to its encryption at the target: not at all (or as the raw stream says), from above, by a key. */
export type TargetEncryption = 'none' | 'inherit' | 'key';

/** What a pool may be lacking for what the source would send. */
export type StreamFeature = 'largeBlocks' | 'compressedBlocks' | 'embeddedBlocks' | 'encryption';

/** A partial receive on the target. */
export interface PartialReceive {
  /** What its resume token says; null: the source cannot read it. */
  token: TokenContents | null;
  /** Our bookmarks for this destination say that a run of ours has left it. */
  isOwn: boolean;
}

/** What discovery found about one source dataset and the target dataset it maps to. */
export interface PairInput extends PairFacts {
  /** Null where there is none. */
  partial: PartialReceive | null;
  /** The common snapshot has the same ivsetguid on both sides, so the chain was sent raw. Null: not looked at. */
  sameIvset: boolean | null;
  /** Its partial receive did not move on in several tries: it is discarded once, and after that nothing is tried any more. */
  stuck?: 'once' | 'again';
}

/** A target dataset that no source dataset maps to. */
export interface TargetOther {
  dataset: DatasetRecord;
  snapshots: readonly SnapshotRecord[];
}

export interface PlanInput {
  /** Parents before children. */
  pairs: readonly PairInput[];
  /** Where a partial path is missing: the target's existing ancestors, outermost first. */
  ancestors: readonly DatasetRecord[];
  /** All datasets of the target tree that exist, whether a source maps to them or not. */
  existing: ReadonlySet<string>;
  /** Those of them that no source dataset maps to, and what earlier runs set aside. */
  others?: readonly TargetOther[];
  /** Refusals found by looking closer at an earlier plan, by source dataset. */
  objections?: ReadonlyMap<string, Refusal>;
  /** What the target's pool cannot take of that which the source has. */
  lacking?: ReadonlySet<StreamFeature>;
  /** Source datasets whose copies ZFS was seen to continue with large blocks only. */
  keepLargeBlocks?: ReadonlySet<string>;
  /** False: no streams of whole trees, because an attempt of this run has failed. */
  wholeTrees?: boolean;
  /** Why nothing destructive may be done whatever is found here: something else of the run has failed. */
  heldBackFor?: string;
  /** Nothing is set aside, not even a placeholder. */
  careful?: boolean;
  options: Pick<
    ReplicateOptions,
    | 'whenDiverged'
    | 'firstCopy'
    | 'raw'
    | 'readonly'
    | 'includeProperties'
    | 'largeBlocks'
    | 'compressedBlocks'
    | 'embeddedBlocks'
    | 'partialReceive'
    | 'targetDataset'
    | 'encryption'
    | 'fullFilesystem'
    | 'sourceDatasets'
    | 'propertiesOverride'
  >;
}

/** Something done on the target before anything is sent to it. */
export type PrepareStep =
  | { do: 'abortReceive'; why: string }
  | { do: 'rollback'; to: string; destroys: string[]; writtenBytes: number }
  /** Marks the target and renames it with everything below it. */
  | { do: 'setAside'; to: string; mode: ReplacedMark['mode'] }
  /**
   * Puts a clone of the common snapshot of what was set aside (`from`) into the target's place and promotes it. `leaves`:
   * snapshots that stay with the old copy. `moves`: datasets of others that go back below the target.
   */
  | { do: 'cloneBack'; from: string; snapshot: string; leaves: string[]; moves: { from: string; to: string }[] }
  | { do: 'promote' }
  | { do: 'rename'; from: string; why: string };

export interface Refusal {
  code: ErrorCode;
  message: string;
  hint?: string;
  details: Record<string, unknown>;
  /** Refused only because of this: something else of the run, which is what is to be told first. */
  heldBackFor?: string;
}

export interface DatasetPlan {
  source: string;
  target: string;
  type: 'filesystem' | 'volume';
  dstId: string;
  state: TargetState['kind'];
  action: DatasetAction;
  base: { name: string; guid: string; kind: 'snapshot' | 'bookmark' } | null;
  /** The common snapshot by its name on the target; '' when there is none. */
  targetBaseName: string;
  prepare: PrepareStep[];
  resume: { token: string; to: { name: string; guid: string }; bytesThere: number } | null;
  steps: SendStep[];
  raw: boolean;
  /** `send -p` */
  properties: boolean;
  /** ZFS refuses `-p` for a decrypted stream: the source's properties are read and given to the receive (`-o`). */
  carriesProperties: boolean;
  /** `send -L` */
  largeBlocks: boolean;
  /** `send -c` */
  compressedBlocks: boolean;
  /** `send -e` */
  embeddedBlocks: boolean;
  /** How the receive creates the dataset; 'none' where it exists or the stream brings its encryption. */
  encryption: TargetEncryption;
  /** Encryption root on the target whose key has to be loaded for this; '' for none. */
  loadKey: string;
  /** No dataset of this job is above it. */
  isRoot: boolean;
  /** `receive -F` onto an empty dataset of no value; never to overwrite anything. */
  force: boolean;
  /** The dataset does not exist yet or has never received anything, so this is a first copy. */
  initial: boolean;
  wasPlaceholder: boolean;
  /** The target becomes a clone of this snapshot (full name) of another target dataset. */
  origin: { dataset: string; snapshot: string } | null;
  /** Source dataset at the top of the `send -R` stream that it travels in; '' = it travels by itself. */
  stream: string;
  /** Destination id of the name that the target had before it followed its source; '' when it had none. */
  formerDstId: string;
  refusal: Refusal | null;
  /** Why this is what is done, for a person. */
  reasons: string[];
  warnings: string[];
}

/** What was found about a dataset, and what is done about it. */
export interface PlannedPair {
  plan: DatasetPlan;
  pair: PairInput;
}

/** An old copy that a recreate destroys once the new one is complete and verified. */
export interface ReplacedCopy {
  /** Where it is then. */
  dataset: string;
  target: string;
  /** Value of its mark. */
  mark: string;
  /** Everything that goes: by its name at that time, parents first. */
  datasets: {
    name: string;
    guid: string;
    /** Bytes written after its newest snapshot. */
    written: number;
    snapshots: string[];
  }[];
}

export interface ReplicationPlan {
  /** Missing parents on the target that are created as placeholders, outermost first. */
  placeholders: string[];
  datasets: DatasetPlan[];
  replaced: ReplacedCopy[];
}
