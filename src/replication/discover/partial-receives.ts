// Partial receives on the target, and what their resume tokens say.
import type { RunContext } from '../../base/run-context';
import { decodeTokens } from '../../zfs/send';
import { isOwnReceive } from '../plan/journal';
import type { ListedPair } from '../plan/listed-pair';
import type { PartialReceive } from '../plan/plan-types';
import type { Setup } from '../setup/setup';

/** Has the source decode the resume tokens that the target's partial receives gave. By target dataset. */
export async function readTokens(
  setup: Setup,
  pairs: readonly ListedPair[],
  ctx: RunContext,
): Promise<Map<string, PartialReceive>> {
  const partial = pairs.filter(({ targetDataset }) => (targetDataset?.receiveResumeToken ?? '') !== '');
  const tokens = partial.map(({ targetDataset }) => targetDataset?.receiveResumeToken ?? '');
  const contents = await decodeTokens(setup.source, tokens, ctx.signal);
  return new Map(
    partial.map(({ target, sourceRecords, dstId, located }, index) => {
      const token = contents[index] ?? null;
      const dstIds = [dstId, ...(located?.formerDstId === undefined ? [] : [located.formerDstId])];
      const isOwn = token !== null && dstIds.some((id) => isOwnReceive(id, sourceRecords, token));
      return [target, { token, isOwn }];
    }),
  );
}
