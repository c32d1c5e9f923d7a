// What a receive could not set although it succeeded (`zfs/refused.ts`), for the warnings of a run.
import type { ReceiveRequest } from '../../zfs/receive';
import { readRefused, refusedWarnings, type Refused } from '../../zfs/refused';
import { userName } from '../../zfs/rights';
import type { Run } from '../setup/run';

export class RefusedProperties {
  private readonly found: Refused[] = [];

  /** What was to be left as it is (`-x`) loses nothing when that is refused: the stream's value is not taken either. */
  constructor(private readonly request: Pick<ReceiveRequest, 'exclude'>) {}

  readonly line = (text: string): void => {
    const refused = readRefused(text);
    if (refused && !this.request.exclude.includes(refused.property)) this.found.push(refused);
  };

  /** A warning for each reason and set of properties. */
  async warnings({ target, ctx }: Run): Promise<string[]> {
    if (this.found.length === 0) return [];
    return refusedWarnings(this.found, target.label, await userName(target, ctx.signal));
  }
}
