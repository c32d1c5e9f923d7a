// Whether the two connections of a run meet on one machine. Facts that agree are no proof (host/machine-identity.ts); it is
// looked for where it matters: before a target that may be the source itself, and before streams are sent.
import { isOneMachine, mayShareKernel, tellsApart } from '../../host/machine-identity';
import { sighting } from '../../host/witness';
import type { Host, HostFacts } from '../../host/host';
import { checkOverlap, overlapping } from '../../zfs/mapping';
import { poolOf } from '../../zfs/names';
import type { ReplicateOptions, ReplicationResult } from './options';

export interface Side {
  host: Host;
  facts: HostFacts;
}

/** How a run's two ends stand to each other. */
export interface Meeting {
  /** Both ends are one machine, whatever connections lead there: what is meant for the one may be done on the other. */
  sameHost: boolean;
  /** Nothing tells them apart and one account leads to both, so that a proof would be worth its commands. */
  mayBeOne: boolean;
  transport: ReplicationResult['transport'];
}

function transportOf(source: Host, target: Host, sameHost: boolean): Meeting['transport'] {
  if (source.isLocal && target.isLocal) return 'local';
  if (sameHost && !source.isLocal && !target.isLocal) return 'remote-local';
  return source.isLocal || target.isLocal ? 'ssh' : 'relay';
}

/** The pool of a dataset name has one GUID on both sides, or cannot be said to have two. */
function mayBeOnePool(source: Side, target: Side, dataset: string): boolean {
  const [here, there] = [source, target].map(({ facts }) => facts.pools.find(({ name }) => name === poolOf(dataset)));
  return here === undefined || there === undefined || here.guid === there.guid;
}

/** Costs nothing. Two connections are two machines until {@link prove} has shown something else. */
export function meetingOf(source: Side, target: Side, { targetDataset }: ReplicateOptions): Meeting {
  const sameHost = source.host === target.host;
  const [from, to] = [source.host.channels, target.host.channels];
  const mayBeOne =
    !sameHost &&
    from !== undefined &&
    from.account === to?.account &&
    mayBeOnePool(source, target, targetDataset) &&
    !tellsApart(source.facts, target.facts);
  // Where nothing is sent it is never proven, and what is said then is what would be.
  return { sameHost, mayBeOne, transport: transportOf(source.host, target.host, sameHost || mayBeOne) };
}

/** The meeting as it is: costs two commands where it is not known yet. Throws the connection codes, CANCELLED. */
export async function prove<
  S extends Meeting & { source: Host; target: Host; sourceFacts: HostFacts; targetFacts: HostFacts },
>(setup: S, signal: AbortSignal): Promise<S> {
  if (!setup.mayBeOne) return setup;
  const { source, target, sourceFacts, targetFacts } = setup;
  const sameHost = isOneMachine(sourceFacts, targetFacts, await sighting(source, target, signal));
  return { ...setup, sameHost, mayBeOne: false, transport: transportOf(source, target, sameHost) };
}

/**
 * Refuses (INVALID_OPTIONS) a target that is the source or inside it, where both may be the same datasets. Containers count
 * as the machine that they run on, and what cannot be told apart counts as one. Throws the connection codes, CANCELLED.
 */
export async function refuseOwnSource(
  source: Side,
  target: Side,
  { sourceDatasets, targetDataset, recursive }: ReplicateOptions,
  signal: AbortSignal,
): Promise<void> {
  if (source.host === target.host) return checkOverlap(sourceDatasets, targetDataset, recursive);
  if (overlapping(sourceDatasets, targetDataset, recursive) === undefined) return;
  if (!mayBeOnePool(source, target, targetDataset)) return;
  const [a, b] = [source.facts, target.facts];
  const there = await sighting(source.host, target.host, signal);
  const seen = there === 'own' || there === 'inner';
  const back = seen ? 'unknown' : await sighting(target.host, source.host, signal);
  if (!mayShareKernel(a, b, there, back)) return;
  const certain = seen || back === 'own' || back === 'inner';
  if (certain) return checkOverlap(sourceDatasets, targetDataset, recursive);
  checkOverlap(
    sourceDatasets,
    targetDataset,
    recursive,
    `The pool "${poolOf(targetDataset)}" has the same GUID on ${source.host.label} and ${target.host.label}, and nothing shows ` +
      'that these are two machines. If they are, cloned ones, give one pool a GUID of its own: zpool reguid.',
  );
}

/** A warning where two machines have a pool of one GUID, the target's: by that, bookmarks on a source know a destination. */
export function twinPoolWarning(
  {
    source,
    target,
    sourceFacts,
    targetFacts,
  }: { source: Host; target: Host; sourceFacts: HostFacts; targetFacts: HostFacts },
  targetPoolGuid: string,
): string[] {
  const pool = sourceFacts.pools.find(({ guid }) => guid === targetPoolGuid);
  if (!pool || mayShareKernel(sourceFacts, targetFacts, 'unknown', 'unknown')) return [];
  return [
    `the pool "${pool.name}" on ${source.label} and that of the target on ${target.label} are two with one GUID (cloned disks): ` +
      'replicate to only one of them from one source, or give one a GUID of its own (zpool reguid)',
  ];
}
