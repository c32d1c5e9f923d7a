// Runtime half of zfs-retention-prune: hands messages to the engine's retention/prune.ts. A plan to approve is the
// message's payload.
import type { PruneOptions, PruneResult } from '../../src/retention/options';
import { parsePruneOptions, pruneUses } from '../../src/retention/check-options';
import { prune } from '../../src/retention/prune';
import type { Red } from '../runtime/red';
import type { TaskDefinition } from '../runtime/task-definition';
import { registerTask } from '../runtime/task-node';

const retention: TaskDefinition<PruneOptions, PruneResult> = {
  type: 'zfs-retention-prune',
  parse: (values, { msg }) => parsePruneOptions({ ...values, approved: msg.payload }),
  uses: pruneUses,
  run: (options, hosts, ctx) => prune(options, hosts, ctx),
  summary({ mode, destroy, destroyed }, t) {
    return mode === 'plan' ? t('wouldDelete', { count: destroy.length }) : t('deleted', { count: destroyed.length });
  },
};

export = (RED: Red): void => registerTask(RED, retention);
