// What a run knows before it looks at any dataset: both hosts, what they are, whether they are the same machine, and
// what the options select, compiled.
import type { RunContext } from '../../base/run-context';
import type { Host, HostFacts, HostResolver } from '../../host/host';
import { ZfsFlowError } from '../../base/errors';
import { RateLimit } from '../../stream/rate-limit';
import { commonPath } from '../../zfs/mapping';
import { meetingOf, refuseOwnSource, type Meeting } from './meeting';
import type { ReplicateOptions } from './options';
import type { Secret } from '../../base/secret';
import { compileSelection, type Selection } from './selection';
import { compileTargetPolicy, type TargetPolicy } from './target-policy';
import { isDrillClone } from '../../zfs/marks';
import { compileExcludes, poolOf, type ExcludeFilter } from '../../zfs/names';

export interface Setup extends Meeting {
  options: ReplicateOptions;
  source: Host;
  target: Host;
  sourceFacts: HostFacts;
  targetFacts: HostFacts;
  /** GUID of the target's pool, decimal. */
  targetPoolGuid: string;
  /** The key for what is encrypted at the target, where it comes from Node-RED. */
  encryptionKey: Secret | null;
  selection: Selection;
  /** Source datasets that are left out. */
  excluded: ExcludeFilter;
  /** What the target deletes by itself; null where it has no policy of its own. */
  targetPolicy: TargetPolicy | null;
  rateLimit: RateLimit;
  /** Common path of the sources. */
  common: string;
}

function poolGuid({ pools }: HostFacts, dataset: string, host: string): string {
  const pool = pools.find(({ name }) => name === poolOf(dataset));
  if (pool) return pool.guid;
  throw new ZfsFlowError('POOL_UNAVAILABLE', `there is no pool "${poolOf(dataset)}" on ${host}`, {
    host,
    dataset,
    hint: 'Is its name right, and is the pool imported?',
  });
}

/** What is not replicated. Who copies a whole pool does not copy what a restore drill looks into at the moment. */
export function leftOut({ exclude }: Pick<ReplicateOptions, 'exclude'>): ExcludeFilter {
  const excluded = compileExcludes(exclude);
  return (name) => isDrillClone(name) || excluded(name);
}

/** Before another attempt: what made the one before fail may have been that the pool went, or was exchanged. */
export async function confirmPool({ target, options, targetPoolGuid }: Setup, signal: AbortSignal): Promise<void> {
  const facts = await target.facts({ refresh: true, signal });
  if (poolGuid(facts, options.targetDataset, target.label) === targetPoolGuid) return;
  const name = poolOf(options.targetDataset);
  throw new ZfsFlowError('POOL_UNAVAILABLE', `"${name}" on ${target.label} is another pool than when this run began`, {
    host: target.label,
    dataset: options.targetDataset,
  });
}

/** One round trip to each host, unless a target may be its own source. Throws connection errors, COMMAND_NOT_FOUND, POOL_UNAVAILABLE and INVALID_OPTIONS. */
export async function prepareRun(
  options: ReplicateOptions,
  hosts: HostResolver,
  ctx: RunContext,
  encryptionKey: Secret | null = null,
): Promise<Setup> {
  const source = hosts(options.sourceConnection);
  const target = hosts(options.targetConnection);
  const ask = { refresh: true, signal: ctx.signal };
  const [sourceFacts, targetFacts] = await Promise.all([
    source.facts(ask),
    source === target ? source.facts(ask) : target.facts(ask),
  ]);
  for (const [host, facts] of [
    [source, sourceFacts],
    [target, targetFacts],
  ] as const) {
    if (facts.zfsVersion === '') {
      throw new ZfsFlowError('COMMAND_NOT_FOUND', `there is no zfs command on ${host.label}`, {
        host: host.label,
        hint: 'Install ZFS there, or name its directory in zfsPath of the connection.',
      });
    }
  }
  const [from, to] = [
    { host: source, facts: sourceFacts },
    { host: target, facts: targetFacts },
  ];
  await refuseOwnSource(from, to, options, ctx.signal);
  const targetPoolGuid = poolGuid(targetFacts, options.targetDataset, target.label);
  return {
    options,
    source,
    target,
    sourceFacts,
    targetFacts,
    ...meetingOf(from, to, options),
    targetPoolGuid,
    encryptionKey,
    selection: compileSelection(options),
    excluded: leftOut(options),
    targetPolicy: compileTargetPolicy(options),
    rateLimit: new RateLimit(options.speedLimit),
    common: commonPath(options.sourceDatasets),
  };
}
