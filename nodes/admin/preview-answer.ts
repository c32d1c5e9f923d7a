// The answer to a dialog's question what a retention policy would delete now; plain data for both halves.

export interface PreviewSnapshot {
  name: string;
  /** ISO 8601; '' when unknown. */
  creation: string;
  goes: boolean;
  /** Sentences that begin with `kept:` or `goes:`. */
  reasons: string[];
}

export interface PreviewDataset {
  dataset: string;
  goes: number;
  stays: number;
  /** Oldest first; of very many only the newest. */
  snapshots: PreviewSnapshot[];
}

export interface PreviewAnswer {
  [key: string]: unknown;
  ok: true;
  /** ISO 8601 */
  now: string;
  goes: number;
  stays: number;
  /** Bytes that ZFS estimates to come back, as far as they are known. */
  reclaim: number;
  datasets: PreviewDataset[];
  /** Datasets with snapshots in scope that are counted but not listed. */
  moreDatasets: number;
  breaker: string[];
  warnings: string[];
}
