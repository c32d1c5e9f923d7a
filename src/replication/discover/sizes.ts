// How much each dataset's sends will move: exact estimates by `zfs send -n`, one process each, or – for many small
// incrementals – from `written` of the snapshots, all in one command.
import type { RunContext } from '../../base/run-context';
import { groupNames } from '../../zfs/batch';
import { getEach } from '../../zfs/get';
import { estimateSizes, resumeArgv, type SendStep } from '../../zfs/send';
import type { DatasetPlan } from '../plan/plan-types';
import { stepArgv } from '../plan/send-argv';
import type { Setup } from '../setup/setup';

/** A stream of at most so many bytes may ride the control connections. */
export const SMALL_STREAM = 1 << 20;
/** Up to so many bytes written on disk, compressed as they are sent, a stream is small without asking `zfs send -n`. */
const SURELY_SMALL = 64 * 1024;

export interface Sizes {
  /** Estimated stream bytes by source dataset. */
  estimates: Map<string, number>;
  /** Source datasets all of whose sends are small. */
  small: Set<string>;
}

/** Estimated bytes of the largest dataset's streams. */
export function largest({ estimates }: Sizes): number {
  return Math.max(0, ...estimates.values());
}

/** Bytes `written` of the snapshots, by full name; those that cannot be asked for are absent. */
async function writtenSizes(setup: Setup, snapshots: readonly string[], ctx: RunContext): Promise<Map<string, number>> {
  const requests = groupNames(snapshots, 1000).map((of) => ({ of, properties: ['written'] }));
  const answers = await getEach(setup.source, requests, { missingOk: true, signal: ctx.signal });
  const values = answers.flatMap((answer) => (answer instanceof Error ? [] : answer));
  return new Map(
    values.filter(({ value }) => /^\d+$/.test(value)).map(({ name, value }) => [name, Number(value)] as const),
  );
}

const stepSnapshots = ({ dataset, spans }: SendStep): string[] => spans.map((name) => `${dataset}@${name}`);

/** So few are estimated as quickly as their `written` is asked for, which may not be enough. */
const FEW_STEPS = 2;

/** What the stream of a snapshot has beside its data: begin, properties, end. Without it, progress would have no total. */
const BESIDE_DATA = 2048;

/** Datasets whose `written` alone says that they are small; their estimates are filled in. */
async function judgeByWritten(
  setup: Setup,
  plans: readonly DatasetPlan[],
  sizes: Sizes,
  ctx: RunContext,
): Promise<void> {
  if (setup.options.mode === 'plan' || !setup.options.compressedBlocks) return;
  const eligible = plans.filter(
    ({ resume, steps }) => !resume && steps.length > 0 && steps.every(({ from }) => from !== null),
  );
  if (eligible.reduce((sum, { steps }) => sum + steps.length, 0) <= FEW_STEPS) return;
  const written = await writtenSizes(
    setup,
    eligible.flatMap(({ steps }) => steps.flatMap(stepSnapshots)),
    ctx,
  );
  for (const { source, steps } of eligible) {
    const bytes = steps.flatMap(stepSnapshots).map((name) => written.get(name) ?? Number.POSITIVE_INFINITY);
    const total = bytes.reduce((sum, size) => sum + size, 0);
    if (total > SURELY_SMALL) continue;
    sizes.estimates.set(source, total + BESIDE_DATA * steps.reduce((sum, { snapshots }) => sum + snapshots.length, 0));
    sizes.small.add(source);
  }
}

/** Sizes of everything that the plans send, in at most two remote commands. */
export async function measure(setup: Setup, plans: readonly DatasetPlan[], ctx: RunContext): Promise<Sizes> {
  const sizes: Sizes = { estimates: new Map(plans.map(({ source }) => [source, 0])), small: new Set() };
  await judgeByWritten(setup, plans, sizes, ctx);
  const asked: { source: string; argv: string[] }[] = [];
  for (const plan of plans) {
    if (sizes.small.has(plan.source)) continue;
    if (plan.resume) asked.push({ source: plan.source, argv: resumeArgv(plan.resume.token) });
    for (const step of plan.steps) asked.push({ source: plan.source, argv: stepArgv(plan, step) });
  }
  const found = await estimateSizes(
    setup.source,
    asked.map(({ argv }) => argv),
    ctx.signal,
  );
  const unknown = new Set(asked.filter((_, index) => found[index] === null).map(({ source }) => source));
  asked.forEach(({ source }, index) =>
    sizes.estimates.set(source, (sizes.estimates.get(source) ?? 0) + (found[index] ?? 0)),
  );
  for (const { source } of asked) {
    if (!unknown.has(source) && (sizes.estimates.get(source) ?? 0) <= SMALL_STREAM) sizes.small.add(source);
  }
  return sizes;
}
