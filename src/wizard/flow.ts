// From answers to the flow that the editor imports: new connections → snapshots, when the task takes its own → replication →
// what shows its errors, with a button that starts it and a comment that says what it is. Pure.
import type { FieldTable } from '../options/field';
import { buttonNode, commentNode, debugNode, flowNode, tabNode, type FlowNodeJson } from '../flow/flow';
import { storesKey, type Answers, type NewConnection } from './answers';
import { layLine, type Place } from './layout';
import { nameOf, replicateValues, snapshotValues } from './node-values';

export type WizardType = 'zfs-ssh-connection' | 'zfs-snapshot' | 'zfs-replicate';

/** The properties of the node types. */
export type WizardTables = Readonly<Record<WizardType, FieldTable>>;

/** What people read on and in the nodes. */
export interface FlowWords {
  /** Of the button. */
  runNow: string;
  /** Of what shows the errors. */
  errors: string;
  /** The name of what takes the snapshots. */
  snapshots: string;
  /** The comment: its name and its text. */
  about: string;
  summary: string;
}

export interface FlowSetting {
  tables: WizardTables;
  words: FlowWords;
  /** Where there is room on the tab. With `newTab` its `z` is the id of a tab that is made. */
  place: Place;
  /** Label of the tab that is made, '' = `place.z` exists. */
  newTab: string;
  /** Another id each time. */
  nextId: () => string;
}

export interface WizardFlow {
  /** Flow JSON in the order in which it can be imported, with no secret in it. */
  nodes: FlowNodeJson[];
  /** By node id: secrets that belong to nodes, for the editor's own import to give to the runtime. */
  credentials: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Ids of what was made, '' where it is not wanted. */
  ids: { snapshot: string; replicate: string };
}

/** Those of the new ones that the task needs, and what these go through. */
export function usedConnections(answers: Answers): NewConnection[] {
  const used = new Set<unknown>([answers.sourceConnection, answers.targetConnection]);
  // An element that is added while a set is walked is walked too.
  for (const id of used) {
    const through = answers.connections.find((one) => one.id === id)?.values['jumpConnection'];
    if (through !== undefined) used.add(through);
  }
  return answers.connections.filter(({ id }) => used.has(id));
}

/** Defaults are left out. Throws for a property that the tables do not know, and for nothing that a person can answer. */
export function makeFlow(answers: Answers, { tables, words, place, newTab, nextId }: FlowSetting): WizardFlow {
  const make = (type: WizardType, id: string, values: Readonly<Record<string, unknown>>): FlowNodeJson =>
    flowNode({ id, type }, values, { table: tables[type], defaults: 'omit' });
  const snapshot = snapshotValues(answers);
  const [replicateId, snapshotId] = [nextId(), snapshot === null ? '' : nextId()];
  const [commentId, buttonId, errorsId] = [nextId(), nextId(), nextId()];
  const errors = { node: debugNode(errorsId, words.errors, 'error'), wires: [], label: words.errors };
  const replicate = {
    node: make('zfs-replicate', replicateId, replicateValues(answers)),
    wires: [[], [], [errorsId]],
    label: nameOf(answers),
  };
  const before = snapshot === null ? [] : [make('zfs-snapshot', snapshotId, { ...snapshot, name: words.snapshots })];
  const button = {
    node: buttonNode(buttonId, words.runNow),
    wires: [[snapshot === null ? replicateId : snapshotId]],
    label: words.runNow,
  };
  const comment = { node: commentNode(commentId, words.about, words.summary), wires: [], label: words.about };
  const nodes = layLine(
    comment,
    [
      [button],
      before.map((node) => ({ node, wires: [[replicateId], [], [errorsId]], label: words.snapshots })),
      [replicate],
      [errors],
    ],
    place,
  );
  const connections = usedConnections(answers).map(({ id, values }) => make('zfs-ssh-connection', id, values));
  return {
    nodes: [...(newTab === '' ? [] : [tabNode(place.z, newTab)]), ...connections, ...nodes],
    credentials: storesKey(answers) ? { [replicateId]: { encryptionKey: answers.encryptionKey } } : {},
    ids: { snapshot: snapshotId, replicate: replicateId },
  };
}
