// Runtime half of zfs-replicate: hands messages to the engine's replication/replicate.ts.
import { invalidOption } from '../../src/base/errors';
import type { ReplicateOptions, ReplicationResult } from '../../src/replication/setup/options';
import { parseReplicateOptions, replicateUses } from '../../src/replication/setup/check-options';
import { listMarks, releaseMarks } from '../../src/replication/marks/list-marks';
import { replicate } from '../../src/replication/replicate';
import { Secret } from '../../src/base/secret';
import type { Red } from '../runtime/red';
import type { TaskDefinition } from '../runtime/task-definition';
import { registerTask } from '../runtime/task-node';
import { sizeText } from '../runtime/status-text';

const replication: TaskDefinition<ReplicateOptions, ReplicationResult> = {
  type: 'zfs-replicate',
  parse(values, { dynamic }) {
    const options = parseReplicateOptions(values);
    const destructive = options.whenDiverged === 'rollback' || options.whenDiverged === 'recreate';
    // An MQTT payload or a webhook must not decide that data on the target goes, unless the node's author said it may.
    if (destructive && dynamic.has('whenDiverged') && values['allowDestructiveFromMessage'] !== true) {
      throw invalidOption(
        'whenDiverged',
        `whenDiverged: "${options.whenDiverged}" may not be chosen by a message`,
        'allow it in the node (allowDestructiveFromMessage), or choose it there',
      );
    }
    return options;
  },
  uses: replicateUses,
  run(options, hosts, ctx, { credential }) {
    const key = credential('encryptionKey');
    return replicate(options, hosts, ctx, key === '' ? null : new Secret(key));
  },
  failed(partial, { code }, jobId) {
    const state = code === 'CANCELLED' ? 'cancelled' : code === 'PARTIAL_FAILURE' ? 'partial' : 'failed';
    return { ...(jobId === undefined ? {} : { jobId }), ...partial, state };
  },
  summary({ state, snapshots, bytes }, t) {
    if (state === 'planned') return t('planned');
    return snapshots === 0 ? t('current') : t('sent', { count: snapshots, size: sizeText(bytes) });
  },
  protections: listMarks,
  release: releaseMarks,
};

export = (RED: Red): void => registerTask(RED, replication);
