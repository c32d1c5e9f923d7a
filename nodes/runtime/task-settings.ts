// What the configuration of an action node says about the node itself: whether it is on, when it runs by itself, what it
// tells. Read once for each instance, with the reader that all options have. What a run does is read by the engine.
import type { ZfsFlowError } from '../../src/base/errors';
import type { LogLevel } from '../../src/base/events';
import type { Field } from '../../src/options/field';
import { RUNNING, SCHEDULE } from '../node-options';
import { attempt } from './attempt';
import { migrate, type Config } from './migrate';

export interface TaskSettings {
  /** The properties in today's form, as far as they can be brought there. */
  config: Config;
  /** Turned off for sure. Nonsense in `enabled` is no off: what comes in must fail, a schedule's ticks too. */
  off: boolean;
  runOnDeploy: boolean;
  overlap: 'skip' | 'queue';
  logLevel: LogLevel;
  /** Milliseconds without a success that are too many; null = nothing is asked for. */
  alertAfter: number | null;
  /** The first that is wrong: no message can be served. INVALID_OPTIONS with `field`. */
  problem: ZfsFlowError | undefined;
}

/** What the property says; one that says nonsense counts as its default. */
function read<T>(field: Field<T>, config: Config, name: string): { value: T; error?: ZfsFlowError | undefined } {
  const { value, error } = attempt(() => field.read(config, name));
  return value === undefined ? { value: field.read({}, name), error } : { value };
}

export function readTaskSettings(stored: Config): TaskSettings {
  const migrated = attempt(() => migrate(stored));
  const config = migrated.value ?? stored;
  const enabled = read(RUNNING.enabled, config, 'enabled');
  const runOnDeploy = read(SCHEDULE.runOnDeploy, config, 'runOnDeploy');
  const overlap = read(RUNNING.overlap, config, 'overlap');
  const logLevel = read(RUNNING.logLevel, config, 'logLevel');
  const alertAfter = read(SCHEDULE.alertAfter, config, 'alertAfter');
  return {
    config,
    off: !enabled.value,
    runOnDeploy: runOnDeploy.value,
    overlap: overlap.value,
    logLevel: logLevel.value,
    alertAfter: alertAfter.value,
    problem: [migrated, enabled, runOnDeploy, overlap, logLevel, alertAfter].find(({ error }) => error !== undefined)
      ?.error,
  };
}
