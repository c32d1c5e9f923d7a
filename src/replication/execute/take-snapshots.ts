// `createSnapshot`: a snapshot on the source before it is replicated, always or where none is selected yet.
import type { RunContext } from '../../base/run-context';
import { toZfsFlowError } from '../../base/errors';
import { formatSnapshotName, parseNamingSchema } from '../../naming/schema';
import { createSnapshots } from '../../snapshots/create';
import type { Discovery } from '../discover/discover';
import { snapshotSchema } from '../setup/selection';
import type { Setup } from '../setup/setup';

/** A snapshot taken now would not be among those that are sent, so taking one at each run would only litter the source. */
function wouldBeSelected({ options, selection }: Setup, ctx: RunContext): boolean {
  const name = formatSnapshotName(parseNamingSchema(snapshotSchema(options)), ctx.now(), options.timeZone);
  const creation = Math.floor(ctx.now().getTime() / 1000);
  return selection.wants({ dataset: '', kind: 'snapshot', name, guid: '0', createtxg: '0', creation });
}

/** Which datasets get a snapshot first; null for none. `recursive`: with everything below them. */
function snapshotsDue(
  setup: Setup,
  discovery: Discovery,
  ctx: RunContext,
): { datasets: string[]; recursive: boolean; exclude: readonly string[] } | null {
  const { options } = setup;
  if (options.createSnapshot === 'never') return null;
  if (options.createSnapshot === 'always') {
    const present = options.sourceDatasets.filter((name) => !discovery.missingSources.includes(name));
    return { datasets: present, recursive: options.recursive, exclude: options.exclude };
  }
  const lacking = discovery.pairs.filter(({ wanted }) => wanted.size === 0).map(({ source }) => source.name);
  return lacking.length === 0 || !wouldBeSelected(setup, ctx)
    ? null
    : { datasets: lacking, recursive: false, exclude: [] };
}

/** For a plan: that snapshots would be taken, which no listing can show. */
export function announceSnapshots(setup: Setup, discovery: Discovery, ctx: RunContext): string[] {
  const due = snapshotsDue(setup, discovery, ctx);
  if (!due) return [];
  const shown = due.datasets.slice(0, 5).join('", "');
  const more = due.datasets.length > 5 ? ` and ${due.datasets.length - 5} more` : '';
  const below = due.recursive ? ', with everything below' : '';
  return [`a snapshot of "${shown}"${more}${below} would be taken first, and sent too (createSnapshot)`];
}

/**
 * Takes snapshots where `createSnapshot` says so; true when it did, so that the source has to be listed again. `begun`: when
 * an attempt of this run began to take them and was cut off; they may be there, under the names of that time.
 */
export async function takeMissingSnapshots(
  setup: Setup,
  discovery: Discovery,
  begun: Date | null,
  ctx: RunContext,
): Promise<boolean> {
  const { options } = setup;
  const due = options.mode === 'plan' ? null : snapshotsDue(setup, discovery, ctx);
  if (!due) return false;
  const taken = createSnapshots(
    {
      connection: options.sourceConnection,
      ...due,
      namingSchema: snapshotSchema(options),
      timeZone: options.timeZone,
      allowEmpty: true,
      properties: {},
      hooks: { before: '', after: '', timeout: 60 },
      retention: null,
    },
    () => setup.source,
    // The payload of a failure is the replication's result, not the snapshots'.
    { ...ctx, now: () => begun ?? ctx.now(), partial: () => undefined },
  );
  await taken.catch((thrown: unknown) => {
    if (begun === null || toZfsFlowError(thrown).code !== 'SNAPSHOT_EXISTS') throw thrown;
  });
  return true;
}
