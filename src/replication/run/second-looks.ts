// How often a run looks again because others have changed what it was planned for. Each look that shows something new is
// worth another attempt; where the same is seen again and again and fails again, looking does not help.
import { createHash } from 'node:crypto';
import { AttemptFailure } from '../execute/attempt-failure';
import type { PairInput } from '../plan/plan-types';

/** Attempts at once on one sight of a dataset; after that it is a failure like any other. */
const MOST_ON_ONE_SIGHT = 2;
/** Attempts at once for one dataset in a run: somebody who changes it all the time is not outrun. */
const MOST = 25;

/** What is there of a dataset, as far as a plan goes by it. */
function sightOf({ source, sourceRecords, target, targetDataset, targetSnapshots }: PairInput): string {
  const there = targetDataset && [targetDataset.guid, targetDataset.written, targetDataset.receiveResumeToken];
  const hash = createHash('sha1').update(JSON.stringify([source.guid, target, there]));
  for (const { kind, name, guid } of sourceRecords) hash.update(`${kind} ${name} ${guid}\n`);
  for (const { name, guid } of targetSnapshots) hash.update(`${name} ${guid}\n`);
  return hash.digest('hex');
}

interface Looks {
  sight: string;
  onThisSight: number;
  all: number;
}

export class SecondLooks {
  /** By source dataset; '' for what concerns no single one. */
  private readonly bySource = new Map<string, Looks>();

  /**
   * What a failure means once it is considered how often that was looked at: one of `lookAgain` that looking does not mend
   * waits like one of the network. `pair`: what the attempt went by; null where it concerns no single dataset.
   */
  judge(failure: AttemptFailure, pair: PairInput | null): AttemptFailure {
    if (failure.next !== 'lookAgain') return failure;
    const key = pair?.source.name ?? '';
    const sight = pair ? sightOf(pair) : '';
    const known = this.bySource.get(key);
    const onThisSight = known?.sight === sight ? known.onThisSight + 1 : 1;
    const all = (known?.all ?? 0) + 1;
    this.bySource.set(key, { sight, onThisSight, all });
    return onThisSight > MOST_ON_ONE_SIGHT || all > MOST ? new AttemptFailure(failure.error, 'wait') : failure;
  }

  /** The targets have come further: nothing is counted against what is tried from there. */
  movedOn(): void {
    this.bySource.clear();
  }
}
