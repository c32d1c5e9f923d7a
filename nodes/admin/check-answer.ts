// What `check-replication` answers: what a first run of a task would do, and what is in its way. Types alone: the browser
// knows them too.

export interface CheckedDataset {
  source: string;
  /** '' where the source does not exist. */
  target: string;
  /** `full`, `incremental`, … as in the result of a run; `snapshot`: one is taken first, and all of it sent. */
  action: string;
  /** Snapshots that would be sent, without the one that is taken first. */
  snapshots: number;
  /** Estimated, of the stream; with `snapshot` what the dataset holds. */
  bytes: number;
  /** The newest common snapshot, '' for a first copy. */
  base: string;
  warnings: string[];
  /** Why nothing would be done; `hint` is the way out. */
  refusal?: { code: string; message: string; hint?: string };
}

export interface CheckAnswer {
  [key: string]: unknown;
  ok: true;
  /** Nothing is in the way of any dataset. */
  ready: boolean;
  transport: string;
  /** Refused ones first, of very many not all. */
  datasets: CheckedDataset[];
  /** Datasets that are counted but not listed. */
  moreDatasets: number;
  refused: number;
  /** In all. */
  snapshots: number;
  bytes: number;
  /** Datasets that a snapshot is taken of first. */
  taken: number;
  warnings: string[];
}
