// The few types of Node-RED's runtime that @types/node-red lacks or leaves open. Types only, plus the translator.
import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';

export type Red = NodeAPI;

/** A configuration as the flow holds it; what is in it is for `fields.ts` to say. */
export type NodeConfig = NodeDef & Readonly<Record<string, unknown>>;

export type FlowMessage = NodeMessageInFlow;

/**
 * What a node instance calls when a message of a former instance is done. `Node.prototype._complete` is what the
 * runtime's own `done` callback does; that callback is bound to the instance that received the message, which is closed
 * after a deploy and reaches neither Complete nor Catch nodes any more.
 */
export interface RuntimeNode extends Node {
  _complete(msg: FlowMessage, error?: Error): void;
}

/** Text of the node's catalogue; `__name__` in it is replaced. */
export type Translate = (key: string, values?: Readonly<Record<string, string | number>>) => string;

export function translator(RED: Red): Translate {
  return (key, values) => RED._(`common.status.${key}`, { ...values });
}

/** A value of `settings.js`; `undefined` where it is not set. */
export function setting(RED: Red, name: string): unknown {
  return (RED.settings as unknown as Record<string, unknown>)[name];
}
