// From the answers to nodes in the flows: one change that one undo takes back, and then it is for the person to deploy.
import type { Answers } from '../../../src/wizard/answers';
import { makeFlow, type WizardFlow } from '../../../src/wizard/flow';
import { place } from '../../dialog/place';
import { FIELDS } from '../../fields';
import { flowWords } from './flow-words';
import type { Machines } from './machines';
import { NEW_TAB } from './tabs';
import { t } from './translate';

export interface Created {
  ok: true;
  /** Ids of connections whose keys wait on the server. */
  kept: string[];
  /** Tells the person what is left to do; when the tray is gone. */
  shown: () => void;
}

export interface NotCreated {
  ok: false;
  why: string;
}

/** Flow JSON, with the secrets that were typed in where `secrets` says so: those that wait on the server are in none. */
export function flowOf(answers: Answers, machines: Machines, secrets: boolean): Record<string, unknown>[] {
  const flow = wizardFlow(answers, machines);
  if (!secrets) return flow.nodes;
  const typed = new Map(machines.allMade.map(({ id, credentials }) => [id, credentials]));
  return flow.nodes.map((node) => {
    const credentials = flow.credentials[node.id] ?? typed.get(node.id);
    return credentials === undefined ? node : { ...node, credentials: { ...credentials } };
  });
}

function wizardFlow(answers: Answers, machines: Machines): WizardFlow {
  const isNew = answers.tab === NEW_TAB;
  return makeFlow(
    { ...answers, connections: machines.allMade.map(({ id, values }) => ({ id, values })) },
    {
      tables: FIELDS,
      words: flowWords(answers, machines),
      // On a tab that exists it is moved below what is there.
      place: { z: isNew ? RED.nodes.id() : answers.tab, x: 60, y: 60 },
      newTab: isNew ? t('tab.label') : '',
      nextId: () => RED.nodes.id(),
    },
  );
}

export function create(answers: Answers, machines: Machines): Created | NotCreated {
  const nodes = flowOf(answers, machines, true) as unknown as Parameters<typeof place>[0];
  const placed = place(nodes, t);
  if (!placed.ok) return placed;
  const made = machines.allMade.map(({ id }) => id).filter((id) => placed.added.includes(id));
  return { ok: true, kept: made, shown: () => tellToDeploy(made.length > 0) };
}

let told: EditorNotification | null = null;

/** It lies above what is opened next. */
export function closeNotice(): void {
  told?.close();
  told = null;
}

function tellToDeploy(withMachines: boolean): void {
  const escaped = $('<span>')
    .text(t(withMachines ? 'created.machines' : 'created.text'))
    .html();
  const notice = RED.notify(escaped, {
    type: 'success',
    fixed: true,
    buttons: [
      { text: t('created.later'), click: () => notice.close() },
      {
        text: t('created.deploy'),
        class: 'primary',
        click: () => {
          notice.close();
          RED.actions.invoke('core:deploy-flows');
        },
      },
    ],
  });
  told = notice;
  // What was done about it by other means needs no reminder.
  const deployed = (): void => {
    RED.events.off('deploy', deployed);
    notice.close();
  };
  RED.events.on('deploy', deployed);
}
