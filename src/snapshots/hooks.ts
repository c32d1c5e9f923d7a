// The shell commands around a snapshot. A `before` that ran, or tried to, is always followed by `after`, exactly once:
// what it froze must not stay frozen. They run on the host of the datasets, written and trusted by the flow's author.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../base/run-context';
import { type ErrorCode, toZfsFlowError, ZfsFlowError } from '../base/errors';
import type { Host } from '../host/host';
import type { SnapshotOptions } from './options';

type Hooks = SnapshotOptions['hooks'];
type Phase = 'before' | 'after';

/** How much of a failed hook's output goes into the error. */
const OUTPUT_CHARACTERS = 2000;
/** The host could not be reached, so nothing was begun there: "after" can be tried again and still runs once only. */
const NOT_BEGUN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'HOST_UNREACHABLE',
]);
const TRY_AGAIN_MS = 2_000;

/** A name server that does not answer now is such a reason, a name that does not exist is none to try again. */
function isNotBegun({ code, retryable }: ZfsFlowError): boolean {
  return NOT_BEGUN.has(code) || (code === 'HOST_NOT_FOUND' && retryable);
}

function failed(host: Host, phase: Phase, how: string, more: object): ZfsFlowError {
  return new ZfsFlowError('HOOK_FAILED', `the hook "${phase}" on ${host.label} ${how}`, {
    host: host.label,
    hint:
      phase === 'before'
        ? 'No snapshot was taken. The hook "after" was run nevertheless.'
        : 'The snapshots were taken before and are there.',
    ...more,
  });
}

async function runHook(host: Host, phase: Phase, hooks: Hooks, signal?: AbortSignal): Promise<void> {
  const script = hooks[phase];
  if (script.trim() === '') return;
  const options = { timeoutMs: Math.ceil(hooks.timeout * 1000), signal };
  const result = await host.runScript(script, options).catch((thrown: unknown) => {
    const error = toZfsFlowError(thrown);
    if (error.code !== 'TIMEOUT') throw error;
    throw failed(host, phase, `did not end within ${hooks.timeout} s`, { cause: error });
  });
  if (result.code === 0) return;
  const how = result.signal === null ? `exit code ${result.code}` : `signal ${result.signal}`;
  const said = (result.stderr.trim() || result.stdout.trim()).slice(-OUTPUT_CHARACTERS);
  throw failed(host, phase, `failed (${how})${said === '' ? '' : `: ${said}`}`, {
    exitCode: result.code,
    stderr: result.stderr,
  });
}

/** Tries for as long as it may take. Without the job's signal: a cancelled job still thaws what it froze. */
async function runAfter(host: Host, hooks: Hooks): Promise<void> {
  const until = performance.now() + hooks.timeout * 1000;
  for (;;) {
    try {
      return await runHook(host, 'after', hooks);
    } catch (thrown) {
      if (!isNotBegun(toZfsFlowError(thrown)) || performance.now() >= until) throw thrown;
    }
    await sleep(TRY_AGAIN_MS);
  }
}

/**
 * Runs `before`, then `work`, then `after` – the last whatever happened, also when the job was cancelled. Throws what
 * failed first; HOOK_FAILED when that is a hook. A failing `after` that is not the first failure becomes a warning.
 */
export async function withHooks(host: Host, hooks: Hooks, ctx: RunContext, work: () => Promise<void>): Promise<void> {
  let first: unknown;
  let ok = false;
  try {
    await runHook(host, 'before', hooks, ctx.signal);
    await work();
    ok = true;
  } catch (thrown) {
    first = thrown;
  }
  try {
    await runAfter(host, hooks);
  } catch (thrown) {
    if (ok) throw thrown;
    const { code, message } = toZfsFlowError(thrown);
    const text = code === 'HOOK_FAILED' ? message : `the hook "after" could not be run: ${message}`;
    ctx.emit({ event: 'warning', level: 'warn', message: text, host: host.label });
  }
  if (!ok) throw first;
}
