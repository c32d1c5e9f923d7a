// What the wizard's tests have in common: the tables of the nodes, a place, ids that count up.
import { FIELDS } from '../../../nodes/fields';
import { defaultAnswers, type Answers } from '../../../src/wizard/answers';
import { makeFlow, type FlowSetting, type WizardFlow, type WizardTables } from '../../../src/wizard/flow';

export const TABLES: WizardTables = FIELDS;

export function setting(more: Partial<FlowSetting> = {}): FlowSetting {
  let count = 0;
  const words = {
    runNow: 'run now',
    errors: 'errors',
    snapshots: 'snapshots',
    about: 'about',
    summary: 'what it does',
  };
  const place = { z: 'tab', x: 160, y: 60 };
  return { tables: TABLES, words, place, newTab: '', nextId: () => `id${++count}`, ...more };
}

/** From this machine's tank/data to backup/data. */
export function answers(more: Partial<Answers> = {}): Answers {
  return { ...defaultAnswers('tab'), sourceDatasets: ['tank/data'], targetDataset: 'backup/data', ...more };
}

export type FlowNode = WizardFlow['nodes'][number];

export function made(more: Partial<Answers> = {}, at: Partial<FlowSetting> = {}): Record<string, FlowNode | undefined> {
  const { nodes } = makeFlow(answers(more), setting(at));
  return Object.fromEntries(nodes.map((node) => [node.type, node]));
}

/** Without where it stands. */
export function placeless(node: FlowNode | undefined): object {
  const rest: Record<string, unknown> = { ...node };
  delete rest['x'];
  delete rest['y'];
  return rest;
}
