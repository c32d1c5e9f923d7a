// How many snapshots of each source are there, how many of them would be replicated, and what happens when there are none.
import { takesSnapshots, type Answers } from '../../../src/wizard/answers';
import { type Form, make } from './form';
import type { Stage } from './step';

export function snapshotCounts(_form: Form, _stage: Stage, _parent: JQuery): void {
  void takesSnapshots;
  void make;
}
export type { Answers };
