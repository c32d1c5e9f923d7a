// Runtime half of zfs-retention-prune: hands messages to the engine's retention/prune.ts. A plan to approve is the
// message's payload.
import type { PruneOptions, PruneResult } from '../../src/retention/options';
import { engine } from '../runtime/engine';
import { registerEndpoints } from '../admin/endpoints';
import type { Red } from '../runtime/red';
import type { TaskDefinition } from '../runtime/task-definition';
import { registerTask } from '../runtime/task-node';

const retention: TaskDefinition<PruneOptions, PruneResult> = {
  type: 'zfs-retention-prune',
  parse: (values, { msg }) => engine.retention().parsePruneOptions({ ...values, approved: msg.payload }),
  uses: (options) => engine.retention().pruneUses(options),
  run: (options, hosts, ctx) => engine.retention().prune(options, hosts, ctx),
  summary({ mode, destroy, destroyed }, t) {
    return mode === 'plan' ? t('wouldDelete', { count: destroy.length }) : t('deleted', { count: destroyed.length });
  },
};

export = (RED: Red): void => {
  registerEndpoints(RED);
  registerTask(RED, retention);
};
