// Runtime half of zfs-replicate: hands messages to the engine's replication/replicate.ts.
import { invalidOption } from '../../src/base/errors';
import type { ReplicateOptions, ReplicationResult } from '../../src/replication/setup/options';
import { readBoolean } from '../../src/options/read';
import { Secret } from '../../src/base/secret';
import { engine } from '../runtime/engine';
import { registerEndpoints } from '../admin/endpoints';
import type { Red } from '../runtime/red';
import type { TaskDefinition } from '../runtime/task-definition';
import { registerTask } from '../runtime/task-node';
import { sizeText } from '../runtime/status-text';

const replication: TaskDefinition<ReplicateOptions, ReplicationResult> = {
  type: 'zfs-replicate',
  parse(values, { dynamic }) {
    const options = engine.replication().parseReplicateOptions(values);
    const allowed = readBoolean(values, 'allowDestructiveFromMessage', false);
    const destructive = options.whenDiverged === 'rollback' || options.whenDiverged === 'recreate';
    // An MQTT payload or a webhook must not decide that data on the target goes, unless the node's author said it may.
    if (destructive && dynamic.has('whenDiverged') && !allowed) {
      throw invalidOption(
        'whenDiverged',
        `whenDiverged: "${options.whenDiverged}" may not be chosen by a message`,
        'allow it in the node (allowDestructiveFromMessage), or choose it there',
      );
    }
    return options;
  },
  uses: (options) => engine.replication().replicateUses(options),
  run(options, hosts, ctx, { credential }) {
    const key = credential('encryptionKey');
    return engine.replication().replicate(options, hosts, ctx, key === '' ? null : new Secret(key));
  },
  failed(partial, { code }, jobId) {
    const state = code === 'CANCELLED' ? 'cancelled' : code === 'PARTIAL_FAILURE' ? 'partial' : 'failed';
    return { ...(jobId === undefined ? {} : { jobId }), ...partial, state };
  },
  // A plan brings no backup.
  achieved: ({ state }) => state === 'success',
  summary({ state, snapshots, bytes }, t) {
    if (state === 'planned') return t('planned');
    return snapshots === 0 ? t('current') : t('sent', { count: snapshots, size: sizeText(bytes) });
  },
  protections: (options, hosts, ctx) => engine.replication().listMarks(options, hosts, ctx),
  release: (options, dstId, hosts, ctx) => engine.replication().releaseMarks(options, dstId, hosts, ctx),
};

export = (RED: Red): void => {
  registerEndpoints(RED);
  registerTask(RED, replication);
};
