// What the button "What would go now?" of the dialogs asks: a plan with the values that the dialog shows, of the snapshots
// that exist now. Changes nothing, and gives out nothing that could be approved.
import type { RunContext } from '../../src/context';
import { invalidOption } from '../../src/errors';
import { groupBy } from '../../src/group-by';
import { readString, type RawOptions } from '../../src/raw-options';
import type { PruneItem } from '../../src/retention/options';
import { parsePruneOptions } from '../../src/retention/parse-options';
import { planPrune } from '../../src/retention/prune';
import { leaseHosts } from '../common/hosts';
import type { Red } from '../common/red';
import type { PreviewAnswer, PreviewDataset } from '../common/preview';

/** Datasets that are drawn, and snapshots of each: a dialog is no place for more. */
const MOST_DATASETS = 20;
const MOST_SNAPSHOTS = 1000;
/** Milliseconds after which nobody waits for the answer any more. */
const TIMEOUT_MS = 120_000;

/** Properties that a message may decide, with their literal types. */
const TYPED: readonly (readonly [string, string])[] = [
  ['datasets', 'list'],
  ['namingSchema', 'str'],
];

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

/** Throws INVALID_OPTIONS, and whatever made a listing fail. */
export async function previewRetention(RED: Red, body: RawOptions): Promise<PreviewAnswer> {
  for (const [name, literal] of TYPED) {
    const type = readString(body, `${name}Type`, literal);
    if (type === literal || type === '') continue;
    throw invalidOption(
      name,
      `${name} comes from ${type}, so it is known only when a message comes`,
      'set it here for a moment to see what would go',
    );
  }
  // What the dialog says of approvals and modes does not matter: this only plans.
  const options = parsePruneOptions({ ...body, mode: 'plan' });
  const { hosts, release } = leaseHosts(RED, body);
  try {
    const plan = await planPrune(options, hosts, context(), { remember: false });
    const items = [
      ...plan.destroy.map((item) => ({ ...item, goes: true })),
      ...plan.keep.map((item) => ({ ...item, goes: false })),
    ];
    const groups = [...groupBy(items, ({ dataset }) => dataset)].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return {
      ok: true,
      now: plan.createdAt,
      goes: plan.destroy.length,
      stays: plan.keep.length,
      reclaim: plan.destroy.reduce((sum, { reclaim = 0 }) => sum + reclaim, 0),
      datasets: groups.slice(0, MOST_DATASETS).map(([dataset, list]) => describe(dataset, list)),
      moreDatasets: Math.max(0, groups.length - MOST_DATASETS),
      breaker: plan.breaker,
      warnings: plan.warnings,
    };
  } finally {
    release();
  }
}
