// What the configuration of an action node says about the node itself: whether it is on, when it runs by itself, what it
// tells. Read once for each instance, with the reader that all options have. What a run does is read by the engine.
import type { ZfsFlowError } from '../../src/base/errors';
import type { LogLevel } from '../../src/base/events';
import { readBoolean, readChoice } from '../../src/options/read';
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
  /** The first that is wrong: no message can be served. INVALID_OPTIONS with `field`. */
  problem: ZfsFlowError | undefined;
}

const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

export function readTaskSettings(stored: Config): TaskSettings {
  const migrated = attempt(() => migrate(stored));
  const config = migrated.value ?? stored;
  const enabled = attempt(() => readBoolean(config, 'enabled', true));
  const runOnDeploy = attempt(() => readBoolean(config, 'runOnDeploy', false));
  const overlap = attempt(() => readChoice(config, 'overlap', ['skip', 'queue'] as const, 'skip'));
  const logLevel = attempt(() => readChoice(config, 'logLevel', LOG_LEVELS, 'info'));
  return {
    config,
    off: enabled.value === false,
    runOnDeploy: runOnDeploy.value ?? false,
    overlap: overlap.value ?? 'skip',
    logLevel: logLevel.value ?? 'info',
    problem: [migrated, enabled, runOnDeploy, overlap, logLevel].find(({ error }) => error !== undefined)?.error,
  };
}
