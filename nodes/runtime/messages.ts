// The messages that leave an action node: result, log, error. Plain data only – never a host, a key or a secret.
import type { NodeMessage } from 'node-red';
import type { JobEvent } from '../../src/base/events';
import type { ZfsFlowError } from '../../src/base/errors';
import { ZfsFlowError as EngineError } from '../../src/base/errors';
import type { FlowMessage, Red } from './red';

/** What becomes of a result: one message with it as payload, or one message for each item. */
export type Presentation = { payload: unknown } | { sequence: readonly unknown[] };

/**
 * Output 2. Carries the id of the message it belongs to, and nothing else of it: `res` must not be answered twice. A copy
 * all the way down: an event may hold what the run, or its state, still lives on, and flows change what they are given.
 */
export function logMessage(RED: Red, type: string, event: JobEvent, msg: FlowMessage | undefined): NodeMessage {
  const { payload } = RED.util.cloneMessage({ payload: event });
  const id = msg === undefined ? {} : { _msgid: msg._msgid };
  return { ...id, topic: `zfs/${type}/${event.event}`, payload };
}

/** Output 3: a copy of the incoming message, which itself stays as it was for Catch nodes. */
export function errorMessage(msg: FlowMessage, error: ZfsFlowError, payload: unknown): NodeMessage {
  return { ...msg, error: errorObject(error), payload };
}

/** Output 1, one message of a sequence; `parts` as Split makes them, so that Join can put them together again. */
export function partMessage(
  RED: Red,
  msg: FlowMessage,
  item: unknown,
  parts: { id: string; index: number; count: number },
): NodeMessage {
  const { payload: _payload, parts: outer, ...rest } = msg;
  const nested = outer === undefined ? {} : { parts: outer };
  return { ...RED.util.cloneMessage(rest), payload: item, parts: { ...parts, type: 'array', len: 1, ...nested } };
}

function errorObject(error: ZfsFlowError): Record<string, unknown> {
  const { code, message, hint, dataset, host, field, command, exitCode, stderr, details, retryable } = error;
  const all = { code, message, hint, dataset, host, field, cause: causeText(error.cause), retryable };
  const more = { command, exitCode, stderr, details };
  return Object.fromEntries(Object.entries({ ...all, ...more }).filter(([, value]) => value !== undefined));
}

/** A sentence: an error object may hold sockets and keys, and does not survive being cloned. */
function causeText(cause: unknown): string | undefined {
  if (cause instanceof EngineError) return `${cause.code}: ${cause.message}`;
  if (cause instanceof Error) return cause.message;
  return typeof cause === 'string' ? cause : undefined;
}
