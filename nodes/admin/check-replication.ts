// What the wizard's "Check now" asks: the plan of a task that does not exist yet, with the values that its nodes would have
// (src/wizard/question.ts). Changes nothing, on neither machine. The key for what is encrypted at the target lives for the
// request.
import type { RunContext } from '../../src/base/run-context';
import { invalidOption, ZfsFlowError } from '../../src/base/errors';
import { Secret } from '../../src/base/secret';
import { readObject, readString, type RawOptions } from '../../src/options/read';
import type { DatasetResult, ReplicateOptions, ReplicationResult } from '../../src/replication/setup/options';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import type { CheckAnswer, CheckedDataset } from './check-answer';
import { leaseRequestHosts } from './draft-connections';
import { requireLiterals } from './literals';

/** Datasets that are told one by one. */
const MOST_DATASETS = 200;
const MOST_WARNINGS = 50;
/** Milliseconds after which nobody waits for the answer any more. */
const TIMEOUT_MS = 120_000;
/** What a check decides itself. */
const IGNORED: ReadonlySet<string> = new Set(['mode', 'speedLimit']);

function context(signal: AbortSignal): RunContext {
  return {
    jobId: 'check',
    task: 'check',
    signal,
    now: () => new Date(),
    emit: () => undefined,
    partial: () => undefined,
    onSpeedLimit: () => undefined,
  };
}

/**
 * As the node would read them. With a node of its own for the snapshots there is one whenever the replication begins: where
 * there is none now, the first would be of that node's schema.
 */
function optionsOf(body: RawOptions): ReplicateOptions {
  requireLiterals(body, ['zfs-replicate'], {
    ignored: IGNORED,
    hint: 'A task can be checked when all of it is set here.',
  });
  const { snapshot = null, encryptionKey: _secret, connections: _drafts, ...values } = body;
  const { parseReplicateOptions } = engine.replication();
  // A host that does not answer is told at once.
  const asked = { ...values, modeType: 'str', mode: 'plan', speedLimit: '', retries: 1 };
  const options = parseReplicateOptions(asked);
  if (snapshot === null) return options;
  const taken = readObject({ snapshot }, 'snapshot');
  requireLiterals(taken, ['zfs-snapshot'], { ignored: new Set(), hint: 'Say here how snapshots are named.' });
  const { namingSchema } = engine.snapshots().parseSnapshotOptions(taken);
  const others = options.namingSchemas.filter((schema) => schema !== namingSchema);
  const namingSchemas = options.snapshotSelection === 'schema' ? [namingSchema, ...others] : [namingSchema];
  if (options.snapshotSelection === 'schema' && others.length === options.namingSchemas.length) {
    throw invalidOption('namingSchemas', 'namingSchemas: the snapshots that this task takes are not among them');
  }
  return { ...options, createSnapshot: 'ifNone', namingSchemas };
}

/** What a plan says in the engine's words and the answer says in its own: `action`, `snapshots`, `base`, `taken`. */
const SAID = [
  / would be taken first, and sent too$/,
  /^\d+ snapshots? to send (from the beginning|after )/,
  /^the target has everything that is selected/,
  /^the source has no selected snapshot$/,
];

const unsaid = (warnings: readonly string[]): string[] =>
  warnings.filter((text) => !SAID.some((said) => said.test(text)));

function describe({
  source,
  target,
  action,
  base,
  snapshots,
  warnings,
  error,
  ...more
}: DatasetResult): CheckedDataset {
  return {
    source,
    target,
    action: more.takes === undefined ? action : 'snapshot',
    snapshots: snapshots.length,
    bytes: more.estimatedBytes,
    base: base?.name ?? '',
    warnings: unsaid(warnings).slice(0, MOST_WARNINGS),
    ...(error === undefined ? {} : { refusal: error }),
  };
}

function answerOf({ datasets, transport, snapshots, warnings }: ReplicationResult): CheckAnswer {
  const all = datasets.map(describe);
  const refused = all.filter(({ refusal }) => refusal !== undefined);
  const shown = [...refused, ...all.filter(({ refusal }) => refusal === undefined)].slice(0, MOST_DATASETS);
  return {
    ok: true,
    ready: refused.length === 0,
    transport,
    datasets: shown,
    moreDatasets: all.length - shown.length,
    refused: refused.length,
    snapshots,
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    taken: all.filter(({ action }) => action === 'snapshot').length,
    warnings: unsaid(warnings).slice(0, MOST_WARNINGS),
  };
}

/** Throws INVALID_OPTIONS, TIMEOUT, NO_SNAPSHOTS, and whatever else a run could not even begin for. */
export async function checkReplication(RED: Red, body: RawOptions, gone: AbortSignal): Promise<CheckAnswer> {
  const options = optionsOf(body);
  const key = readString(body, 'encryptionKey');
  const { hosts, release } = leaseRequestHosts(RED, body);
  const late = AbortSignal.timeout(TIMEOUT_MS);
  const ctx = context(AbortSignal.any([gone, late]));
  try {
    return answerOf(await engine.replication().replicate(options, hosts, ctx, key === '' ? null : new Secret(key)));
  } catch (error) {
    if (!late.aborted || gone.aborted) throw error;
    throw new ZfsFlowError('TIMEOUT', `the check took longer than ${TIMEOUT_MS / 1000} seconds`, { cause: error });
  } finally {
    release();
  }
}
