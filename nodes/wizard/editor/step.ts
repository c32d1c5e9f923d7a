// What a step of the wizard is, and what it is given.
import type { StepName } from './step-list';
import type { Form } from './form';
import type { Machines } from './machines';
import type { Store } from './store';

/** Why one cannot go on, at the field that it is about. */
export interface Complaint {
  field: string;
  text: string;
}

export interface Stage {
  readonly store: Store;
  readonly machines: Machines;
  /** The wizard is closed. */
  readonly closed: AbortSignal;
  /** Shows another step. */
  go(step: StepName): void;
  /** A set-up has the lead: its buttons go on and back, the wizard's would only be in the way. */
  lead(leads: boolean): void;
}

export interface Step {
  readonly form: Form;
  /** Beside what src/wizard finds wrong. */
  complaints?(): Complaint[];
  /** It is in the page now. */
  shown?(): void;
  /** The wizard closes; what waits on the server for these new machines is kept. */
  dispose?(kept: readonly string[]): void;
}
