// What can be imported, compared with what the editor has; what is ticked, and what that means for what depends on it; which
// nodes come of it. Pure: the editor's nodes are handed in.
import { differences, type FlowNode } from '../../dialog/flow-node';
import type { Finding, ImportAnswer } from './answer-types';

/** `out`: nothing comes of it; the findings say why. */
export type State = 'new' | 'changed' | 'same' | 'out';

export interface Change {
  property: string;
  from: unknown;
  to: unknown;
}

export interface Item {
  item: string;
  /** As it was imported; what is there already keeps what is not in `changes`. */
  node: FlowNode | undefined;
  isTask: boolean;
  state: State;
  changes: readonly Change[];
  findings: readonly Finding[];
  /** Connections of this import that it uses, and tasks of it that start it. */
  uses: readonly string[];
  startedBy: readonly string[];
  whyDisabled: string;
  /** In the flows of the editor; undefined where it is not there. */
  enabledNow: boolean | undefined;
}

export interface Choice {
  readonly ticked: ReadonlySet<string>;
  /** Tasks that are to run from the start. */
  readonly enabled: ReadonlySet<string>;
}

/** A node of the editor. */
type There = Readonly<Record<string, unknown>>;
type Find = (id: string) => There | undefined;

/** Those of a machine as others see it are of no use here, and what is not known must not replace what somebody has entered. */
const LOOPBACK = /^(?:localhost|127\.[\d.]+|::1|\[::1\])$/i;
const CONNECTIONS = ['connection', 'sourceConnection', 'targetConnection'] as const;

export function itemsOf({ nodes, items, findings }: ImportAnswer, find: Find): Item[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const named = new Map(items.map(({ id, item }) => [id, item]));
  const made = items.map(({ item, id, decides, whyDisabled }): Item => {
    const node = byId.get(id);
    const there = find(id);
    const isTask = node !== undefined && node.type !== 'zfs-ssh-connection';
    const changes = node === undefined || there === undefined ? [] : changesOf(node, there, decides);
    return {
      item,
      node,
      isTask,
      state: node === undefined ? 'out' : there === undefined ? 'new' : changes.length > 0 ? 'changed' : 'same',
      changes,
      findings: findings.filter((finding) => finding.item === item),
      uses: isTask ? CONNECTIONS.flatMap((name) => named.get(String(node[name])) ?? []) : [],
      startedBy: items.filter(({ id: other }) => leadsTo(byId.get(other), id)).map((one) => one.item),
      whyDisabled,
      enabledNow: there === undefined ? undefined : there['enabled'] !== false,
    };
  });
  const known = new Set(['import', ...items.map(({ item }) => item)]);
  // Named by findings alone: it could not be made.
  const out = [...new Set(findings.map(({ item }) => item).filter((item) => !known.has(item)))];
  return [...made, ...out.map((item) => leftOut(item, findings))];
}

function leftOut(item: string, findings: readonly Finding[]): Item {
  return {
    item,
    node: undefined,
    isTask: !/^(?:ssh|sudo|self)/.test(item),
    state: 'out',
    changes: [],
    findings: findings.filter((finding) => finding.item === item),
    uses: [],
    startedBy: [],
    whyDisabled: '',
    enabledNow: undefined,
  };
}

function leadsTo(node: FlowNode | undefined, id: string): boolean {
  return node?.wires?.some((ends) => ends.includes(id)) === true;
}

function changesOf(node: FlowNode, there: There, decides: readonly string[]): Change[] {
  const isConnection = node.type === 'zfs-ssh-connection';
  const given = decides
    .flatMap((name) => [name, `${name}Type`])
    // Whether it runs is said by whoever imports, and not by what is imported.
    .filter((name) => name in node && name !== 'enabled')
    .filter((name) => !isConnection || isKnown(name, node[name]));
  const part: FlowNode = {
    id: node.id,
    type: node.type,
    ...Object.fromEntries(given.map((name) => [name, node[name]])),
  };
  return differences(part, there).map((property) => ({ property, from: there[property], to: node[property] }));
}

const isKnown = (name: string, value: unknown): boolean =>
  value !== '' && !(name === 'host' && typeof value === 'string' && LOOPBACK.test(value));

/** Everything is taken over, and nothing runs that does not run already. */
export function firstChoice(items: readonly Item[]): Choice {
  return {
    ticked: new Set(items.filter(({ state }) => state !== 'out').map(({ item }) => item)),
    enabled: new Set(items.filter(({ isTask, enabledNow }) => isTask && enabledNow === true).map(({ item }) => item)),
  };
}

/** A task brings the connections that it needs; a connection that is left out takes its tasks with it. */
export function tick(items: readonly Item[], choice: Choice, item: string, on: boolean): Choice {
  const one = items.find((other) => other.item === item);
  if (one === undefined || one.state === 'out') return choice;
  const ticked = new Set(choice.ticked);
  const isNew = (name: string): boolean => items.find((other) => other.item === name)?.state === 'new';
  const users = (name: string): Item[] => items.filter(({ uses }) => uses.includes(name));
  if (on) {
    for (const name of [item, ...one.uses.filter(isNew)]) ticked.add(name);
  } else {
    ticked.delete(item);
    // What is in the flows already is there for its tasks also when it is not changed.
    if (!one.isTask && one.state === 'new') for (const user of users(item)) ticked.delete(user.item);
    for (const used of one.uses.filter(isNew)) {
      if (!users(used).some((user) => ticked.has(user.item))) ticked.delete(used);
    }
  }
  return { ...choice, ticked };
}

export function enable({ ticked, enabled }: Choice, item: string, on: boolean): Choice {
  const next = new Set(enabled);
  if (on) next.add(item);
  else next.delete(item);
  return { ticked, enabled: next };
}

/** What a person should know of a row as it is now. */
export type Note =
  | { kind: 'needsConnection'; names: readonly string[] }
  | { kind: 'nothingStarts' | 'notStartedBy' | 'starterDisabled'; names: readonly string[] };

export function noteOf(items: readonly Item[], { ticked, enabled }: Choice, item: Item): Note | undefined {
  const byName = (name: string): Item | undefined => items.find((other) => other.item === name);
  const isThere = (name: string): boolean => ticked.has(name) || byName(name)?.enabledNow !== undefined;
  if (!ticked.has(item.item)) {
    const missing = item.uses.filter((name) => byName(name)?.state === 'new' && !ticked.has(name));
    return missing.length === 0 || item.state === 'out' ? undefined : { kind: 'needsConnection', names: missing };
  }
  if (item.node?.['schedule'] !== '' || item.startedBy.length === 0) return undefined;
  const missing = item.startedBy.filter((name) => !isThere(name));
  if (missing.length === item.startedBy.length) return { kind: 'nothingStarts', names: missing };
  if (missing.length > 0) return { kind: 'notStartedBy', names: missing };
  const isOff = item.startedBy.every((name) => !enabled.has(name));
  return enabled.has(item.item) && isOff ? { kind: 'starterDisabled', names: item.startedBy } : undefined;
}

/** Their secrets are of no use when nothing comes of them. */
export function leftSecrets(answer: ImportAnswer, items: readonly Item[], { ticked }: Choice): string[] {
  const kept = new Set(items.filter(({ item }) => ticked.has(item)).map(({ node }) => node?.id));
  return answer.secrets.filter((id) => !kept.has(id));
}

export interface Flows {
  find: Find;
  /** Where the outputs of a node lead now. */
  wiresOf: (id: string) => readonly (readonly string[])[];
}

/** For `place`: whole nodes where they are new, what differs where they are there. */
export function nodesFor(answer: ImportAnswer, items: readonly Item[], choice: Choice, flows: Flows): FlowNode[] {
  const byId = new Map(items.map((item) => [item.node?.id, item]));
  const isTicked = (item: Item | undefined): boolean => item !== undefined && choice.ticked.has(item.item);
  const chosen = answer.nodes.filter((node) => {
    if (node.type === 'tab') return false;
    const own = byId.get(node.id);
    return own === undefined ? isWanted(node, items, choice, flows) : isTicked(own);
  });
  const ids = new Set(chosen.map(({ id }) => id));
  const lead = (node: FlowNode): string[][] =>
    (node.wires ?? []).map((ends) => ends.filter((end) => ids.has(end) || flows.find(end) !== undefined));
  const made = chosen.map((node): FlowNode => {
    const item = byId.get(node.id);
    const wires = node.wires === undefined ? {} : { wires: lead(node) };
    const runs = item?.isTask === true ? { enabled: choice.enabled.has(item.item) } : {};
    if (flows.find(node.id) === undefined) return { ...node, ...runs, ...wires };
    const values =
      item === undefined
        ? helperValues(node)
        : Object.fromEntries(item.changes.map(({ property, to }) => [property, to]));
    return { id: node.id, type: node.type, ...values, ...runs, ...wires };
  });
  const starters = answer.nodes.filter(({ id }) => !ids.has(id) && flows.find(id) !== undefined && byId.has(id));
  const wired = starters.flatMap((node) => more(node, ids, flows));
  const tabs = new Set(made.map(({ z }) => z));
  return [...answer.nodes.filter(({ id, type }) => type === 'tab' && tabs.has(id)), ...made, ...wired];
}

/** The comment above a task, and its button: with a new task, and where somebody has left them. */
function isWanted(node: FlowNode, items: readonly Item[], { ticked }: Choice, flows: Flows): boolean {
  const owner = items.find(({ item }) => new RegExp(`^zfs-imp-(?:note|button)-${item}-[0-9a-f]{8}$`).test(node.id));
  if (owner === undefined || !ticked.has(owner.item)) return false;
  return owner.state === 'new' || flows.find(node.id) !== undefined;
}

const helperValues = ({ name, info }: FlowNode): Record<string, unknown> => (info === undefined ? {} : { name, info });

/** A task that is there and stays as it is starts new ones all the same. */
function more(node: FlowNode, fresh: ReadonlySet<string>, { find, wiresOf }: Flows): FlowNode[] {
  const ends = (node.wires ?? []).map((ports) => ports.filter((end) => fresh.has(end) && find(end) === undefined));
  if (ends.every((ports) => ports.length === 0)) return [];
  const now = wiresOf(node.id);
  return [{ id: node.id, type: node.type, wires: ends.map((ports, index) => [...(now[index] ?? []), ...ports]) }];
}
