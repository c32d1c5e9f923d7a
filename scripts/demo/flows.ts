// The example flows as `npm start` shows them: one tab per example, their two connections replaced by the lab's
// machines, their MQTT broker by the one on loopback. Pure; what is started and deployed is start.ts's.
import type { Login } from '../../test/lab/machine';

/** A node of a flow file, whatever its type. */
export interface FlowNode {
  id: string;
  type: string;
  z?: string;
  [property: string]: unknown;
}

export interface Example {
  /** File name without `.json`. */
  name: string;
  nodes: FlowNode[];
}

/** What the person in front of the editor can press or call in one tab. */
export interface Starters {
  tab: string;
  buttons: string[];
  webhooks: { method: string; url: string }[];
  topics: string[];
}

/** Where examples find the admin server. */
const ADMIN = 'http://127.0.0.1:1880';
const CONNECTION = 'zfs-ssh-connection';
/** Examples name their connections so; what follows the prefix may differ. */
const PREFIX = /^zfs-example-(nas[12])/;

/** The configuration node of a machine, with its credentials, as Node-RED's admin API takes it. */
export function connectionNode(machine: string, login: Login): FlowNode {
  const { host, port, username, hostKeys, privateKey } = login;
  return {
    id: `zfs-lab-${machine}`,
    type: CONNECTION,
    name: machine,
    version: 1,
    host,
    port,
    username,
    hostKeys,
    authMethod: 'privateKey',
    credentials: { privateKey },
  };
}

/** All flows of all examples. Ids are made unique per example, so that copied examples do not clash. */
export function demoFlows(
  examples: readonly Example[],
  connections: readonly FlowNode[],
  broker: { host: string; port: number },
  /** URL of the Node-RED that gets them. */
  admin = ADMIN,
): FlowNode[] {
  const flows: FlowNode[] = [...connections];
  for (const example of examples) flows.push(...wired(example, broker));
  return JSON.parse(JSON.stringify(flows).replaceAll(ADMIN, admin)) as FlowNode[];
}

function wired(example: Example, broker: { host: string; port: number }): FlowNode[] {
  const own = example.nodes.filter((node) => !(node.type === CONNECTION && PREFIX.test(node.id)));
  const names = new Map(example.nodes.map(({ id }) => [id, renamed(example.name, id)]));
  const tabs = own.filter((node) => node.type === 'tab');
  const tab: FlowNode = { id: renamed(example.name, 'tab'), type: 'tab', label: example.name };
  const nodes = own.map((node): FlowNode => {
    const copy = replaceIds(node, names) as FlowNode;
    if (isFlowNode(node) && node.z === undefined) copy.z = tab.id;
    if (node.type === 'mqtt-broker') Object.assign(copy, { broker: broker.host, port: String(broker.port) });
    return copy;
  });
  return tabs.length > 0 ? nodes : [tab, ...nodes];
}

/** Configuration nodes have no place in a tab. */
const isFlowNode = (node: FlowNode): boolean => node.type !== 'tab' && typeof node['x'] === 'number';

function renamed(example: string, id: string): string {
  const connection = PREFIX.exec(id);
  return connection === null ? `${example}-${id}` : `zfs-lab-${connection[1] ?? ''}`;
}

/** A copy in which every string that is a node's id is that node's new id. */
function replaceIds(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return names.get(value) ?? value;
  if (Array.isArray(value)) return value.map((item) => replaceIds(item, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceIds(item, names)]));
}

/** What can be pressed, per tab, in the order of the flows. */
export function starters(flows: readonly FlowNode[]): Starters[] {
  const text = (node: FlowNode, property: string): string => {
    const value = node[property];
    return typeof value === 'string' ? value : '';
  };
  return flows
    .filter((node) => node.type === 'tab')
    .map((tab) => {
      const nodes = flows.filter((node) => node.z === tab.id);
      const of = (type: string): FlowNode[] => nodes.filter((node) => node.type === type);
      return {
        tab: text(tab, 'label'),
        buttons: of('inject').map((node) => text(node, 'name') || text(node, 'topic') || 'inject'),
        webhooks: of('http in').map((node) => ({ method: text(node, 'method'), url: text(node, 'url') })),
        topics: of('mqtt in').map((node) => text(node, 'topic')),
      };
    });
}
