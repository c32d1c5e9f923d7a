// Moves one ZFS stream from a dataset's host to another's (or the same): chooses how the bytes go, watches progress,
// and judges the end. Which stream to send, and what a `zfs` message means, is up to the caller.
//
//   source    target     how
//   local     local      send | receive                       two processes of this machine
//   local     remote     send | ssh target receive            push
//   remote    local      ssh source send | receive            pull
//   remote    the same   one pipeline over there              remote-pipeline.ts
//   remote    another    ssh source send | ssh target receive relay
//   any       remote     small streams ride the control connections: small-transfer.ts
//
// Compression and buffers are further commands on the hosts; a rate limit is a process of this machine between the two.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channels } from '../host/channels';
import type { Host, ProcessSpec } from '../host/host';
import { cancelled } from '../host/run-options';
import { endTagged } from '../host/tagged-processes';
import type { Lanes } from './ways/lanes';
import { runPipeline, succeeded, type PipelineOptions, type StageResult } from './ways/local-pipeline';
import type { RateLimit } from './rate-limit';
import { runRemotePipeline } from './ways/one-host-pipeline';
import { runSmallTransfer } from './ways/small-transfer';
import { SendProgressReader, type SendProgress } from './send-progress';
import { transferError, type StageReport } from './judge';

export interface TransferRequest {
  source: Host;
  /** `zfs send …` with `-v -P`, because progress and stalls are read from what it prints. */
  sendArgv: readonly string[];
  target: Host;
  /** `zfs receive …`; with `-v` the bytes of the stream are known exactly enough at the end. */
  receiveArgv: readonly string[];
  /** Commands on the source that the stream passes after the sender, and on the target before the receiver. */
  sendFilters?: readonly (readonly string[])[];
  receiveFilters?: readonly (readonly string[])[];
  /** Where it has a limit, a limiter stands between the two. Then the stream leaves a remote machine that is both ends. */
  rateLimit?: RateLimit;
  /** The stream is known to be about 1 MiB at most, so it may ride these on the control connections; null for others. */
  lanes: Lanes | null;
  /** Both hosts are the same machine (their facts agree), although two connections may lead there. */
  sameHost: boolean;
  /** Marks the processes on every host, see `PipeCommandOptions.tag`. */
  tag: string;
  signal: AbortSignal;
  /** Milliseconds without another byte after which the transfer is ended. 0 = never. */
  stallTimeoutMs: number;
  onProgress?: (progress: SendProgress) => void;
  /** A line that either side printed, progress excepted. */
  onMessage?: (role: 'send' | 'receive', line: string) => void;
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
  const watch = new StallWatch(request.stallTimeoutMs);
  let counted = 0;
  const options = {
    tag: request.tag,
    signal: AbortSignal.any([request.signal, watch.signal]),
    onLine: lineHandler(request, progress, watch),
    onBytes: (bytes: number) => {
      counted = bytes;
      watch.restart();
    },
  };
  const pair = hostsOf(request);
  let results: StageResult[] | undefined;
  let thrown: unknown;
  try {
    results = await run(request, options);
    watch.stop();
    if (succeeded(results)) return { bytes: counted || progress.finalBytes, stages: reports(results, pair) };
  } catch (error) {
    thrown = error;
  } finally {
    watch.stop();
  }
  await cleanUp(request);
  throw transferError({
    stages: reports(results ?? [], pair),
    thrown,
    cancelled: request.signal.aborted,
    stalledAfterMs: watch.signal.aborted ? request.stallTimeoutMs : 0,
    bytes: progress.state.bytes,
  });
}

type RunOptions = PipelineOptions & { tag: string; onBytes: (bytes: number) => void };

async function run(request: TransferRequest, options: RunOptions): Promise<StageResult[]> {
  const { source, target, sendArgv, receiveArgv, tag } = request;
  const shared = onOneRemoteHost(request);
  if (shared) return runRemotePipeline(shared, sendArgv, receiveArgv, options);
  const { lanes } = request;
  if (lanes && (await maySendSmall(request))) return runSmallTransfer(request, { ...options, lanes });
  const specs: ProcessSpec[] = [];
  try {
    specs.push(await source.pipeCommand(sendArgv, { tag, after: request.sendFilters ?? [] }));
    if (request.rateLimit?.limited) specs.push(request.rateLimit.stage());
    specs.push(await target.pipeCommand(receiveArgv, { tag, before: request.receiveFilters ?? [] }));
    if (options.signal?.aborted) throw cancelled('the transfer');
  } catch (error) {
    for (const spec of specs) spec.release();
    throw error;
  }
  const last = specs.length - 1;
  const results = await runPipeline(specs, {
    ...options,
    // Only the two ends say anything; a limiter in between is silent.
    onLine: (stage, line) =>
      stage === 0 || stage === last ? options.onLine?.(stage === 0 ? 0 : 1, line) === true : false,
  });
  return results;
}

/** A login shell that prints would put its words into the stream; only a pipeline can skip them. Local ends gain nothing. */
async function maySendSmall({ source, target, signal }: TransferRequest): Promise<boolean> {
  if (source.isLocal && target.isLocal) return false;
  const facts = await Promise.all([source.facts({ signal }), target.facts({ signal })]);
  return facts.every(({ noisyShell }) => !noisyShell);
}

/** Where a single remote pipeline can do both: the same machine, and the same account's rights on both sides. */
function onOneRemoteHost({ source, target, sameHost, rateLimit }: TransferRequest): Channels | undefined {
  // The limiter is a process of this machine.
  if (rateLimit?.limited === true) return undefined;
  const [here, there] = [source.channels, target.channels];
  return source === target || (sameHost && here?.account === there?.account) ? here : undefined;
}

function lineHandler(
  request: TransferRequest,
  progress: SendProgressReader,
  watch: StallWatch,
): (stage: number, line: string) => boolean {
  // The lines that announce sizes are not progress.
  let before = ' 0';
  return (stage, line) => {
    if (stage === 1) progress.receiverLine(line);
    if (stage === 1 || !progress.line(line)) {
      request.onMessage?.(stage === 0 ? 'send' : 'receive', line);
      return false;
    }
    const { state } = progress;
    // A hanging sender goes on printing its unchanged count each second: only another count is progress.
    const now = `${state.snapshot} ${state.bytes}`;
    if (now === before) return true;
    before = now;
    watch.restart();
    request.onProgress?.(state);
    return true;
  };
}

function hostsOf({ source, target }: TransferRequest): readonly [Host, Host] {
  return [source, target];
}

function reports(results: readonly StageResult[], hosts: readonly [Host, Host]): StageReport[] {
  return results.map((result, index) => {
    const isSender = index === 0;
    const isReceiver = index === results.length - 1;
    const host = isSender ? hosts[0] : hosts[1];
    const role = isSender ? 'send' : isReceiver ? 'receive' : 'filter';
    return {
      ...result,
      role,
      host: role === 'filter' ? 'local' : host.label,
      isRemote: role !== 'filter' && !host.isLocal,
    };
  });
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
