// One transfer with this run's filters and speed limit. A limit that is set while a transfer runs without a limiter
// interrupts it; it goes on at once, from its resume token, with one.
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import { transfer, type TransferRequest, type TransferResult } from '../../stream/transfer';
import type { Wire } from '../../stream/wire/wire-plan';
import type { DatasetWork } from './dataset-work';
import type { PlannedPair } from '../plan/plan-types';
import type { Run } from '../setup/run';
import type { Setup } from '../setup/setup';
import { AttemptFailure } from './attempt-failure';
import { ownTag } from './process-tag';
import { chooseFilters, type StreamFilters } from '../../stream/filters';
import { wordsOf } from '../../zfs/stderr';

/** Nothing on one remote machine could be told to go slower, or at another pace while it runs. */
export function limitWarning({ transport, rateLimit, options }: Setup): string[] {
  if (!rateLimit.limited) return [];
  const passes = 'to keep to the speed limit, the stream passes through the machine that runs Node-RED';
  if (transport === 'remote-local') return [passes];
  const isDirect = transport === 'relay' && (options.transport === 'ssh+tls' || options.transport === 'ssh+netcat');
  return isDirect ? [`${passes}, over ssh and not ${options.transport}`] : [];
}

type Work = Pick<DatasetWork, 'plan' | 'pair' | 'paths' | 'book'>;

type OneTransfer = Pick<
  TransferRequest,
  'sendArgv' | 'receiveArgv' | 'lanes' | 'onProgress' | 'onReceiverLine' | 'onPath'
> & {
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
export async function limitedTransfer(run: Run, planned: Work, one: OneTransfer): Promise<TransferResult> {
  const { paths, book } = planned;
  book.warnRun(limitWarning(run));
  const wire = await paths.wireFor(one.bytes);
  if (!wire) return transferOver(run, planned, one, null);
  let met = false;
  const onPath: OneTransfer['onPath'] = (path) => {
    met = true;
    book.wentOver(wire.transport, path);
    one.onPath?.(path);
  };
  // Of a receiver that got nothing, for who falls back, only how it got nothing: no warning of what goes well afterwards.
  const lines: string[] = [];
  const onReceiverLine = (line: string): void => void lines.push(line);
  try {
    const result = await transferOver(run, planned, { ...one, onPath, onReceiverLine }, wire);
    for (const line of lines) one.onReceiverLine?.(line);
    return result;
  } catch (thrown) {
    const error = toZfsFlowError(thrown);
    if (met || run.ctx.signal.aborted || !paths.fellBack(error)) throw thrown;
    const message = `fell back to ssh: ${error.message}`;
    book.warnRun([message]);
    run.ctx.emit({ event: 'warning', level: 'warn', dataset: planned.plan.source, message, code: error.code });
    return transferOver(run, planned, one, null);
  }
}

async function transferOver(run: Run, planned: Work, one: OneTransfer, wire: Wire | null): Promise<TransferResult> {
  const { source, target, sameHost, options, rateLimit, ctx } = run;
  const { bytes, ...request } = one;
  // What was asked for is the way of small streams too.
  const lanes = rateLimit.limited || wire ? null : one.lanes;
  const filters = filtersFor(run, planned, bytes, lanes !== null);
  const restart = new AbortController();
  const forget = rateLimit.limited ? () => undefined : rateLimit.onFirstLimit(() => begin(run, planned, restart));
  try {
    return await transfer({
      ...request,
      lanes,
      wire,
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
