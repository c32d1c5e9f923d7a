// What ZFS could not do in a transfer that succeeded all the same: properties that a receive could not set (`zfs/refused.ts`), and
// whatever else either side says beside exit code 0. For the warnings of a run.
import type { TransferResult } from '../../stream/transfer';
import type { ReceiveRequest } from '../../zfs/receive';
import { readRefused, refusedWarnings, type Refused } from '../../zfs/refused';
import { userName } from '../../zfs/rights';
import { voicesOf } from '../../zfs/stderr';
import type { Run } from '../setup/run';

export class RefusedProperties {
  private readonly found: Refused[] = [];
  private readonly others = new Set<string>();

  /** What was to be left as it is (`-x`) loses nothing when that is refused: the stream's value is not taken either. */
  constructor(private readonly request: Pick<ReceiveRequest, 'exclude'>) {}

  /** Takes each line of the receiver, of whose last words alone the result has so many. */
  readonly line = (text: string): void => {
    const refused = readRefused(text);
    if (refused === null) for (const said of voicesOf(text).zfs) this.others.add(said);
    else if (!this.request.exclude.includes(refused.property)) this.found.push(refused);
  };

  /** A warning for each reason and set of properties, and for each other statement. */
  async warnings({ source, target, ctx }: Run, { stages }: TransferResult): Promise<string[]> {
    const sender = new Set(voicesOf(stages[0]?.stderr ?? '').zfs);
    const told = [
      ...[...sender].map((said) => `zfs send on ${source.label} says: ${said}`),
      ...[...this.others].map((said) => `zfs receive on ${target.label} says: ${said}`),
    ];
    if (this.found.length === 0) return told;
    return [...refusedWarnings(this.found, target.label, await userName(target, ctx.signal)), ...told];
  }
}
