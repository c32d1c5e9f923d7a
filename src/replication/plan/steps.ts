// The fewest `zfs send -i`/`-I` that deliver exactly the wanted snapshots (pure).
//
// After the base, the source's snapshots are a row of wanted and unwanted ones. `-I a b` delivers everything after a up
// to b, so it can only cover a run of neighbours that are all wanted and must start at the snapshot right before the
// run. After a gap of unwanted ones a run therefore costs one `-i` over the gap to its first snapshot and, when it is
// longer than one, one `-I` for the rest; a run that begins right at the base costs a single `-I` (or `-i`). Nothing
// cheaper delivers exactly the wanted set. `-I` cannot start at a bookmark (openzfs issue 12415), and the first send
// after a resumed one is a single `-i`.
import type { SendStep } from '../../zfs/send';
import type { SnapshotRecord } from '../../zfs/records';

export interface StepInput {
  /** Source dataset. */
  dataset: string;
  /** What both sides have, by its name on the source; null for a first copy. */
  base: Pick<SnapshotRecord, 'kind' | 'name' | 'guid'> | null;
  /** All source snapshots created after the base, in creation order; no bookmarks. */
  later: readonly Pick<SnapshotRecord, 'name' | 'guid'>[];
  wanted: ReadonlySet<string>;
  /** The base has just been completed from a resume token. */
  afterResume: boolean;
}

type Item = Pick<SnapshotRecord, 'name' | 'guid'>;

/** Runs of neighbouring wanted snapshots with the index at which each begins. */
function wantedRuns(later: readonly Item[], wanted: ReadonlySet<string>): { start: number; items: Item[] }[] {
  const runs: { start: number; items: Item[] }[] = [];
  later.forEach((item, index) => {
    if (!wanted.has(item.guid)) return;
    const last = runs.at(-1);
    if (last && last.start + last.items.length === index) last.items.push(item);
    else runs.push({ start: index, items: [item] });
  });
  return runs;
}

/** See the head of this file. The steps in the order in which they must be sent. */
export function planSteps({ dataset, base, later, wanted, afterResume }: StepInput): SendStep[] {
  const steps: SendStep[] = [];
  let from: SendStep['from'] = base === null ? null : { kind: base.kind, name: base.name, guid: base.guid };
  let sentTo = -1;
  const send = (items: readonly Item[]): void => {
    const to = items.at(-1);
    if (!to) return;
    const snapshots = items.map(({ name, guid }) => ({ name, guid }));
    const index = later.findIndex(({ guid }) => guid === to.guid);
    const spans = later.slice(sentTo + 1, index + 1).map(({ name }) => name);
    sentTo = index;
    steps.push({
      dataset,
      from,
      to: { name: to.name, guid: to.guid },
      intermediates: from !== null && items.length > 1,
      snapshots,
      spans,
    });
    from = { kind: 'snapshot', name: to.name, guid: to.guid };
  };
  for (const { start, items } of wantedRuns(later, wanted)) {
    const adjacent = start === 0 && from?.kind === 'snapshot' && !afterResume;
    const isNextToBase = steps.length === 0 && adjacent;
    if (isNextToBase || items.length === 1) send(items);
    else {
      send(items.slice(0, 1));
      send(items.slice(1));
    }
  }
  return steps;
}
