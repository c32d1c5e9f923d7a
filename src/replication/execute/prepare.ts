// Carries out what a plan does to a target before anything is sent to it: discarding a partial receive, rollback
// (`rollback.ts`), and (in `displace.ts`) setting aside, cloning back and renaming.
import { abortReceive } from '../../zfs/receive';
import { cloneBack, promote, renameTarget, setAside } from './displace';
import type { PrepareStep } from '../plan/plan-types';
import type { Preparation } from './preparation';
import { rollBack } from './rollback';

/** One step. Throws the classified error of the command that failed. */
export async function runPrepare(preparation: Preparation, step: PrepareStep): Promise<void> {
  const { run, plan } = preparation;
  const { target, ctx } = run;
  switch (step.do) {
    case 'abortReceive':
      ctx.emit({ event: 'warning', level: 'warn', dataset: plan.source, message: `${plan.target}: ${step.why}` });
      await abortReceive(target, plan.target, ctx.signal);
      return;
    case 'rollback':
      await rollBack(preparation, step);
      return;
    case 'setAside':
      await setAside(preparation, step);
      return;
    case 'cloneBack':
      await cloneBack(preparation, step);
      return;
    case 'promote':
      await promote(preparation);
      return;
    case 'rename':
      await renameTarget(preparation, step.from, step.why);
      return;
    default:
      step satisfies never;
  }
}
