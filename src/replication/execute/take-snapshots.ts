// `createSnapshot`: a snapshot on the source before it is replicated, always or where none is selected yet. One of that name
// that is there already, because another task took it in the same minute, is used; one that would not be selected is not
// taken: at each run it would only litter the source.
import { invalidOption, toZfsFlowError } from '../../base/errors';
import { isRepeatedName, parseNamingSchema } from '../../naming/schema';
import { createSnapshots } from '../../snapshots/create';
import { listNamedSnapshots } from '../../zfs/list';
import { isWithin } from '../../zfs/records';
import type { Discovery } from '../discover/discover';
import type { Run } from '../setup/run';
import { newSnapshotName, selectsNew, snapshotSchema } from '../setup/selection';
import { AttemptFailure } from './attempt-failure';

/** Of a snapshot taken at this time. */
const nameAt = ({ options }: Run, at: Date): string => newSnapshotName(options, at);

const wouldBeSelected = ({ options, selection }: Run, at: Date): boolean => selectsNew(selection, options, at);

/** `always` and a selection that leaves out what is taken contradict each other. Throws INVALID_OPTIONS. */
function requireSelected(run: Run, at: Date): void {
  if (wouldBeSelected(run, at)) return;
  const message = `createSnapshot is "always", but @${nameAt(run, at)}, taken now, would not be among the snapshots that this node sends; none was taken`;
  const hint =
    'Let the selection match the first of namingSchemas, run it when the schedule matches, or choose "ifNone".';
  throw invalidOption('createSnapshot', message, hint);
}

interface SnapshotsDue {
  datasets: string[];
  /** With everything below them. */
  recursive: boolean;
  exclude: readonly string[];
}

/** Which datasets get a snapshot first; null for none. Throws INVALID_OPTIONS, see above. */
function snapshotsDue(run: Run, discovery: Discovery, at: Date): SnapshotsDue | null {
  const { options } = run;
  if (options.createSnapshot === 'never') return null;
  if (options.createSnapshot === 'always') {
    requireSelected(run, at);
    const present = options.sourceDatasets.filter((name) => !discovery.missingSources.includes(name));
    return { datasets: present, recursive: options.recursive, exclude: options.exclude };
  }
  const lacking = discovery.pairs.filter(({ wanted }) => wanted.size === 0).map(({ source }) => source.name);
  return lacking.length === 0 || !wouldBeSelected(run, at)
    ? null
    : { datasets: lacking, recursive: false, exclude: [] };
}

/** Snapshots that a run would take, for a plan. */
export interface FirstSnapshots {
  name: string;
  /** For a person; no listing can show them. */
  warnings: string[];
  /** It would be taken of this source dataset. */
  of(dataset: string): boolean;
}

/** Throws INVALID_OPTIONS, see above. */
export function firstSnapshots(run: Run, discovery: Discovery): FirstSnapshots {
  const at = run.ctx.now();
  const due = snapshotsDue(run, discovery, at);
  if (!due) return { name: '', warnings: [], of: () => false };
  const { datasets, recursive } = due;
  const shown = datasets.slice(0, 5).join('", "');
  const more = datasets.length > 5 ? ` and ${datasets.length - 5} more` : '';
  const below = recursive ? ', with everything below' : '';
  return {
    name: nameAt(run, at),
    warnings: [`a snapshot of "${shown}"${more}${below} would be taken first, and sent too`],
    of: (dataset) => datasets.some((root) => dataset === root || (recursive && isWithin(dataset, root))),
  };
}

/** Takes the snapshots of `createSnapshot`, once in a run, however many attempts that needs. */
export class SnapshotTaker {
  /** When an attempt began to take them: if it was cut off, they may be there, under the names of that time. */
  private begun: Date | null = null;
  private isDone = false;

  /** True when there are some now, so that the source has to be listed again. */
  async take(run: Run, discovery: Discovery): Promise<boolean> {
    if (this.isDone) return false;
    const isRepeated = this.begun !== null;
    this.begun ??= run.ctx.now();
    const due = snapshotsDue(run, discovery, this.begun);
    if (due) await takeWhatIsMissing({ run, due, discovery, at: this.begun, isRepeated });
    this.isDone = true;
    return due !== null;
  }
}

/** How often somebody else may take some of them at the very same time. */
const MOST_TRIES = 3;

interface Taking {
  run: Run;
  due: SnapshotsDue;
  discovery: Discovery;
  /** The time that the name tells. */
  at: Date;
  /** An attempt before this one may have taken them. */
  isRepeated: boolean;
}

/** All in one moment; where some of that name are there already, those are used and only the others are taken. */
async function takeWhatIsMissing(taking: Taking): Promise<void> {
  const { run, due, at } = taking;
  let lacking = due;
  for (let tries = 1; ; tries++) {
    try {
      await takeAll(run, lacking, at);
      return;
    } catch (thrown) {
      const error = toZfsFlowError(thrown);
      if (error.code !== 'SNAPSHOT_EXISTS' || tries >= MOST_TRIES) throw thrown;
      if (mayBeOfAnotherHour(taking)) throw new AttemptFailure(error, 'giveUp');
      const datasets = await datasetsWithout(taking);
      if (datasets.length === 0) return;
      lacking = { datasets, recursive: false, exclude: [] };
    }
  }
}

/** In the hour that the clock shows twice, what has the name may be an hour old. */
function mayBeOfAnotherHour({ run: { options }, at, isRepeated }: Taking): boolean {
  return !isRepeated && isRepeatedName(parseNamingSchema(snapshotSchema(options)), at, options.timeZone);
}

/** Those that do not have the snapshot yet. */
async function datasetsWithout({ run, due, discovery, at }: Taking): Promise<string[]> {
  const all = due.recursive ? discovery.pairs.map(({ source }) => source.name) : due.datasets;
  const names = new Map(all.map((dataset) => [dataset, [nameAt(run, at)]]));
  const there = await listNamedSnapshots(run.source, names, run.ctx.signal);
  const having = new Set(there.map(({ dataset }) => dataset));
  return all.filter((dataset) => !having.has(dataset));
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
