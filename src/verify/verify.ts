// A whole verification: what earlier drills have left goes, both sides are looked at, each target is judged, and those whose
// turn it is are opened. Nothing is ever written to a copy.
import { setMaxListeners } from 'node:events';
import type { RunContext } from '../base/run-context';
import { ZfsFlowError } from '../base/errors';
import type { HostResolver } from '../host/host';
import type { PairFacts } from '../replication/plan/target-state';
import type { Run } from '../replication/setup/run';
import { prepareRun } from '../replication/setup/setup';
import { poolOf } from '../zfs/names';
import { compareCreation, fullName, type SnapshotRecord } from '../zfs/records';
import { creationsOf, lookAtBoth } from './discover/look';
import { drill, type DrillTask } from './execute/drill';
import { clearLeftDrills } from './execute/leftovers';
import type { VerifiedDataset, VerifyOptions, VerifyResult } from './options';
import { ageProblem, judgePair, spanText, type Verdict } from './plan/judge';
import { nextTurn } from './plan/turn';

/** Whose turn it was last, of the datasets of which one is looked into in each run. */
export interface Turns {
  last(): string | undefined;
  took(target: string): void;
}

interface Judged {
  pair: PairFacts;
  verdict: Verdict;
  told: VerifiedDataset;
}

/** How many names a warning tells. */
const MOST_NAMES = 5;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  const shown = names.slice(0, MOST_NAMES).map((name) => `"${name}"`);
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

class Verification {
  constructor(
    private readonly run: Run,
    private readonly options: VerifyOptions,
    private readonly turns: Turns,
    private readonly result: VerifyResult,
  ) {}

  async verify(): Promise<void> {
    const { run, result } = this;
    await this.clear();
    const judged = await this.judge(await lookAtBoth(run, run.ctx));
    result.datasets = judged.map(({ told }) => told);
    this.warnOfEmptySelections(judged);
    if (this.options.drill !== 'none') await this.drill(judged);
    for (const { told } of judged) this.tell(told);
    result.problems = result.datasets.flatMap(({ problems }) => problems);
    result.ok = result.problems.length === 0;
  }

  private warn(message: string): void {
    this.result.warnings.push(message);
    this.run.ctx.emit({ event: 'warning', level: 'warn', message });
  }

  private async clear(): Promise<void> {
    const { source, target, options, ctx } = this.run;
    const pools = [
      ...options.sourceDatasets.map((name) => ({ host: source, pool: poolOf(name) })),
      { host: target, pool: poolOf(options.targetDataset) },
    ];
    const once = new Map(pools.map((place) => [`${place.host.id} ${place.pool}`, place]));
    for (const { host, pool } of once.values()) await clearLeftDrills(host, pool, ctx, (text) => this.warn(text));
  }

  private async judge(pairs: readonly PairFacts[]): Promise<Judged[]> {
    const { target, ctx } = this.run;
    const verdicts = pairs.map((pair) => ({ pair, verdict: judgePair(pair) }));
    const newest = verdicts.flatMap(({ verdict }) => (verdict.newestCommon ? [fullName(verdict.newestCommon)] : []));
    const creations = await creationsOf(target, newest, ctx.signal);
    const now = Math.floor(ctx.now().getTime() / 1000);
    return verdicts.map(({ pair, verdict }): Judged => {
      const { newestCommon: common, state, missing, extra } = verdict;
      const creation = common === null ? 0 : (creations.get(fullName(common)) ?? 0);
      const ageSeconds = common === null ? null : Math.max(0, now - creation);
      const old = common === null ? [] : ageProblem(pair.target, common.name, ageSeconds ?? 0, this.options.maxAge);
      const newestCommon =
        common === null
          ? null
          : { name: common.name, guid: common.guid, creation: new Date(creation * 1000).toISOString() };
      const problems = [...verdict.problems, ...old];
      const told = { source: pair.source.name, target: pair.target, state, newestCommon, ageSeconds, missing, extra };
      return { pair, verdict, told: { ...told, problems } };
    });
  }

  /** Where nothing has to be there, that all of it is there says nothing. */
  private warnOfEmptySelections(judged: readonly Judged[]): void {
    const none = judged.filter(({ pair: { wanted } }) => wanted.size === 0).map(({ pair }) => pair.source.name);
    if (none.length > 0) this.warn(`nothing has to be there, since no snapshot is selected of: ${listed(none)}`);
  }

  private async drill(judged: readonly Judged[]): Promise<void> {
    const { run, options, result } = this;
    for (const { pair, told, task } of this.drills(judged)) {
      const { drill: found, problems, warnings } = await drill(run, options, task);
      told.drill = found;
      told.problems.push(...problems);
      for (const warning of warnings) this.warn(`${pair.target}: ${warning}`);
      result.problems = result.datasets.flatMap((dataset) => dataset.problems);
    }
  }

  /** What is looked into in this run: what has a snapshot to look into, and whose key is loaded. */
  private drills(judged: readonly Judged[]): (Judged & { task: DrillTask })[] {
    const possible = judged.flatMap((one) => {
      const { pair, verdict } = one;
      return verdict.newestCommon === null ? [] : [{ ...one, task: this.taskFor(pair, verdict.newestCommon) }];
    });
    const locked = possible.filter(({ pair }) => pair.targetDataset?.keyStatus === 'unavailable');
    const open = possible.filter((one) => !locked.includes(one));
    if (locked.length > 0) {
      this.warn(`not looked into, since the key is not loaded: ${listed(locked.map(({ pair }) => pair.target))}`);
    }
    if (this.options.drillDatasets === 'all') return open;
    const names = open.map(({ pair }) => pair.target);
    const turn = nextTurn(names, this.turns.last(), Math.random());
    if (turn !== undefined) this.turns.took(turn);
    return open.filter(({ pair }) => pair.target === turn);
  }

  /** The newest common snapshot; to be compared, the newest that the source has not only a bookmark of. */
  private taskFor(pair: PairFacts, newest: SnapshotRecord): DrillTask {
    const opens = { pair, target: newest, source: null };
    if (this.options.drill === 'open') return opens;
    if (pair.source.keyStatus === 'unavailable') {
      this.warn(`only opened, not compared, since the key of "${pair.source.name}" is not loaded: "${pair.target}"`);
      return opens;
    }
    const sources = new Map(
      pair.sourceRecords.filter(({ kind }) => kind === 'snapshot').map((record) => [record.guid, record]),
    );
    const target = pair.targetSnapshots.toSorted(compareCreation).findLast(({ guid }) => sources.has(guid));
    const source = target === undefined ? undefined : sources.get(target.guid);
    if (target !== undefined && source !== undefined) return { pair, target, source };
    this.warn(
      `only opened, not compared, since "${pair.source.name}" has no snapshot of it any more: "${pair.target}"`,
    );
    return opens;
  }

  private tell({ source, target, state, newestCommon, ageSeconds, problems, drill: done }: VerifiedDataset): void {
    const age = newestCommon === null ? '' : `, newest common @${newestCommon.name}, ${spanText(ageSeconds ?? 0)} old`;
    const drilled = done === undefined ? '' : `, drill ${done.ok ? 'passed' : 'failed'}`;
    const message = [`${source} → ${target}: ${state}${age}${drilled}`, ...problems].join('; ');
    const level = problems.length === 0 ? 'info' : 'warn';
    this.run.ctx.emit({ event: 'dataset', level, message, dataset: target, source, state, problems });
  }
}

function failed({ problems, datasets }: VerifyResult, host: string): ZfsFlowError {
  const [first = '', ...others] = problems;
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  const dataset = datasets.find((one) => one.problems.length > 0)?.target;
  return new ZfsFlowError('VERIFICATION_FAILED', `${first}${more}`, {
    host,
    hint: 'The result (payload) tells every problem of every dataset.',
    ...(dataset === undefined ? {} : { dataset }),
  });
}

/** Of callers that remember nothing. */
const NO_TURNS: Turns = { last: () => undefined, took: () => undefined };

/**
 * Resolves when all is well. Throws VERIFICATION_FAILED when not, DATASET_NOT_FOUND for a source, and what keeps the machines from
 * being asked; the result as far as it got has been given to `ctx.partial`.
 */
export async function verify(
  options: VerifyOptions,
  hosts: HostResolver,
  ctx: RunContext,
  turns: Turns = NO_TURNS,
): Promise<VerifyResult> {
  // Every command that runs at the same time listens to it; Node warns of more than ten as of a leak.
  setMaxListeners(0, ctx.signal);
  const result: VerifyResult = { jobId: ctx.jobId, ok: false, datasets: [], problems: [], warnings: [] };
  ctx.partial(result);
  const run: Run = { ...(await prepareRun(options.replication, hosts, ctx)), ctx };
  try {
    await new Verification(run, options, turns, result).verify();
  } catch (thrown) {
    if (!ctx.signal.aborted) throw thrown;
    throw new ZfsFlowError('CANCELLED', 'the verification was cancelled', { cause: thrown });
  }
  if (!result.ok) throw failed(result, run.target.label);
  return result;
}
