// What the button "What would go now?" of the dialogs asks: a plan with the values that the dialog shows, of the snapshots
// that exist now. Changes nothing, and gives out nothing that could be approved.
import type { RunContext } from '../../src/base/run-context';
import type { HostResolver } from '../../src/host/host';
import { groupBy } from '../../src/base/group-by';
import { readBoolean, type RawOptions } from '../../src/options/read';
import type { PruneItem, PruneResult } from '../../src/retention/options';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import { leaseRequestHosts } from './draft-connections';
import { requireLiterals } from './literals';
import type { PreviewAnswer, PreviewDataset } from './preview-answer';

/** Datasets that are drawn, and snapshots of each: a dialog is no place for more. */
const MOST_DATASETS = 20;
const MOST_SNAPSHOTS = 1000;
/** Milliseconds after which nobody waits for the answer any more. */
const TIMEOUT_MS = 120_000;

/** The node types whose dialogs ask. */
const ASKING = ['zfs-snapshot', 'zfs-replicate', 'zfs-retention-prune'] as const;
/** What the dialog says of approvals and modes does not matter: this only plans. */
const IGNORED: ReadonlySet<string> = new Set(['mode']);

function context(): RunContext {
  return {
    jobId: 'preview',
    task: 'preview',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    now: () => new Date(),
    emit: () => undefined,
    partial: () => undefined,
    onSpeedLimit: () => undefined,
  };
}

function describe(dataset: string, items: readonly (PruneItem & { goes: boolean })[]): PreviewDataset {
  const sorted = items.toSorted((a, b) => (a.creation < b.creation ? -1 : a.creation > b.creation ? 1 : 0));
  const goes = items.filter((item) => item.goes).length;
  const snapshots = sorted
    .slice(-MOST_SNAPSHOTS)
    .map(({ name, creation, goes, reasons }) => ({ name, creation, goes, reasons }));
  return { dataset, goes, stays: items.length - goes, snapshots };
}

/** The replicate dialog asks with that node's properties, the others with those of a prune. */
async function planOf(body: RawOptions, hosts: HostResolver): Promise<PruneResult | null> {
  if ('targetDataset' in body) {
    const { parseReplicateOptions, planTargetRetention } = engine.replication();
    return planTargetRetention(parseReplicateOptions(body), hosts, context());
  }
  const { parsePruneOptions, planPrune } = engine.retention();
  const options = parsePruneOptions({ ...body, mode: 'plan' });
  // The snapshot node prunes so, and no property says it.
  const scheduleByName = readBoolean(body, 'scheduleByName', false);
  return planPrune({ ...options, scheduleByName }, hosts, context(), { remember: false });
}

/** Throws INVALID_OPTIONS, and whatever made a listing fail. */
export async function previewRetention(RED: Red, body: RawOptions): Promise<PreviewAnswer> {
  requireLiterals(body, ASKING, { ignored: IGNORED, hint: 'set it here for a moment to see what would go' });
  const { hosts, release } = leaseRequestHosts(RED, body);
  try {
    const plan = await planOf(body, hosts);
    const items = [
      ...(plan?.destroy ?? []).map((item) => ({ ...item, goes: true })),
      ...(plan?.keep ?? []).map((item) => ({ ...item, goes: false })),
    ];
    const groups = [...groupBy(items, ({ dataset }) => dataset)].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return {
      ok: true,
      now: plan?.createdAt ?? new Date().toISOString(),
      goes: plan?.destroy.length ?? 0,
      stays: plan?.keep.length ?? 0,
      reclaim: (plan?.destroy ?? []).reduce((sum, { reclaim = 0 }) => sum + reclaim, 0),
      datasets: groups.slice(0, MOST_DATASETS).map(([dataset, list]) => describe(dataset, list)),
      moreDatasets: Math.max(0, groups.length - MOST_DATASETS),
      breaker: plan?.breaker ?? [],
      warnings: plan?.warnings ?? [],
    };
  } finally {
    release();
  }
}
