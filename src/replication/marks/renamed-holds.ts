// Holds that were to be released by the names that a listing had told, and did not have them any more: the snapshot was
// destroyed, or somebody has renamed it or its dataset. A hold that stays on it would stay for ever, since nothing else of
// a run that ended tells of it; so what is renamed is looked for by its GUID.
import type { ZfsFlowError } from '../../base/errors';
import { toZfsFlowError } from '../../base/errors';
import { groupBy } from '../../base/group-by';
import type { Host } from '../../host/host';
import { releaseSnapshots, type OnGone } from '../../zfs/hold';
import { eachSnapshot } from '../../zfs/list';
import { poolOf } from '../../zfs/names';
import type { SnapshotRecord } from '../../zfs/records';

/** It may be renamed again meanwhile; who does that all the time is not caught up with. */
const MOST_LOOKS = 3;

interface Gone {
  tag: string;
  guid: string;
  name: string;
}

export class RenamedHolds {
  private gone: Gone[] = [];
  private readonly guids: ReadonlyMap<string, string>;

  /** `records`: all that may be released, as they were listed. */
  constructor(
    private readonly host: Host,
    records: readonly Pick<SnapshotRecord, 'dataset' | 'name' | 'guid' | 'kind'>[],
  ) {
    const snapshots = records.filter(({ kind }) => kind === 'snapshot');
    this.guids = new Map(snapshots.map(({ dataset, name, guid }) => [`${dataset}@${name}`, guid]));
  }

  /** For what releases `tag`. */
  noting(tag: string): OnGone {
    return (snapshots) => {
      for (const name of snapshots) {
        const guid = this.guids.get(name);
        if (guid !== undefined) this.gone.push({ tag, guid, name });
      }
    };
  }

  /** Releases what has another name by now. Returns the errors. */
  async release(signal: AbortSignal): Promise<ZfsFlowError[]> {
    const errors: ZfsFlowError[] = [];
    for (let look = 0; look < MOST_LOOKS && this.gone.length > 0; look++) {
      const gone = this.gone;
      this.gone = [];
      try {
        const names = await this.namesOf(gone, signal);
        const renamed = gone.flatMap(({ tag, guid, name }) => {
          const now = (names.get(guid) ?? []).filter((other) => other !== name);
          return now.map((other) => ({ tag, guid, name: other }));
        });
        for (const [tag, ones] of groupBy(renamed, (one) => one.tag)) {
          const again: OnGone = (missed) => this.gone.push(...ones.filter(({ name }) => missed.includes(name)));
          errors.push(
            ...(await releaseSnapshots(
              this.host,
              tag,
              ones.map(({ name }) => name),
              signal,
              again,
            )),
          );
        }
      } catch (thrown) {
        errors.push(toZfsFlowError(thrown));
      }
    }
    return errors;
  }

  /** Full names by GUID, anywhere in the pools: a dataset may have moved. */
  private async namesOf(gone: readonly Gone[], signal: AbortSignal): Promise<Map<string, string[]>> {
    const roots = [...new Set(gone.map(({ name }) => poolOf(name)))];
    const wanted = new Set(gone.map(({ guid }) => guid));
    const names = new Map<string, string[]>();
    await eachSnapshot(
      this.host,
      { roots, recursive: true, kinds: ['snapshot'], signal },
      ({ dataset, name, guid }) => {
        if (wanted.has(guid)) names.set(guid, [...(names.get(guid) ?? []), `${dataset}@${name}`]);
      },
    );
    return names;
  }
}
