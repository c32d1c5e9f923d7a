// Why a pool's snapshots were not taken, in words that say what a person can do about it.
import { ZfsFlowError } from '../base/errors';
import type { PoolCommand } from './datasets';
import type { Run } from './run';
import { allowCommand } from '../zfs/shown';

/** Datasets named in a hint. */
const MOST_NAMED = 5;

/** The same error with what a person needs to know beyond ZFS's own words. */
export async function explain(run: Run, pool: PoolCommand, error: ZfsFlowError): Promise<ZfsFlowError> {
  if (error.code === 'SNAPSHOT_EXISTS') return nameTaken(run, error);
  if (error.code === 'PERMISSION_DENIED') return rightsMissing(run, pool, error);
  return error;
}

function nameTaken({ result }: Run, error: ZfsFlowError): ZfsFlowError {
  const existing = /cannot create snapshot '([^']*)'/.exec(error.stderr ?? '')?.[1];
  return error.with({
    message: `a snapshot named "${result.name}" exists already${existing === undefined ? '' : `: ${existing}`}`,
    cause: error,
    ...(existing === undefined ? {} : { dataset: existing.replace(/@.*$/s, '') }),
    hint: 'No snapshot was taken on this pool. A naming schema with seconds (%S) gives a name of its own to each run.',
  });
}

async function rightsMissing(
  { host, options }: Run,
  { roots }: PoolCommand,
  error: ZfsFlowError,
): Promise<ZfsFlowError> {
  const who = await host.run(['id', '-un']).catch(() => null);
  const user = who?.code === 0 && who.stdout.trim() !== '' ? who.stdout.trim() : '<user>';
  const rights = ['snapshot', 'mount', ...(Object.keys(options.properties).length > 0 ? ['userprop'] : [])];
  const commands = roots.slice(0, MOST_NAMED).map((root) => allowCommand(user, rights, root));
  return error.with({
    message: `${user} may not take snapshots on ${host.label}: ${error.message}`,
    cause: error,
    hint: `As root on ${host.label}: ${commands.join('; ')}`,
  });
}

export function tooMany({ datasets, pool }: PoolCommand): ZfsFlowError {
  return new ZfsFlowError(
    'UNSUPPORTED',
    `${datasets.length} datasets of pool "${pool}" do not fit into one command, and only one command is atomic`,
    { hint: 'Exclude nothing and allow empty snapshots (then one recursive command does it), or use several nodes.' },
  );
}

/** A name that is taken because clocks went back and show the same hour again. */
export class RepeatedHour extends ZfsFlowError {}

/** One error for all failed pools: their own where they agree, else PARTIAL_FAILURE. */
export function overall(failures: readonly ZfsFlowError[], pools: number, repeatedHour: boolean): ZfsFlowError {
  const [first] = failures;
  if (first === undefined) return new ZfsFlowError('ZFS_ERROR', 'nothing failed');
  const same = failures.every(({ code }) => code === first.code);
  const code = same ? first.code : 'PARTIAL_FAILURE';
  const message = failures.map((failure) => failure.message).join('; ');
  const Failure = code === 'SNAPSHOT_EXISTS' && repeatedHour ? RepeatedHour : ZfsFlowError;
  return new Failure(code, pools > 1 ? `on ${failures.length} of ${pools} pools: ${message}` : message, {
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    ...(first.dataset === undefined ? {} : { dataset: first.dataset }),
    ...(first.host === undefined ? {} : { host: first.host }),
    ...(first.stderr === undefined ? {} : { stderr: first.stderr }),
    ...(first.command === undefined ? {} : { command: first.command }),
    ...(first.exitCode === undefined ? {} : { exitCode: first.exitCode }),
    cause: first,
  });
}
