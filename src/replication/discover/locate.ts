// Where each copy really is: one whose source was renamed, and one that an interrupted run had set aside.
import type { RunContext } from '../../base/run-context';
import { getProperties } from '../../zfs/get';
import { DESTINATION_PROPERTY, destinationId } from '../../zfs/marks';
import { followRenames, renameCandidates } from '../plan/follow-renames';
import type { ListedPair } from '../plan/listed-pair';
import { locateAside } from '../plan/locate-aside';
import type { TargetOther } from '../plan/plan-types';
import type { Setup } from '../setup/setup';

/** Those of these target datasets that were received by replications to this destination. */
async function ownCopies(setup: Setup, names: readonly string[], ctx: RunContext): Promise<Set<string>> {
  const request = { of: names, properties: [DESTINATION_PROPERTY], sources: ['local'] };
  const marks = await getProperties(setup.target, request, { signal: ctx.signal });
  const dstId = destinationId(setup.targetPoolGuid, setup.options.targetDataset);
  return new Set(marks.filter(({ value }) => value === dstId).map(({ name }) => name));
}

/** Where each copy really is: under a renamed source's former name, or set aside by a run that was interrupted. */
export async function locate(
  setup: Setup,
  pairs: readonly ListedPair[],
  others: readonly TargetOther[],
  ctx: RunContext,
): Promise<ListedPair[]> {
  const { targetFacts, targetPoolGuid, options } = setup;
  const own = await ownCopies(setup, renameCandidates(pairs, others), ctx);
  const canRename = targetFacts.platform !== 'Linux' || targetFacts.isRoot;
  const followed = followRenames({ pairs, others, canRename, targetPoolGuid, own });
  return locateAside(followed, others, options.whenDiverged);
}
