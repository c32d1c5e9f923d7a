// A receive with -F takes the place of whatever is in its target. That there is nothing was seen when the run was planned, which
// may be hours ago when a dataset's turn comes.
import { ZfsFlowError } from '../../base/errors';
import { lookInside } from '../discover/empty-targets';
import type { DatasetWork } from './dataset-work';

/**
 * Throws TARGET_HAS_DATA where the target that will be overwritten is not empty, or cannot be seen to be, any more;
 * DATASET_NOT_FOUND where it is gone or is another one. Either way the run looks again.
 */
export async function requireEmpty({ run, plan, pair }: Pick<DatasetWork, 'run' | 'plan' | 'pair'>): Promise<void> {
  const { target, ctx } = run;
  // Discarding a first partial receive may have removed its dataset.
  const mayBeGone = plan.prepare.some((step) => step.do === 'abortReceive');
  try {
    const inside = await lookInside(run, [pair], ctx);
    if (inside.get(pair.target)?.isEmpty === true) return;
  } catch (thrown) {
    if (mayBeGone && thrown instanceof ZfsFlowError && thrown.code === 'DATASET_NOT_FOUND') return;
    throw thrown;
  }
  throw new ZfsFlowError(
    'TARGET_HAS_DATA',
    `"${plan.target}" was empty when the run was planned, and is not any more`,
    {
      dataset: plan.source,
      host: target.label,
    },
  );
}
