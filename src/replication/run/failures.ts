// What failed: of one attempt, by dataset and with what was left out for it; and of the whole run, as its one error.
import { ZfsFlowError } from '../../base/errors';
import { midRunFailure, type AttemptFailure } from '../execute/attempt-failure';
import type { DatasetPlan } from '../plan/plan-types';
import type { ResultBook } from '../report/result-book';
import type { Outcome } from './parallel-tree';

function whyLeftOut(plan: DatasetPlan, failed: DatasetPlan): string {
  if (plan.stream !== '' && plan.stream === failed.stream)
    return 'the stream of the whole tree, in which it was, failed';
  return `left out because "${failed.source}", which it depends on, failed`;
}

/** The failures of an attempt by source dataset, noted in the book; `unverified` are those found after the sends. */
export function collectFailures(
  outcomes: readonly Outcome<DatasetPlan>[],
  unverified: ReadonlyMap<string, ZfsFlowError>,
  book: ResultBook,
): Map<string, AttemptFailure> {
  const failures = new Map<string, AttemptFailure>();
  for (const { item, error, skippedFor } of outcomes) {
    const entry = book.entry(item.source, item.target);
    if (skippedFor) book.leftOut(entry, whyLeftOut(item, skippedFor));
    else if (error !== undefined) failures.set(item.source, midRunFailure(error));
  }
  for (const [source, error] of unverified) failures.set(source, midRunFailure(error));
  for (const [source, { error }] of failures) {
    const entry = book.result.datasets.find((dataset) => dataset.source === source);
    if (entry) book.failed(entry, error);
  }
  return failures;
}

/** All failures as the one error of the run: the only one, or the first with a count; PARTIAL_FAILURE when some succeeded. */
export function runError(failures: ReadonlyMap<string, AttemptFailure>, book: ResultBook): ZfsFlowError {
  const all = [...failures.values()];
  const first = (all.find(({ isHeldBack }) => !isHeldBack) ?? all[0])?.error;
  if (!first) return new ZfsFlowError('TRANSFER_FAILED', 'the replication failed');
  const fine = book.result.datasets.filter((entry) => book.isFine(entry));
  if (fine.length === 0 && failures.size === 1) return first;
  const codes = [...failures].map(([dataset, { error }]) => ({ dataset, code: error.code, message: error.message }));
  if (fine.length === 0) {
    return first.with({
      message: `${failures.size} datasets failed, the first with: ${first.message}`,
      cause: first,
      details: { ...first.details, failures: codes },
    });
  }
  return new ZfsFlowError(
    'PARTIAL_FAILURE',
    `${failures.size} of ${book.result.datasets.length} datasets failed, the first ("${first.dataset ?? ''}") with: ${first.message}`,
    {
      cause: first,
      retryable: first.retryable,
      ...(first.dataset === undefined ? {} : { dataset: first.dataset }),
      ...(first.host === undefined ? {} : { host: first.host }),
      details: { failures: codes },
    },
  );
}
