// Moves one ZFS stream from a dataset's host to another's (or the same): chooses how the bytes go, watches progress,
// and judges the end. Which stream to send, and what a `zfs` message means, is up to the caller.
//
//   source    target     way
//   remote    the same   oneHostPipeline   one script over there
//   any       another    tcp               a TCP connection of the stream's own, where it is to have one
//   any       any        smallTransfer     small streams, where an end is remote: on the control connections
//   local     local      localPipeline     send | receive
//   local     remote                       send | ssh target receive             push
//   remote    local                        ssh source send | receive             pull
//   remote    another                      ssh source send | ssh target receive  relay
//
// Compression and buffers are further commands on the hosts; a rate limit is a process of this machine between the two.
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled } from '../host/run-options';
import { endTagged } from '../host/tagged-processes';
import { localPipeline } from './ways/local-pipeline';
import { oneHostPipeline } from './ways/one-host-pipeline';
import { smallTransfer } from './ways/small-transfer';
import { tcp } from './ways/tcp';
import { succeeded, type Move, type StageResult, type Watch, type Way } from './ways/way';
import { SendProgressReader, type SendProgress } from './send-progress';
import type { DataPath } from './wire/wire-plan';
import { judgedStages, judgeTransfer, withoutNarration, type StageReport } from './judge';

/** The first that takes a stream carries it; the last takes every one. */
const WAYS: readonly Way[] = [oneHostPipeline, tcp, smallTransfer, localPipeline];

export interface TransferRequest extends Move {
  signal: AbortSignal;
  /** Milliseconds without another byte after which the transfer is ended. 0 = never. */
  stallTimeoutMs: number;
  onProgress?: (progress: SendProgress) => void;
  /** Each line of the receiver that is no report of how far it is. */
  onReceiverLine?: (line: string) => void;
  /** See `Watch.onPath`. */
  onPath?: (path: DataPath) => void;
}

export interface TransferResult {
  /** Bytes of the stream, as good as they can be known without reading it. */
  bytes: number;
  stages: readonly StageReport[];
}

/** What the far ends of an interrupted transfer get to end by themselves, milliseconds. */
const DRAIN_MS = 700;
/** Time for ending what an interrupted transfer left on a host, milliseconds. */
const CLEAN_UP_MS = 4_000;

/**
 * Resolves only when every process on every host exited with 0. Throws CANCELLED, TRANSFER_STALLED, COMMAND_NOT_FOUND,
 * the connection codes, else TRANSFER_FAILED; `details.stages` has exit codes and messages of both sides
 * ({@link StageReport}), `details.primary` the side that failed first, `details.bytes` how far it came.
 */
export async function transfer(request: TransferRequest): Promise<TransferResult> {
  if (request.signal.aborted) throw cancelled('the transfer');
  const progress = new SendProgressReader();
  const stall = new StallWatch(request.stallTimeoutMs);
  let counted = 0;
  const follow: Watch = {
    signal: AbortSignal.any([request.signal, stall.signal]),
    onLine: lineHandler(request, progress, stall),
    onBytes: (bytes) => {
      counted = bytes;
      stall.restart();
    },
    ...(request.onPath ? { onPath: request.onPath } : {}),
  };
  let results: StageResult[] | undefined;
  let thrown: unknown;
  try {
    results = await carry(request, follow);
    stall.stop();
    if (succeeded(results)) return { bytes: counted || progress.finalBytes, stages: judgedStages(results, request) };
  } catch (error) {
    thrown = error;
  } finally {
    stall.stop();
  }
  await cleanUp(request);
  throw judgeTransfer({
    stages: judgedStages(results ?? [], request),
    thrown,
    cancelled: request.signal.aborted,
    stalledAfterMs: stall.signal.aborted ? request.stallTimeoutMs : 0,
    bytes: progress.state.bytes,
    ...(request.wordsOf ? { wordsOf: request.wordsOf } : {}),
  });
}

async function carry(request: TransferRequest, watch: Watch): Promise<StageResult[]> {
  for (const way of WAYS) {
    const carrier = await way(request, watch.signal);
    if (carrier) return carrier(watch);
  }
  throw new TypeError('no way takes this stream');
}

function lineHandler(request: TransferRequest, progress: SendProgressReader, stall: StallWatch): Watch['onLine'] {
  // The lines that announce sizes are not progress.
  let before = ' 0';
  return (end, line) => {
    if (end === 'receive') {
      progress.receiverLine(line);
      if (withoutNarration(line) !== '') request.onReceiverLine?.(line);
      return false;
    }
    if (!progress.line(line)) return false;
    const { state } = progress;
    // A hanging sender goes on printing its unchanged count each second: only another count is progress.
    const now = `${state.snapshot} ${state.bytes}`;
    if (now === before) return true;
    before = now;
    stall.restart();
    request.onProgress?.(state);
    return true;
  };
}

/** Ends what is left on remote hosts, best effort: a dead connection leaves its commands running over there. */
async function cleanUp(request: TransferRequest): Promise<void> {
  const remote = new Set([request.source, request.target].filter((host) => !host.isLocal));
  if (remote.size === 0) return;
  // A receiver whose input has ended takes what is still in its pipe and saves its place; ended at once it would lose that.
  await sleep(DRAIN_MS);
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  await Promise.allSettled([...remote].map((host) => endTagged(host, request.tag, { signal })));
}

/** Aborts its signal when `restart` was not called for `timeoutMs`. */
class StallWatch {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private over = false;

  constructor(private readonly timeoutMs: number) {
    this.restart();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  restart(): void {
    if (this.timeoutMs <= 0 || this.over) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(), this.timeoutMs);
  }

  stop(): void {
    this.over = true;
    clearTimeout(this.timer);
  }
}
