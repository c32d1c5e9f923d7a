// Marks on copies that could not come with their stream: `-o` of a receive is for the root of a `send -R` stream and
// inherited below it, while our marks are for each dataset itself.
import { groupNames, runBatch } from '../../zfs/batch';
import { setArgv } from '../../zfs/change';
import { DESTINATION_PROPERTY, destinationId, parseRawMark, RAW_PROPERTY, rawMark } from '../../zfs/marks';
import type { PlannedPair } from '../plan/plan-types';
import { markWarning } from '../report/mark-warning';
import type { Run } from '../setup/run';

/** Marks these as copies that this replication made; a warning where that fails, else null. */
export async function markCopies(
  { targetPoolGuid, options, target: host, ctx }: Run,
  copies: readonly PlannedPair[],
): Promise<string | null> {
  const mark = { [DESTINATION_PROPERTY]: destinationId(targetPoolGuid, options.targetDataset) };
  const names = copies.map(({ plan }) => plan.target);
  const argvs = groupNames(names, 1000).map((group) => setArgv(group, mark));
  const chains = copies
    .filter(({ pair, plan }) => {
      const known = parseRawMark(pair.targetDataset?.userProperties[RAW_PROPERTY], plan.target);
      return pair.source.encryption !== 'off' && known === null;
    })
    .map(({ plan: { raw, target } }) => setArgv(target, { [RAW_PROPERTY]: rawMark(raw, target) }));
  const errors = await runBatch(host, [...argvs, ...chains], { signal: ctx.signal });
  return markWarning('mark the copies', host.label, errors);
}
