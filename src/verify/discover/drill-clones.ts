// The clones of drills in a pool: what a crash has left, and what drills that go on are looking into. Reads only.
import { ZfsFlowError } from '../../base/errors';
import type { Host } from '../../host/host';
import { groupBy } from '../../base/group-by';
import { getProperties } from '../../zfs/get';
import { DRILL_OWNER_PROPERTY, DRILL_PROPERTY, isDrillClone } from '../../zfs/marks';

/** What says of a dataset that it is the clone of a drill, and which one. */
export interface CloneIdentity {
  name: string;
  guid: string;
  /** Value of `zfsflow:drill`, set on it itself. */
  jobId: string;
  /** Value of `zfsflow:drill-owner`, '' where there is none. */
  owner: string;
  type: 'filesystem' | 'volume';
  /** Full name of the snapshot that it is a clone of. */
  origin: string;
  /** Seconds since the epoch. */
  creation: number;
  /** Where it is, or would be, mounted. */
  mountpoint: string;
  mounted: boolean;
  /** Bytes that it has of its own, what ZFS notes of itself among them. */
  written: number;
  readonly: boolean;
}

const FACTS = ['guid', 'type', 'origin', 'creation', 'written', 'readonly', 'mounted', 'mountpoint'];

/** Those of these datasets that are clones with the mark of a drill on themselves and the name of one. What is gone is none. */
async function identify(
  host: Host,
  request: { of: readonly string[]; depth?: number },
  signal?: AbortSignal,
): Promise<CloneIdentity[]> {
  const properties = [DRILL_PROPERTY, DRILL_OWNER_PROPERTY];
  const kinds = request.depth === undefined ? {} : { types: ['filesystem', 'volume'] };
  const options = { signal, missingOk: true };
  const marks = await getProperties(host, { ...request, ...kinds, properties, sources: ['local'] }, options);
  const marked = [...groupBy(marks, ({ name }) => name)].flatMap(([name, own]) => {
    const value = (of: string): string => own.find(({ property }) => property === of)?.value ?? '';
    const jobId = value(DRILL_PROPERTY);
    const isChild = name.split('/').length === 2;
    return jobId !== '' && isChild && isDrillClone(name) ? [{ name, jobId, owner: value(DRILL_OWNER_PROPERTY) }] : [];
  });
  if (marked.length === 0) return [];
  const facts = await getProperties(host, { of: marked.map(({ name }) => name), properties: FACTS }, options);
  const byName = groupBy(facts, ({ name }) => name);
  return marked.flatMap((mark): CloneIdentity[] => {
    const own = byName.get(mark.name);
    const value = (of: string): string => own?.find(({ property }) => property === of)?.value ?? '-';
    const origin = value('origin');
    if (own === undefined || origin === '-') return [];
    // What it is, and whether somebody has written to it, decides what becomes of it: none of that is ever guessed.
    const unread = ['guid', 'creation', 'written'].find((property) => !/^\d+$/.test(value(property)));
    if (unread !== undefined) {
      const message = `ZFS on ${host.label} does not say what "${unread}" of "${mark.name}" is`;
      throw new ZfsFlowError('ZFS_ERROR', message, { host: host.label, dataset: mark.name });
    }
    return [
      {
        ...mark,
        guid: value('guid'),
        type: value('type') === 'volume' ? 'volume' : 'filesystem',
        origin,
        creation: Number(value('creation')),
        mountpoint: value('mountpoint'),
        mounted: value('mounted') === 'yes',
        written: Number(value('written')),
        readonly: value('readonly') === 'on',
      },
    ];
  });
}

/** All of a pool. Throws the classified error. */
export function drillClonesIn(host: Host, pool: string, signal?: AbortSignal): Promise<CloneIdentity[]> {
  return identify(host, { of: [pool], depth: 1 }, signal);
}

/** The one of this name; null where there is none, or none that is the clone of a drill. Throws the classified error. */
export async function drillClone(host: Host, name: string, signal?: AbortSignal): Promise<CloneIdentity | null> {
  return (await identify(host, { of: [name] }, signal))[0] ?? null;
}
