// What follows from the plan of one dataset (pure), for those who protect, carry out, verify and report it.
import type { DatasetPlan } from './plan-types';

type Named = { name: string; guid: string };
type Sends = Pick<DatasetPlan, 'resume' | 'steps'>;

/** Something is sent. */
export function sends({ resume, steps }: Sends): boolean {
  return resume !== null || steps.length > 0;
}

/** What the sends deliver, oldest first, by name on the source. */
export function deliveries({ resume, steps }: Sends): Named[] {
  return [...(resume ? [resume.to] : []), ...steps.flatMap(({ snapshots }) => snapshots)];
}

/** The snapshots that a dataset's sends begin at and deliver, by name on the source. */
export function sentSnapshots(plan: DatasetPlan): Named[] {
  const { base } = plan;
  const begin = base?.kind === 'snapshot' ? [{ name: base.name, guid: base.guid }] : [];
  return [...begin, ...deliveries(plan)];
}

/** The snapshot that the target must have as its newest when the plan has been carried out. */
export function expectedNewest({ base, resume, steps }: DatasetPlan): Named | null {
  return steps.at(-1)?.to ?? resume?.to ?? base;
}

/** It takes, or is about to take, the place of an old copy. */
export function replacesCopy({ action }: DatasetPlan): boolean {
  return action === 'rotate' || action === 'recreate';
}
