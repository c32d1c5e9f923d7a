// Runtime half of zfs-verify: hands messages to the engine's verify/verify.ts.
import type { VerifyOptions, VerifyResult } from '../../src/verify/options';
import { engine } from '../runtime/engine';
import { registerEndpoints } from '../admin/endpoints';
import type { Red } from '../runtime/red';
import type { TaskDefinition } from '../runtime/task-definition';
import { registerTask } from '../runtime/task-node';

const verification: TaskDefinition<VerifyOptions, VerifyResult> = {
  type: 'zfs-verify',
  parse: (values) => engine.verification().parseVerifyOptions(values),
  uses: (options) => engine.verification().verifyUses(options),
  run: (options, hosts, ctx, { turns }) => engine.verification().verify(options, hosts, ctx, turns),
  summary({ datasets }, t) {
    const drills = datasets.filter(({ drill }) => drill !== undefined).length;
    const count = datasets.length;
    return drills > 0 ? t('verifiedAndDrilled', { count, drills }) : t('verified', { count });
  },
  // A clone that is left depends on the backup until the next run.
  cleansUp: true,
};

export = (RED: Red): void => {
  registerEndpoints(RED);
  registerTask(RED, verification);
};
