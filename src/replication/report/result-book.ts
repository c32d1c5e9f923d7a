// The result object of a run, filled as it goes: what output 1 carries in the end and output 3 as far as it got.
import type { ZfsFlowError } from '../../base/errors';
import type { DataPath, WireTransport } from '../../stream/wire/wire-plan';
import type { DatasetAction, DatasetResult, ReplicationResult } from '../setup/options';
import type { DatasetPlan, PairInput } from '../plan/plan-types';

/** From the least to the most far-reaching; a dataset's action is the furthest of what was done to it in this run. */
const REACH: readonly DatasetAction[] = [
  'skip',
  'current',
  'incremental',
  'full',
  'resume',
  'rollback',
  'rotate',
  'recreate',
];

export function furthest(a: DatasetAction, b: DatasetAction): DatasetAction {
  return REACH.indexOf(a) >= REACH.indexOf(b) ? a : b;
}

/** A result without any datasets yet. */
export function emptyResult(
  jobId: string,
  name: string,
  startedAt: Date,
  transport: ReplicationResult['transport'],
): ReplicationResult {
  return {
    jobId,
    name,
    state: 'failed',
    startedAt: startedAt.toISOString(),
    durationMs: 0,
    transport,
    bytes: 0,
    snapshots: 0,
    datasets: [],
    warnings: [],
  };
}

export class ResultBook {
  private readonly bySource = new Map<string, DatasetResult>();
  /** GUIDs of source datasets, by the names that they had. */
  private readonly guids = new Map<string, string>();
  /** Why the last attempt did not come to a dataset: nothing that is true after the next one. */
  private readonly reasons = new Map<DatasetResult, string>();
  /** What was sent and has not been seen on the target yet: GUID to name, by source dataset. */
  private readonly sent = new Map<string, Map<string, string>>();

  constructor(readonly result: ReplicationResult) {}

  /** The entry of a dataset, made at its first mention; attempts of one run share it. */
  entry(source: string, target: string): DatasetResult {
    let entry = this.bySource.get(source);
    if (!entry) {
      entry = {
        source,
        target,
        action: 'skip',
        base: null,
        snapshots: [],
        bytes: 0,
        estimatedBytes: 0,
        durationMs: 0,
        warnings: [],
      };
      this.bySource.set(source, entry);
      this.result.datasets.push(entry);
    }
    return entry;
  }

  /** Notes what a plan is about to do. The base of the first attempt is the one reported. */
  planned(plan: DatasetPlan, estimatedBytes: number): DatasetResult {
    const known = this.bySource.has(plan.source);
    const entry = this.entry(plan.source, plan.target);
    if (!known) entry.base = plan.base;
    // What an earlier attempt sent, and what is left now.
    entry.estimatedBytes = entry.bytes + estimatedBytes;
    delete entry.error;
    this.reasons.delete(entry);
    this.warn(entry, plan.warnings);
    return entry;
  }

  warn(entry: DatasetResult, warnings: readonly string[]): void {
    for (const warning of warnings) if (!entry.warnings.includes(warning)) entry.warnings.push(warning);
  }

  warnRun(warnings: readonly string[]): void {
    for (const warning of warnings) if (!this.result.warnings.includes(warning)) this.result.warnings.push(warning);
  }

  addBytes(entry: DatasetResult, bytes: number): void {
    entry.bytes += bytes;
    this.result.bytes += bytes;
  }

  /** A stream has a TCP connection of its own. */
  wentOver(transport: WireTransport, path: DataPath): void {
    this.result.transport = transport;
    this.result.dataPath = path;
  }

  /** The same for the datasets that it brings. */
  pathOf(entries: readonly DatasetResult[], path: DataPath): void {
    for (const entry of entries) {
      entry.transport = path.protocol === undefined ? 'ssh+netcat' : 'ssh+tls';
      entry.dataPath = path;
    }
  }

  /** Notes what a stream is about to bring: it counts once it was seen on the target, whatever became of the stream. */
  sending(source: string, snapshots: readonly { name: string; guid: string }[]): void {
    const names = this.sent.get(source) ?? new Map<string, string>();
    for (const { name, guid } of snapshots) names.set(guid, name);
    this.sent.set(source, names);
  }

  /** Counts what was sent of a dataset and is among these GUIDs of its target. */
  seenOn(source: string, guids: ReadonlySet<string>): void {
    const entry = this.bySource.get(source);
    const sent = this.sent.get(source);
    if (!entry || !sent) return;
    for (const [guid, name] of sent) {
      if (!guids.has(guid)) continue;
      sent.delete(guid);
      entry.snapshots.push(name);
      this.result.snapshots++;
    }
  }

  /** The same for all of a new listing; what is not there now has not arrived. */
  seen(pairs: readonly Pick<PairInput, 'source' | 'targetSnapshots'>[]): void {
    for (const { source, targetSnapshots } of pairs) {
      this.seenOn(source.name, new Set(targetSnapshots.map(({ guid }) => guid)));
    }
    this.sent.clear();
  }

  /** Names of what was sent and not seen yet, by target dataset. */
  unseen(): Map<string, string[]> {
    const entries = [...this.sent].flatMap(([source, names]): [string, string[]][] => {
      const entry = this.bySource.get(source);
      return entry && names.size > 0 ? [[entry.target, [...names.values()]]] : [];
    });
    return new Map(entries);
  }

  /**
   * Looks for the datasets of earlier attempts among the sources of a new listing (GUID by name); `known` are those whose end
   * is told already. One that is somewhere else now is replicated from there. Returns those that were destroyed.
   */
  gone(sources: ReadonlyMap<string, string>, known: ReadonlySet<string>): string[] {
    const places = new Map([...sources].map(([name, guid]) => [guid, name]));
    const destroyed: string[] = [];
    for (const [source, entry] of this.bySource) {
      if (sources.has(source) || known.has(source)) continue;
      delete entry.error;
      this.reasons.delete(entry);
      if (entry.snapshots.length === 0) entry.action = 'skip';
      const place = places.get(this.guids.get(source) ?? '');
      if (place === undefined) destroyed.push(source);
      else this.warn(entry, [`"${source}" was renamed to "${place}" while the run went on`]);
    }
    for (const [name, guid] of sources) this.guids.set(name, guid);
    return destroyed;
  }

  leftOut(entry: DatasetResult, why: string): void {
    this.reasons.set(entry, why);
  }

  /** Neither failed nor left out, and something was done or nothing had to be. */
  isFine(entry: DatasetResult): boolean {
    return !entry.error && entry.action !== 'skip' && !this.reasons.has(entry);
  }

  /** What was left out to the end is said now. */
  end(): void {
    for (const [entry, why] of this.reasons) this.warn(entry, [why]);
  }

  failed(entry: DatasetResult, error: ZfsFlowError): void {
    const { code, message, hint } = error;
    entry.error = { code, message, ...(hint === undefined ? {} : { hint }) };
  }
}
