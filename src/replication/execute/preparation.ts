// What the steps before a dataset's sends are given, and what they leave to be done after them.
import type { DatasetPlan, PrepareStep } from '../plan/plan-types';
import type { Run } from '../setup/run';

export interface Preparation {
  run: Run;
  plan: DatasetPlan;
  /** What did not go as it should, without being a failure. */
  warn: (warnings: readonly string[]) => void;
  /** Commands to run on the target once everything was sent; steps add to it. */
  afterwards: string[][];
}

export type Step<Kind extends PrepareStep['do']> = Extract<PrepareStep, { do: Kind }>;
