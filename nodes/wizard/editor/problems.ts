// What src/wizard finds wrong, in words, for the fields of one step.
import type { Surroundings } from '../../../src/wizard/finding';
import { problemsOf as findProblems } from '../../../src/wizard/problems';
import type { Answers } from '../../../src/wizard/answers';
import { FIELDS } from '../../fields';
import type { Machines } from './machines';
import { propertiesOf } from './start';
import type { Complaint } from './step';
import type { StepName } from './step-list';
import { t } from './translate';

function surroundings(): Surroundings {
  const connections = new Map<string, { jumpConnection?: unknown }>();
  RED.nodes.eachConfig((node) => {
    if (node.type === 'zfs-ssh-connection') connections.set(node.id, { jumpConnection: node['jumpConnection'] });
  });
  const tabs = new Map<string, { locked: boolean; disabled: boolean }>();
  RED.nodes.eachWorkspace(({ id, disabled }) => {
    tabs.set(id, { locked: RED.workspaces.isLocked(id), disabled: disabled === true });
  });
  const snapshots: NonNullable<Surroundings['snapshots']>[number][] = [];
  RED.nodes.eachNode((node) => {
    // What is in a subflow runs only as its instances, if there are any.
    if (node.type !== 'zfs-snapshot' || (RED.nodes.workspace(node.z ?? '') ?? null) === null) return;
    snapshots.push({ name: RED.utils.getNodeLabel(node, node.id), values: propertiesOf(node) });
  });
  return { tables: FIELDS, connections, snapshots, tabs };
}

/** With what the machines know that were set up in this wizard. */
export const withConnections = (answers: Answers, machines: Machines): Answers => ({
  ...answers,
  connections: machines.allMade.map(({ id, values }) => ({ id, values })),
});

/** In the order of the fields; `warn` ones keep nobody from going on. */
export function problemsOf(
  answers: Answers,
  machines: Machines,
): (Complaint & { step: StepName; isWarning: boolean })[] {
  return findProblems(withConnections(answers, machines), surroundings()).map(
    ({ field, step, level, key, values }) => ({
      field,
      step,
      isWarning: level === 'warn',
      text: t(`problem.${key}`, { ...values }),
    }),
  );
}
