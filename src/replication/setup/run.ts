// What everything that is done within a run may see: between whom and with which options (`setup.ts`), and on whose behalf.
// What plans sees neither.
import type { RunContext } from '../../base/run-context';
import type { Setup } from './setup';

export interface Run extends Setup {
  readonly ctx: RunContext;
}
