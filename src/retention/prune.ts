// A prune run: discover, plan, and – in the modes that may – execute and verify. Nothing is decided here; `plan.ts` says
// what goes, `approve.ts` whether an approval still holds, `destroy.ts` destroys.
import type { RunContext } from '../base/run-context';
import type { HostResolver } from '../host/host';
import { type ErrorCode, ZfsFlowError } from '../base/errors';
import { canDestroyByProgram } from '../zfs/destroy-program';
import { parseMinFree } from './kinds';
import { approvedItems, readApproval } from './execute/approve';
import { clockWatch } from '../time/clock-watch';
import { machineZoneProblem } from '../time/machine-zone';
import { discover, withExpiries, type Discovery } from './discover/discover';
import { destroyPlanned } from './execute/destroy';
import type { PruneItem, PruneOptions, PruneRequest, PruneResult } from './options';
import { planRetention, type PlannedSnapshot, type RetentionPlanResult } from './plan/plan';
import { planId, rememberPlan } from './execute/plan-store';

const DAY_MS = 24 * 3_600_000;
/** Reasons named in the breaker's message. */
const MOST_REASONS = 5;

export interface PruneExtras {
  /** Milliseconds; how long the plan may be approved. */
  planLifetime?: number;
  /** Gets the result as soon as there is a plan; it is filled while the run goes on. */
  report?: (result: PruneResult) => void;
  /** False: a plan just to be looked at, which cannot be approved by its id. */
  remember?: boolean;
}

interface Prepared {
  discovery: Discovery;
  result: PruneResult;
  expiriesUnknown: boolean;
}

const iso = (ms: number): string => new Date(ms).toISOString();

function toItem({ record, reasons }: PlannedSnapshot): PruneItem {
  const { dataset, name, guid, creation, used } = record;
  const when = creation === undefined || Math.abs(creation) > 8.64e12 ? '' : iso(creation * 1000);
  return { dataset, name, guid, creation: when, reasons, ...(used === undefined ? {} : { reclaim: used }) };
}

interface Planned {
  readonly plan: RetentionPlanResult;
  /** Nobody has asked for the properties that put off a snapshot's end. */
  readonly expiriesUnknown: boolean;
}

/**
 * Properties only ever keep, so what stays without them stays with them. Where the look before each destruction sees
 * them too, they need not be asked for twice – but nothing else may then depend on what exactly goes.
 */
async function makePlan(discovery: Discovery, mode: PruneResult['mode'], ctx: RunContext): Promise<Planned> {
  const { host, input } = discovery;
  let first: RetentionPlanResult | null = planRetention({ ...input, minFree: null });
  if (first.destroy.length === 0) return { plan: first, expiriesUnknown: false };
  if (mode === 'execute' && input.minFree === null && first.breaker.length === 0) {
    if (await canDestroyByProgram(host, ctx.signal)) return { plan: first, expiriesUnknown: true };
  }
  const candidates = first.destroy.map(({ record }) => record);
  // It may be large, and is not needed while properties are asked for.
  first = null;
  const plan = planRetention(await withExpiries(discovery, candidates, mode !== 'plan', ctx));
  return { plan, expiriesUnknown: false };
}

async function prepare(
  request: PruneRequest,
  mode: PruneResult['mode'],
  hosts: HostResolver,
  ctx: RunContext,
  extras: PruneExtras,
): Promise<Prepared> {
  const discovery = await discover(request, parseMinFree(request.minFree), hosts, ctx);
  const { plan, expiriesUnknown } = await makePlan(discovery, mode, ctx);
  const destroy = plan.destroy.map(toItem);
  const { now } = discovery.input.clock;
  const result: PruneResult = {
    jobId: ctx.jobId,
    planId: planId(request.connection, destroy),
    mode,
    createdAt: iso(now),
    expiresAt: iso(Math.min(now + (extras.planLifetime ?? DAY_MS), 8.64e15)),
    destroy,
    keep: plan.keep.map(toItem),
    destroyed: [],
    failed: [],
    reclaimedBytes: 0,
    breaker: plan.breaker,
    warnings: [...zoneWarnings(request), ...discovery.warnings, ...plan.warnings],
  };
  extras.report?.(result);
  announce(discovery, result, ctx);
  return { discovery, result, expiriesUnknown };
}

/** Days begin, and names are read, by the machine's zone. */
function zoneWarnings({ timeZone }: PruneRequest): string[] {
  const problem = timeZone === '' ? machineZoneProblem() : null;
  return problem === null ? [] : [problem];
}

function announce({ host }: Discovery, result: PruneResult, ctx: RunContext): void {
  for (const message of result.warnings) ctx.emit({ event: 'warning', level: 'warn', message, host: host.label });
  ctx.emit({
    event: 'plan',
    level: 'info',
    message: `${result.destroy.length} snapshots would go, ${result.keep.length} in scope stay`,
    host: host.label,
    planId: result.planId,
    destroy: result.destroy.length,
    keep: result.keep.length,
    breaker: result.breaker,
  });
}

function breakerError({ host }: Discovery, result: PruneResult): ZfsFlowError {
  const more = result.breaker.length > MOST_REASONS ? `; and ${result.breaker.length - MOST_REASONS} more` : '';
  return new ZfsFlowError(
    'BREAKER_TRIPPED',
    `nothing was destroyed: ${result.breaker.slice(0, MOST_REASONS).join('; ')}${more}`,
    {
      // Other nodes prune too, which have neither the mode nor the limits.
      hint: `If that is meant, approve the plan ${result.planId} in a zfs-retention-prune node with these datasets, scope and rules (mode approve), or raise its maxDestroyFraction or maxDestroyCount.`,
      host: host.label,
      details: { planId: result.planId, breaker: result.breaker },
    },
  );
}

/**
 * Prunes by a policy: plan, breaker, execute, verify. The core of every node that prunes.
 *
 * Snapshots that could not be destroyed are in `failed` of the result; they are not thrown. Throws BREAKER_TRIPPED
 * (nothing destroyed), DATASET_NOT_FOUND, and whatever made a listing fail (nothing destroyed).
 */
export async function pruneSnapshots(
  request: PruneRequest,
  hosts: HostResolver,
  ctx: RunContext,
  extras: PruneExtras = {},
): Promise<PruneResult> {
  const { discovery, result, expiriesUnknown } = await prepare(request, 'execute', hosts, ctx, extras);
  rememberPlan(result);
  if (result.breaker.length > 0) throw breakerError(discovery, result);
  const { host, input } = discovery;
  const how = { strict: false, minFree: input.minFree, expiriesUnknown };
  await destroyPlanned({ host, request, result, ...how }, ctx);
  return result;
}

/** What `pruneSnapshots` would do; changes nothing. The plan can be approved by its id afterwards. */
export async function planPrune(
  request: PruneRequest,
  hosts: HostResolver,
  ctx: RunContext,
  extras: PruneExtras = {},
): Promise<PruneResult> {
  const { result } = await prepare(request, 'plan', hosts, ctx, extras);
  if (extras.remember !== false) rememberPlan(result);
  return result;
}

async function pruneApproved(
  options: PruneOptions,
  hosts: HostResolver,
  ctx: RunContext,
  extras: PruneExtras,
): Promise<PruneResult> {
  const plan = readApproval(options.approved);
  const { discovery, result } = await prepare(options, 'approve', hosts, ctx, extras);
  const { host, input } = discovery;
  const items = approvedItems(plan, result, input.clock.now, options.planLifetime);
  // Whoever approves a plan has seen the dates in it.
  clockWatch.believe(input.clock.now);
  const approved = new Set(items);
  const others = result.destroy.filter((item) => !approved.has(item));
  result.planId = plan.planId;
  result.destroy = items;
  result.keep.push(...others.map((item) => ({ ...item, reasons: ['kept: not part of the approved plan'] })));
  result.breaker = [];
  const how = { strict: true, minFree: input.minFree, expiriesUnknown: false };
  await destroyPlanned({ host, request: options, result, ...how }, ctx);
  return result;
}

async function inMode(
  options: PruneOptions,
  hosts: HostResolver,
  ctx: RunContext,
  extras: PruneExtras,
): Promise<PruneResult> {
  switch (options.mode) {
    case 'plan':
      return planPrune(options, hosts, ctx, extras);
    case 'execute':
      return pruneSnapshots(options, hosts, ctx, extras);
    case 'approve':
      break;
  }
  return pruneApproved(options, hosts, ctx, extras);
}

/**
 * The run of a `zfs-retention-prune` node. Besides what `pruneSnapshots` throws: PLAN_STALE, INVALID_OPTIONS (`payload`)
 * and what `requireDestroyed` throws.
 */
export async function prune(options: PruneOptions, hosts: HostResolver, ctx: RunContext): Promise<PruneResult> {
  const { planLifetime } = options;
  const result = await inMode(options, hosts, ctx, { planLifetime, report: (early) => ctx.partial(early) });
  requireDestroyed(result);
  return result;
}

/**
 * Throws PARTIAL_FAILURE when some snapshots could not be destroyed; the others are, and the result is the partial one.
 * When none could be, all for one reason, it is that reason's code.
 */
export function requireDestroyed(result: PruneResult): void {
  const [first] = result.failed;
  if (!first) return;
  const codes = new Set(result.failed.map(({ code }) => code));
  // Nothing came of it, for one reason: that is no partial success.
  const reason = result.destroyed.length === 0 && codes.size === 1 ? first.code : 'PARTIAL_FAILURE';
  throw new ZfsFlowError(
    reason,
    `${result.failed.length} of ${result.destroy.length} snapshots could not be destroyed, for instance ${first.dataset}@${first.name}: ${first.message}`,
    { dataset: first.dataset, ...hintFor(reason, result) },
  );
}

function hintFor(code: ErrorCode, { destroyed, failed }: PruneResult): { hint?: string } {
  if (destroyed.length > 0) return { hint: 'The others were destroyed; the result says which.' };
  if (code !== 'PERMISSION_DENIED') return {};
  const datasets = [...new Set(failed.map(({ dataset }) => dataset))];
  return { hint: `The account needs the rights to prune there: zfs allow <user> destroy,mount ${datasets.join(' ')}` };
}
