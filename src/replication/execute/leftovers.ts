// What an earlier run left running: a process killed with Node-RED's, a `zfs receive` at the far end of a link that was
// cut without a word (its TCP connection can last for hours). It keeps the target busy, and there must never be two
// receivers of one dataset, so it is ended first; the partial receive stays resumable.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../base/run-context';
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import type { Host } from '../../host/host';
import { endTagged, findTagged, type TaggedProcess } from '../../host/tagged-processes';
import type { DatasetPlan, PairInput } from '../plan/plan-types';
import { AttemptFailure } from './attempt-failure';
import { ownerOf } from './process-tag';
import type { Run } from '../setup/run';
import { sends } from '../plan/plan-facts';

/** Time that the transfer of another Node-RED gets to come to its end, before it counts as a failed try. Milliseconds. */
const OTHERS_MS = 60_000;

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

interface Suspects {
  /** Destinations of which something may be left. */
  dstIds: readonly string[];
  ctx: RunContext;
}

const tagsOn = async (host: Host, { dstIds, ctx }: Suspects, owner: 'left' | 'busy'): Promise<Set<string>> => {
  const found = (await find(host, ctx)).map(({ tag }) => tag);
  return new Set(found.filter((tag) => dstIds.some((dstId) => ownerOf(tag, dstId) === owner)));
};

async function endOn(host: Host, suspects: Suspects): Promise<boolean> {
  const ours = await tagsOn(host, suspects, 'left');
  for (const tag of ours) {
    await endTagged(host, tag, { signal: suspects.ctx.signal });
    suspects.ctx.emit({
      event: 'warning',
      level: 'warn',
      host: host.label,
      message: `ended a transfer that an earlier run had left running on ${host.label}`,
    });
  }
  return ours.size > 0;
}

/**
 * Another Node-RED sends to the same place: its transfer is let come to its end, for a while. True: there was one, and it
 * has ended. Throws TARGET_BUSY_PARTIAL where it goes on.
 */
async function awaitOthers(host: Host, suspects: Suspects): Promise<boolean> {
  const { ctx } = suspects;
  const end = Date.now() + OTHERS_MS;
  for (let waited = false; ; waited = true) {
    const busy = await tagsOn(host, suspects, 'busy');
    if (busy.size === 0) return waited;
    if (Date.now() > end) break;
    if (!waited) {
      const message = `another Node-RED is sending to the same target on ${host.label}: waits for it`;
      ctx.emit({ event: 'waiting', level: 'info', host: host.label, message });
    }
    await sleep(1_000, undefined, { signal: ctx.signal });
  }
  throw new ZfsFlowError(
    'TARGET_BUSY_PARTIAL',
    `another Node-RED is still sending to the same target on ${host.label}`,
    {
      host: host.label,
      retryable: true,
      hint: 'Where it was ended, end its "zfs receive" there too.',
    },
  );
}

/**
 * Ends processes of earlier runs for the destinations that this plan sends to, and waits for those of others. Looks only
 * where there is a sign of one: a partial receive, or (`retrying`) an attempt that has just failed. Where there was one,
 * what was listed before is out of date, the resume token above all: throws TARGET_BUSY_PARTIAL, for a new attempt at once.
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
  if (suspects.length === 0) return;
  const these = { dstIds: [...new Set(suspects.map(({ dstId }) => dstId))], ctx: run.ctx };
  const there = await endOn(run.target, these);
  const here = !run.sameHost && (await endOn(run.source, these));
  // The receiver is what keeps the target busy.
  const others = await awaitOthers(run.target, these);
  if (!there && !here && !others) return;
  const what = others
    ? 'another transfer to the same target has ended'
    : 'an earlier transfer was still running, and has been ended';
  const error = new ZfsFlowError('TARGET_BUSY_PARTIAL', what, { host: run.target.label, retryable: true });
  throw new AttemptFailure(error, 'again');
}
