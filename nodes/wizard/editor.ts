// The wizard "Replicate…" (design/face.md §6), loaded when somebody opens it for the first time (`editor/stub.ts`). What the
// answers mean, what is wrong with them and which nodes come of them is src/wizard.
import { Wizard } from './editor/wizard';

export function openWizard(): void {
  new Wizard().open();
}
