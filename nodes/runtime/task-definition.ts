// What makes an action node different from the others: its engine entry points and its words. All else – messages,
// events, status, schedule, overlap, deploys – is the same for all and done by `task-node.ts`.
import type { DatasetUse, RunContext } from '../../src/base/run-context';
import type { HostResolver } from '../../src/host/host';
import type { ZfsFlowError } from '../../src/base/errors';
import type { RawOptions } from '../../src/options/read';
import type { NodeType } from '../node-options';
import type { Presentation } from './messages';
import type { FlowMessage, Translate } from './red';

export type ActionType = Exclude<NodeType, 'zfs-ssh-connection'>;

/** How a run came about. */
export interface Occasion {
  msg: FlowMessage;
  /** Fields whose value a message could choose. */
  dynamic: ReadonlySet<string>;
  /** The time it was scheduled for, when no message asked for it. */
  scheduledAt: Date | undefined;
  /** One of the node's encrypted properties, '' when nobody entered it. Never part of the options. */
  readonly credential: (name: string) => string;
  /** What had its turn in this task's last run, over restarts too; for nodes that do one thing of several in each run. */
  readonly turns: { last(): string | undefined; took(turn: string): void };
}

export interface TaskDefinition<O, R> {
  type: ActionType;
  /** Throws INVALID_OPTIONS (with `field`) and UNSUPPORTED. */
  parse(values: RawOptions, occasion: Occasion): O;
  uses(options: O): DatasetUse[];
  run(options: O, hosts: HostResolver, ctx: RunContext, occasion: Occasion): Promise<R>;
  /** What goes out on output 1; without it, one message with the result as payload. */
  present?(result: R, options: O): Presentation;
  /** `payload` of output 3. `partial` is the result as far as it got, if it got anywhere. */
  failed?: (partial: object | undefined, error: ZfsFlowError, jobId: string | undefined) => unknown;
  /** Whether a run that succeeded has done what the task is there for; without it, every one has. */
  achieved?(result: R): boolean;
  /** A few words for the status after success. */
  summary(result: R, t: Translate): string;
  /** Does what must not be left half done when Node-RED ends: its runs get a moment to clean up after themselves. */
  cleansUp?: true;
  /** The control messages `protections` and `release`, where the node has them. Give what the event shows. */
  protections?: (options: O, hosts: HostResolver, ctx: RunContext) => Promise<readonly object[]>;
  release?: (options: O, dstId: string, hosts: HostResolver, ctx: RunContext) => Promise<readonly object[]>;
}
