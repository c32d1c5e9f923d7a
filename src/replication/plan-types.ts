// The plain data that a replication is planned from, and the plan. Deciding is `plan.ts`.
import type { ErrorCode } from '../errors';
import type { DatasetRecord } from '../zfs/records';
import type { SendStep, TokenContents } from '../zfs/send';
import type { DatasetAction, ReplicateOptions } from './options';
import type { PairFacts, TargetState } from './state';

/** What discovery found about one source dataset and the target dataset it maps to. */
export interface PairInput extends PairFacts {
  /** GUIDs of the source snapshots that the selection wants, whether the target has them or not. */
  wanted: ReadonlySet<string>;
  /** Contents of the target's resume token; undefined when it has none, null when the source cannot read it. */
  token: TokenContents | null | undefined;
  /** The token's snapshot has a tentative bookmark of ours for this destination. */
  tokenIsOwn: boolean;
  /** The common snapshot has the same ivsetguid on both sides, so the chain was sent raw; null = not looked at. */
  sameIvset: boolean | null;
}

export interface PlanInput {
  /** Parents before children. */
  pairs: readonly PairInput[];
  /** Where a partial path is missing: the target's existing ancestors, outermost first. */
  ancestors: readonly DatasetRecord[];
  /** All datasets of the target tree that exist, whether a source maps to them or not. */
  existing: ReadonlySet<string>;
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
  >;
}

/** Something done on the target before anything is sent to it. */
export type PrepareStep =
  { do: 'abortReceive'; why: string } | { do: 'rollback'; to: string; destroys: string[]; writtenBytes: number };

export interface Refusal {
  code: ErrorCode;
  message: string;
  hint?: string;
  details: Record<string, unknown>;
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
  properties: boolean;
  /** `receive -F` onto an empty dataset of no value; never to overwrite anything. */
  force: boolean;
  /** The dataset does not exist yet or has never received anything, so this is a first copy. */
  initial: boolean;
  wasPlaceholder: boolean;
  refusal: Refusal | null;
  /** Why this is what is done, for a person. */
  reasons: string[];
  warnings: string[];
}

export interface ReplicationPlan {
  /** Missing parents on the target that are created as placeholders, outermost first. */
  placeholders: string[];
  datasets: DatasetPlan[];
}
