// What an earlier run left running: a process killed with Node-RED's, a `zfs receive` at the far end of a link that was
// cut without a word (its TCP connection can last for hours). It keeps the target busy, and there must never be two
// receivers of one dataset, so it is ended first; the partial receive stays resumable.
import type { RunContext } from '../../base/run-context';
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import type { Host } from '../../host/host';
import { endTagged, findTagged, type TaggedProcess } from '../../host/tagged-processes';
import type { DatasetPlan, PairInput } from '../plan/plan-types';
import { AttemptFailure } from './attempt-failure';
import { processTag } from './process-tag';
import type { Run } from '../setup/run';
import { sends } from '../plan/plan-facts';

/** Without a list of processes nothing can be ended; ZFS itself refuses a second receiver, so the run may try. */
async function find(host: Host, ctx: RunContext): Promise<TaggedProcess[]> {
  try {
    return await findTagged(host, 'zfsflow.', { signal: ctx.signal });
  } catch (thrown) {
    const { code, message } = toZfsFlowError(thrown);
    if (code !== 'ZFS_ERROR') throw thrown;
    ctx.emit({
      event: 'warning',
      level: 'warn',
      host: host.label,
      message: `${message}, so an old transfer may be left`,
    });
    return [];
  }
}

async function endOn(host: Host, prefixes: readonly string[], ctx: RunContext): Promise<boolean> {
  const found = await find(host, ctx);
  const ours = new Set(
    found.map(({ tag }) => tag).filter((tag) => prefixes.some((prefix) => tag.startsWith(`${prefix}.`))),
  );
  for (const tag of ours) {
    await endTagged(host, tag, { signal: ctx.signal });
    ctx.emit({
      event: 'warning',
      level: 'warn',
      host: host.label,
      message: `ended a transfer that an earlier run had left running on ${host.label}`,
    });
  }
  return ours.size > 0;
}

/**
 * Ends processes of earlier runs for the destinations that this plan sends to. Looks only where there is a sign of one: a
 * partial receive, or (`retrying`) an attempt that has just failed. Where it ended one, what was listed before is out of
 * date, the resume token above all: throws TARGET_BUSY_PARTIAL, for a new attempt at once.
 */
export async function endLeftovers(
  run: Run,
  plans: readonly DatasetPlan[],
  pairs: ReadonlyMap<string, PairInput>,
  retrying: boolean,
): Promise<void> {
  const suspects = plans.filter((plan) => {
    const pair = pairs.get(plan.source);
    return sends(plan) && (retrying || (pair !== undefined && pair.partial !== null));
  });
  const tags = suspects.map(({ dstId }) => processTag(dstId));
  if (tags.length === 0) return;
  const there = await endOn(run.target, tags, run.ctx);
  const here = !run.sameHost && (await endOn(run.source, tags, run.ctx));
  if (!there && !here) return;
  const error = new ZfsFlowError('TARGET_BUSY_PARTIAL', 'an earlier transfer was still running, and has been ended', {
    host: run.target.label,
    retryable: true,
  });
  throw new AttemptFailure(error, 'again');
}
