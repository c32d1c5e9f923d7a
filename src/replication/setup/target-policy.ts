// The target's own retention, as the node's author gave it: what it may delete, and its rules compiled once for a run (pure).
import { compileRules, compileScope } from '../../retention/plan/compile';
import type { RetentionScope } from '../../retention/plan/policy';
import type { CompiledRule } from '../../retention/plan/rules';
import type { CompiledScope } from '../../retention/plan/scope';
import type { ReplicateOptions } from './options';

export interface TargetPolicy {
  readonly scope: CompiledScope;
  readonly rules: readonly CompiledRule[];
  /** IANA zone, '' = the machine's. */
  readonly timeZone: string;
}

/** Without a scope of its own: the snapshots that this node replicates. */
export function targetScope(options: ReplicateOptions): RetentionScope {
  if (options.targetRetentionScope) return options.targetRetentionScope;
  if (options.snapshotSelection === 'schema') return { namingSchemas: options.namingSchemas, nameRegex: '' };
  if (options.snapshotSelection === 'regex') return { namingSchemas: [], nameRegex: options.nameRegex };
  return { namingSchemas: [], nameRegex: '', all: true };
}

/** Null where the target has no policy of its own. Throws INVALID_OPTIONS. */
export function compileTargetPolicy(options: ReplicateOptions): TargetPolicy | null {
  const { targetRetention, targetRetentionPolicy, timeZone } = options;
  if (targetRetention !== 'custom' || targetRetentionPolicy === null) return null;
  const scope = compileScope(targetScope(options), timeZone);
  return { scope, rules: compileRules(targetRetentionPolicy, timeZone), timeZone };
}
