// What leaves output 2 of a node: events, their levels and names (the contract's list, and what the control messages
// answer with).

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** What each tells: docs/reference.md. */
export const EVENT_NAMES = [
  'queued',
  'waiting',
  'started',
  'plan',
  'command',
  'progress',
  'dataset',
  'retry',
  'warning',
  'finished',
  'cancelled',
  'failed',
  'skipped',
  'late',
  'recovered',
  'speedLimit',
  'status',
  'protections',
  'released',
  'destroyed',
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

/** What a capability says; the job adds `time`, `jobId` and `task`. */
export interface EventInput {
  event: EventName;
  level: LogLevel;
  /** A sentence for a person. */
  message: string;
  host?: string;
  dataset?: string;
  snapshot?: string;
  [more: string]: unknown;
}

/** An event as it leaves output 2. `time` is ISO 8601 in UTC. */
export interface JobEvent extends EventInput {
  time: string;
  jobId: string;
  /** Name of the node, or its id where it has none. */
  task: string;
}
