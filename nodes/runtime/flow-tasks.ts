// The tasks that a flow file deploys, live or not: its action nodes, and for each instance of a subflow those inside it, by the
// ids that the runtime gives them (`<instance>-<template node>`, as Subflow.js of Node-RED's runtime makes them). Pure.
import { NODE_TYPES } from '../node-options';
import type { ActionType } from './task-definition';

/** An entry of the stored configuration. */
export interface StoredNode {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly name?: string;
  readonly label?: string;
  /** Disabled node or instance. */
  readonly d?: boolean;
  /** Disabled tab. */
  readonly disabled?: boolean;
  readonly [property: string]: unknown;
}

export interface FlowTask {
  id: string;
  type: ActionType;
  /** The node as it is stored; in a subflow the template. */
  stored: StoredNode;
  /** The tab, then subflow instances, outermost first. */
  path: { id: string; label: string }[];
  /** It, its tab or an instance around it is disabled. */
  disabled: boolean;
}

const SUBFLOW = 'subflow:';
/** A subflow cannot hold itself, but a file that somebody edited may say so. */
const DEEPEST = 20;

const isTask = (type: string): type is ActionType =>
  type !== 'zfs-ssh-connection' && NODE_TYPES.some((known) => known === type);

interface Place {
  /** Before the ids of what is inside. */
  prefix: string;
  path: FlowTask['path'];
  disabled: boolean;
}

export function tasksOf(nodes: readonly StoredNode[]): Map<string, FlowTask> {
  const inside = new Map<string, StoredNode[]>();
  const subflows = new Map<string, StoredNode>();
  for (const node of nodes) {
    if (node.type === 'subflow') subflows.set(node.id, node);
    const isOfInterest = isTask(node.type) || node.type.startsWith(SUBFLOW);
    if (isOfInterest && node.z !== undefined) inside.set(node.z, [...(inside.get(node.z) ?? []), node]);
  }
  const tasks = new Map<string, FlowTask>();
  const visit = (container: string, place: Place): void => {
    for (const node of inside.get(container) ?? []) {
      const id = `${place.prefix}${node.id}`;
      const disabled = place.disabled || node.d === true;
      if (isTask(node.type)) {
        tasks.set(id, { id, type: node.type, stored: node, path: place.path, disabled });
        continue;
      }
      const template = subflows.get(node.type.slice(SUBFLOW.length));
      if (template === undefined || place.path.length > DEEPEST) continue;
      const label = node.name || template.name || template.id;
      visit(template.id, { prefix: `${id}-`, path: [...place.path, { id, label }], disabled });
    }
  };
  for (const { type, id, label, disabled } of nodes) {
    if (type === 'tab') visit(id, { prefix: '', path: [{ id, label: label || id }], disabled: disabled === true });
  }
  return tasks;
}
