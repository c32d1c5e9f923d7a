// `mode: plan`: what a run would do, with sizes, changing nothing.
import { midRunFailure } from '../execute/attempt-failure';
import { askedTransport, DataPaths } from '../execute/data-paths';
import { firstSnapshots, type FirstSnapshots } from '../execute/take-snapshots';
import { planReplication } from '../plan/plan';
import { sends } from '../plan/plan-facts';
import type { DatasetPlan, Refusal } from '../plan/plan-types';
import type { DatasetResult } from '../setup/options';
import type { Run } from '../setup/run';
import type { SnapshotRecord } from '../../zfs/records';
import { largest } from '../discover/sizes';
import {
  announce,
  look,
  missing,
  planAttempt,
  planInput,
  runWarnings,
  type PlannedAttempt,
  type Sight,
} from './plan-attempt';
import type { RunState } from './run-state';

interface Planned {
  sight: Sight;
  seen: PlannedAttempt;
  first: FirstSnapshots;
}

/** What is planned, from listings between which nothing has changed. */
async function planned(run: Run, state: RunState): Promise<Planned> {
  for (;;) {
    try {
      const sight = await look(run);
      const seen = await planAttempt(run, state, sight);
      const first = firstSnapshots(run, seen.discovery);
      announce(run, seen, first.name !== '');
      return { sight, seen, first };
    } catch (thrown) {
      const { next, error } = state.looks.judge(midRunFailure(thrown), null);
      run.ctx.signal.throwIfAborted();
      if (next !== 'lookAgain') throw error;
    }
  }
}

/** Of a snapshot that is not there: newer than all that are. */
const LATEST = '18446744073709551615';

/** The plan as it would be with the snapshots that a run takes first, for those datasets that have none to send. */
function afterFirst(run: Run, state: RunState, sight: Sight, first: FirstSnapshots): DatasetPlan[] {
  const input = planInput(run, state, sight);
  const lacking = new Set<string>();
  const pairs = input.pairs.map((pair) => {
    const { source, wanted, sourceRecords } = pair;
    if (wanted.size > 0 || !first.of(source.name)) return pair;
    lacking.add(source.name);
    const record: SnapshotRecord = {
      dataset: source.name,
      kind: 'snapshot',
      name: first.name,
      guid: LATEST,
      createtxg: LATEST,
      creation: Math.floor(run.ctx.now().getTime() / 1000),
    };
    return { ...pair, sourceRecords: [...sourceRecords, record], wanted: new Set([LATEST]) };
  });
  if (lacking.size === 0) return [];
  return planReplication({ ...input, pairs }).datasets.filter(({ source }) => lacking.has(source));
}

function refuse(entry: DatasetResult, { code, message, hint }: Refusal): void {
  entry.error = { code, message, ...(hint === undefined ? {} : { hint }) };
}

/** What becomes of datasets that have nothing to send yet: as large as what they hold, unless something is in the way. */
function tellFirst({ book }: RunState, plans: readonly DatasetPlan[], sight: Sight, name: string): void {
  const held = new Map(sight.discovery.pairs.map(({ source }) => [source.name, source.referenced]));
  for (const { source, target, refusal, warnings } of plans) {
    const entry = book.entry(source, target);
    book.warn(entry, warnings);
    if (refusal) refuse(entry, refusal);
    else Object.assign(entry, { takes: name, estimatedBytes: held.get(source) ?? 0 });
  }
}

/** Fills the book. Throws what makes a listing fail, NO_SNAPSHOTS, and INVALID_OPTIONS of `createSnapshot`. */
export async function planOnly(run: Run, state: RunState): Promise<void> {
  const { book } = state;
  const { sight, seen, first } = await planned(run, state);
  const { discovery, plan, sizes } = seen;
  book.result.transport = askedTransport(run) ?? run.transport;
  book.warnRun(runWarnings(run, seen));
  if (plan.datasets.some(sends)) book.warnRun(await new DataPaths(run).warnings(largest(sizes)));
  book.warnRun(first.warnings);
  const ahead = afterFirst(run, state, sight, first);
  const lacking = new Set(ahead.map(({ source }) => source));
  for (const one of plan.datasets) {
    const entry = book.planned(one, sizes.estimates.get(one.source) ?? 0);
    entry.action = one.action;
    entry.snapshots = [
      ...(one.resume ? [one.resume.to.name] : []),
      ...one.steps.flatMap(({ snapshots }) => snapshots.map(({ name }) => name)),
    ];
    // It has nothing to send only until the first is taken.
    if (!lacking.has(one.source)) book.warn(entry, one.reasons);
    book.result.snapshots += entry.snapshots.length;
    if (one.refusal) refuse(entry, one.refusal);
  }
  tellFirst(state, ahead, sight, first.name);
  for (const dataset of discovery.missingSources) {
    book.failed(book.entry(dataset, ''), missing(dataset, run.source.label));
  }
}
