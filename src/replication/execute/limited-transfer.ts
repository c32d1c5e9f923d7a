// One transfer with this run's filters and speed limit. A limit that is set while a transfer runs without a limiter
// interrupts it; it goes on at once, from its resume token, with one.
import { ZfsFlowError } from '../../base/errors';
import { transfer, type TransferRequest, type TransferResult } from '../../stream/transfer';
import type { PlannedPair } from '../plan/plan-types';
import type { Run } from '../setup/run';
import type { Setup } from '../setup/setup';
import { AttemptFailure } from './attempt-failure';
import { ownTag } from './process-tag';
import { chooseFilters, type StreamFilters } from '../../stream/filters';
import { wordsOf } from '../../zfs/stderr';

/** Nothing on one remote machine could be told to go slower, or at another pace while it runs. */
export function limitWarning({ transport, rateLimit }: Setup): string[] {
  if (transport !== 'remote-local' || !rateLimit.limited) return [];
  return ['to keep to the speed limit, the stream passes through the machine that runs Node-RED'];
}

type OneTransfer = Pick<TransferRequest, 'sendArgv' | 'receiveArgv' | 'lanes' | 'onProgress' | 'onReceiverLine'> & {
  /** Estimated bytes. */
  bytes: number;
};

/** What both ends of a stream pass it through, for these bytes of a dataset. */
function filtersFor(run: Run, { plan, pair }: PlannedPair, bytes: number, small: boolean): StreamFilters {
  return chooseFilters({
    compression: run.options.streamCompression,
    bytes,
    networked: run.transport === 'ssh' || run.transport === 'relay',
    small,
    compressedAlready: plan.raw || (plan.compressedBlocks && pair.source.compression !== 'off'),
    source: run.sourceFacts,
    target: run.targetFacts,
  });
}

/** Throws what `transfer` throws; TRANSFER_FAILED, for a new attempt at once, when it only has to go on under a limit. */
export async function limitedTransfer(run: Run, planned: PlannedPair, one: OneTransfer): Promise<TransferResult> {
  const { source, target, sameHost, options, rateLimit, ctx } = run;
  const { bytes, ...request } = one;
  const lanes = rateLimit.limited ? null : one.lanes;
  const filters = filtersFor(run, planned, bytes, lanes !== null);
  const restart = new AbortController();
  const forget = rateLimit.limited ? () => undefined : rateLimit.onFirstLimit(() => begin(run, planned, restart));
  try {
    return await transfer({
      ...request,
      lanes,
      source,
      target,
      sameHost,
      sendFilters: filters.send,
      receiveFilters: filters.receive,
      rateLimit,
      wordsOf,
      tag: `${ownTag(planned.plan.dstId)}.${ctx.jobId}`,
      stallTimeoutMs: options.stallTimeout,
      signal: AbortSignal.any([ctx.signal, restart.signal]),
    });
  } catch (thrown) {
    if (!restart.signal.aborted || ctx.signal.aborted) throw thrown;
    const error = new ZfsFlowError('TRANSFER_FAILED', 'interrupted to go on under the new speed limit', {
      cause: thrown,
      retryable: true,
    });
    throw new AttemptFailure(error, 'again');
  } finally {
    forget();
  }
}

function begin({ options, ctx }: Run, { plan }: PlannedPair, restart: AbortController): void {
  if (options.resumable) {
    restart.abort();
    return;
  }
  const message = 'the speed limit applies from the next send on: this one could not be resumed';
  ctx.emit({ event: 'warning', level: 'warn', dataset: plan.source, message });
}
