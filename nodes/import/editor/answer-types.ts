// What the runtime answers to an import.
import type { FlowNode } from '../../dialog/flow-node';

export interface Finding {
  item: string;
  level: 'info' | 'warn' | 'error';
  message: string;
}

/** Something that can be imported or left out; `item` is `<kind>-<old id>`. */
export interface AnswerItem {
  item: string;
  /** Of its node. */
  id: string;
  /** Properties that come from what was imported. */
  decides: readonly string[];
  /** Why it cannot be enabled from the start; '' where it can. */
  whyDisabled: string;
}

export interface ImportAnswer {
  ok: true;
  version: string;
  nodes: readonly FlowNode[];
  items: readonly AnswerItem[];
  /** Ids of nodes whose keys wait on the server. */
  secrets: readonly string[];
  findings: readonly Finding[];
}
