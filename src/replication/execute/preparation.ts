// What the steps before a dataset's sends are given, and what they leave to be done after them.
import type { RunContext } from '../../base/run-context';
import type { DatasetPlan, PrepareStep } from '../plan/plan-types';
import type { Setup } from '../setup/setup';

export interface Preparation {
  setup: Setup;
  plan: DatasetPlan;
  ctx: RunContext;
  /** What did not go as it should, without being a failure. */
  warn: (warnings: readonly string[]) => void;
  /** Commands to run on the target once everything was sent; steps add to it. */
  afterwards: string[][];
}

export type Step<Kind extends PrepareStep['do']> = Extract<PrepareStep, { do: Kind }>;
