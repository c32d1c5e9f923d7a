// Runtime half of zfs-snapshot: hands messages to the engine's snapshots/create.ts. What a property means is said there.
import { SkipRun } from '../../src/jobs/job';
import type { SnapshotOptions, SnapshotResult } from '../../src/snapshots/options';
import { engine } from '../runtime/engine';
import { registerEndpoints } from '../admin/endpoints';
import type { Red } from '../runtime/red';
import type { TaskDefinition } from '../runtime/task-definition';
import { registerTask } from '../runtime/task-node';

const snapshot: TaskDefinition<SnapshotOptions, SnapshotResult> = {
  type: 'zfs-snapshot',
  parse: (values) => engine.snapshots().parseSnapshotOptions(values),
  uses: (options) => engine.snapshots().snapshotUses(options),
  async run(options, hosts, ctx, { scheduledAt }) {
    try {
      return await engine.snapshots().createSnapshots(options, hosts, ctx);
    } catch (thrown) {
      if (scheduledAt === undefined || !engine.snapshots().isRepeatedHour(thrown)) throw thrown;
      throw new SkipRun(`repeated hour: ${thrown.message}; %z in the schema or the zone UTC avoids it`);
    }
  },
  // The hook "after" thaws what "before" froze.
  cleansUp: true,
  summary: ({ snapshots }, t) => t('taken', { count: snapshots.length }),
};

export = (RED: Red): void => {
  registerEndpoints(RED);
  registerTask(RED, snapshot);
};
