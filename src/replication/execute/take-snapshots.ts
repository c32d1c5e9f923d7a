// `createSnapshot`: a snapshot on the source before it is replicated, always or where none is selected yet.
import { toZfsFlowError } from '../../base/errors';
import { formatSnapshotName, parseNamingSchema } from '../../naming/schema';
import { createSnapshots } from '../../snapshots/create';
import type { Discovery } from '../discover/discover';
import type { Run } from '../setup/run';
import { snapshotSchema } from '../setup/selection';

/** A snapshot taken now would not be among those that are sent, so taking one at each run would only litter the source. */
function wouldBeSelected({ options, selection, ctx }: Run): boolean {
  const name = formatSnapshotName(parseNamingSchema(snapshotSchema(options)), ctx.now(), options.timeZone);
  const creation = Math.floor(ctx.now().getTime() / 1000);
  return selection.wants({ dataset: '', kind: 'snapshot', name, guid: '0', createtxg: '0', creation });
}

interface SnapshotsDue {
  datasets: string[];
  /** With everything below them. */
  recursive: boolean;
  exclude: readonly string[];
}

/** Which datasets get a snapshot first; null for none. */
function snapshotsDue(run: Run, discovery: Discovery): SnapshotsDue | null {
  const { options } = run;
  if (options.createSnapshot === 'never') return null;
  if (options.createSnapshot === 'always') {
    const present = options.sourceDatasets.filter((name) => !discovery.missingSources.includes(name));
    return { datasets: present, recursive: options.recursive, exclude: options.exclude };
  }
  const lacking = discovery.pairs.filter(({ wanted }) => wanted.size === 0).map(({ source }) => source.name);
  return lacking.length === 0 || !wouldBeSelected(run) ? null : { datasets: lacking, recursive: false, exclude: [] };
}

/** For a plan: that snapshots would be taken, which no listing can show. */
export function announceSnapshots(run: Run, discovery: Discovery): string[] {
  const due = snapshotsDue(run, discovery);
  if (!due) return [];
  const shown = due.datasets.slice(0, 5).join('", "');
  const more = due.datasets.length > 5 ? ` and ${due.datasets.length - 5} more` : '';
  const below = due.recursive ? ', with everything below' : '';
  return [`a snapshot of "${shown}"${more}${below} would be taken first, and sent too (createSnapshot)`];
}

/** Takes the snapshots of `createSnapshot`, once in a run, however many attempts that needs. */
export class SnapshotTaker {
  /** When an attempt began to take them: if it was cut off, they may be there, under the names of that time. */
  private begun: Date | null = null;
  private isDone = false;

  /** True when it took some, so that the source has to be listed again. */
  async take(run: Run, discovery: Discovery): Promise<boolean> {
    if (this.isDone) return false;
    const isRepeated = this.begun !== null;
    this.begun ??= run.ctx.now();
    const due = snapshotsDue(run, discovery);
    try {
      if (due) await takeAll(run, due, this.begun);
    } catch (thrown) {
      if (!isRepeated || toZfsFlowError(thrown).code !== 'SNAPSHOT_EXISTS') throw thrown;
    }
    this.isDone = true;
    return due !== null;
  }
}

async function takeAll({ options, source, ctx }: Run, due: SnapshotsDue, at: Date): Promise<void> {
  await createSnapshots(
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
    () => source,
    // The payload of a failure is the replication's result, not the snapshots'.
    { ...ctx, now: () => at, partial: () => undefined },
  );
}
