// One transfer with this run's filters and speed limit. A limit that is set while a transfer runs without a limiter
// interrupts it; it goes on at once, from its resume token, with one.
import type { RunContext } from '../../base/run-context';
import { ZfsFlowError } from '../../base/errors';
import { transfer, type TransferRequest, type TransferResult } from '../../stream/transfer';
import type { DatasetPlan, PlannedPair } from '../plan/plan-types';
import type { Setup } from '../setup/setup';
import { AttemptFailure } from './attempt-failure';
import { chooseFilters } from '../../stream/filters';

/** Nothing on one remote machine could be told to go slower, or at another pace while it runs. */
export function limitWarning({ transport, rateLimit }: Setup): string[] {
  if (transport !== 'remote-local' || !rateLimit.limited) return [];
  return ['to keep to the speed limit, the stream passes through the machine that runs Node-RED'];
}

export type OneTransfer = Pick<TransferRequest, 'sendArgv' | 'receiveArgv' | 'lanes' | 'tag' | 'onProgress'> & {
  /** Estimated bytes. */
  bytes: number;
};

/** Throws what `transfer` throws; TRANSFER_FAILED, for a new attempt at once, when it only has to go on under a limit. */
export async function limitedTransfer(
  setup: Setup,
  { plan, pair }: PlannedPair,
  one: OneTransfer,
  ctx: RunContext,
): Promise<TransferResult> {
  const { options, rateLimit } = setup;
  const lanes = rateLimit.limited ? null : one.lanes;
  const filters = chooseFilters({
    compression: options.streamCompression,
    bytes: one.bytes,
    networked: setup.transport === 'ssh' || setup.transport === 'relay',
    small: lanes !== null,
    compressedAlready: plan.raw || (plan.compressedBlocks && pair.source.compression !== 'off'),
    source: setup.sourceFacts,
    target: setup.targetFacts,
  });
  const restart = new AbortController();
  const forget = rateLimit.limited ? () => undefined : rateLimit.onFirstLimit(() => begin(setup, restart, plan, ctx));
  try {
    return await transfer({
      ...one,
      lanes,
      source: setup.source,
      target: setup.target,
      sameHost: setup.sameHost,
      sendFilters: filters.send,
      receiveFilters: filters.receive,
      rateLimit,
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

function begin(setup: Setup, restart: AbortController, plan: DatasetPlan, ctx: RunContext): void {
  if (setup.options.resumable) restart.abort();
  else {
    const message = 'the speed limit applies from the next send on: this one could not be resumed';
    ctx.emit({ event: 'warning', level: 'warn', dataset: plan.source, message });
  }
}
