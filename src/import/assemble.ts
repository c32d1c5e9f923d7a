// From tasks, already in the words of our nodes, to the flow of an import: judged by the engine's own readers, disabled unless
// the person said otherwise, one tab for a machine, a row for each replication with the snapshots that start it. Pure.
import { ZfsFlowError } from '../base/errors';
import { readString, type RawOptions } from '../options/read';
import { checkSchedule } from '../time/check-schedule';
import {
  buttonNode,
  commentNode,
  flowNode,
  layRows,
  tabNode,
  type FlowNodeJson,
  type Placed,
  type Row,
} from '../flow/flow';
import {
  Findings,
  type Finding,
  type ImportChoices,
  type Imported,
  type ImportedType,
  type ImportTools,
  type TaskType,
} from './result';

export interface TaskDraft {
  /** `<kind>-<old id>` */
  item: string;
  id: string;
  type: TaskType;
  /** Properties of the node. */
  values: Record<string, unknown>;
  /** Ids of the tasks that its result starts. */
  starts: string[];
  /** It was switched on where it comes from. */
  enabled: boolean;
  /** Must not run as it is, whatever the engine says: something that it names is missing. */
  broken: boolean;
  /** Nothing starts it by itself. */
  button: boolean;
  /** As it was, without secrets: the text of the comment above it. */
  original: string;
}

export interface ConnectionDraft {
  item: string;
  id: string;
  values: Record<string, unknown>;
}

export interface Draft {
  version: string;
  /** The machine that was imported, as people call it. */
  host: string;
  /** 8 hexadecimal digits for it, in every id. */
  hash: string;
  connections: ConnectionDraft[];
  tasks: TaskDraft[];
  secrets: Map<string, Record<string, string>>;
  findings: Findings;
}

/** `zfs-imp-<kind>-<old id>-<hash>`, so that a second import finds what the first has made. */
export function importedId(hash: string, kind: string, old?: string): string {
  return ['zfs-imp', kind, ...(old === undefined ? [] : [old]), hash].join('-');
}

/** The 8 digits of the machine that a connection was made for by an earlier import; undefined for any other connection. */
export function hashIn(here: ImportChoices['here']): string | undefined {
  return typeof here === 'string' ? /^zfs-imp-self-([0-9a-f]{8})$/.exec(here)?.[1] : undefined;
}

/** Never throws for what was imported: what is wrong with an item is a finding, and it stays disabled. */
export function assemble(draft: Draft, tools: ImportTools, { enable }: ImportChoices): Imported {
  const { connections, tasks, findings, hash } = draft;
  for (const { item, values } of connections) judge({ item, type: 'zfs-ssh-connection', values }, tools, findings);
  for (const task of tasks) judgeTask(task, tools, findings);
  const known = new Set(tasks.map(({ item }) => item));
  for (const item of enable) if (!known.has(item)) findings.warn(item, 'there is no such task to be enabled');
  const written = tasks.map((task) => {
    const why = whyDisabled(task, findings);
    if (enable.has(task.item) && why !== '') findings.warn(task.item, `stays disabled: ${why}`);
    const enabled = why === '' && enable.has(task.item);
    return { task, why, node: write(tools, task.type, task.id, { ...task.values, enabled }) };
  });
  const tab = importedId(hash, 'tab');
  const nodes = [
    ...(tasks.length === 0 ? [] : [tabNode(tab, `Imported from ${draft.host}`)]),
    ...connections.map(({ id, values }) => write(tools, 'zfs-ssh-connection', id, values)),
    ...layRows(tab, rowsOf(written, hash)),
  ];
  const ids = new Set(nodes.map(({ id }) => id));
  const secrets = new Map([...draft.secrets].filter(([id]) => ids.has(id)));
  const items = [
    ...connections.map(({ item, id, values }) => ({ item, id, decides: Object.keys(values), whyDisabled: '' })),
    ...written.map(({ task: { item, id, values }, why }) => ({
      item,
      id,
      decides: Object.keys(values),
      whyDisabled: why,
    })),
  ];
  return { version: draft.version, nodes, items, secrets, findings: sorted(findings.all, draft) };
}

function whyDisabled({ item, enabled, broken }: TaskDraft, findings: Findings): string {
  if (!enabled) return 'it was disabled where it comes from';
  if (broken) return 'what it names is missing';
  return findings.hasError(item) ? 'it cannot run as it is' : '';
}

function write(tools: ImportTools, type: ImportedType, id: string, values: RawOptions): FlowNodeJson {
  return flowNode({ id, type }, values, { table: tools.fields[type], defaults: 'write' });
}

interface Judged {
  item: string;
  type: ImportedType;
  values: RawOptions;
}

/** False when it cannot run; the finding names the property. */
function judge({ item, type, values }: Judged, tools: ImportTools, findings: Findings): boolean {
  try {
    tools.check(type, values);
    return true;
  } catch (error) {
    if (!(error instanceof ZfsFlowError)) throw error;
    // Told already, in words that say what to do.
    if (error.field !== undefined && findings.isToldOf(item, error.field)) return false;
    const where = error.field === undefined ? '' : `${error.field}: `;
    findings.error(item, `cannot be used as it is (${where}${error.message.replace(`${error.field ?? ''}: `, '')})`);
    return false;
  }
}

/** A schedule that our parser refuses goes; the comment keeps it. */
function judgeTask(task: TaskDraft, tools: ImportTools, findings: Findings): void {
  const { item, values } = task;
  try {
    checkSchedule(values);
  } catch (error) {
    if (!(error instanceof ZfsFlowError)) throw error;
    findings.error(item, `${error.message}. It is imported without a schedule; the comment keeps it.`);
    Object.assign(values, { schedule: '', scheduleBegin: '', scheduleEnd: '' });
  }
  judge(task, tools, findings);
}

interface Written {
  task: TaskDraft;
  node: FlowNodeJson;
}

function rowsOf(written: readonly Written[], hash: string): Row[] {
  const placed = new Set<string>();
  const rows: Row[] = [];
  const startedBy = new Map<string, Written[]>();
  for (const one of written) {
    for (const id of one.task.starts) startedBy.set(id, [...(startedBy.get(id) ?? []), one]);
  }
  const place = ({ task, node }: Written): Placed => {
    placed.add(task.id);
    return { node, wires: task.type === 'zfs-snapshot' ? [task.starts, [], []] : [[], [], []] };
  };
  for (const one of written.filter(({ task }) => task.type === 'zfs-replicate')) {
    const snapshots = (startedBy.get(one.task.id) ?? []).filter(({ task }) => !placed.has(task.id));
    const comment = commentOf([one, ...snapshots], hash);
    rows.push({ comment, left: [...snapshots.map(place), ...buttonsOf(one.task, hash)], right: [place(one)] });
  }
  for (const one of written.filter(({ task }) => !placed.has(task.id))) {
    rows.push({ comment: commentOf([one], hash), left: [place(one)], right: [] });
  }
  return rows;
}

const ofItem = (kind: string, { item }: TaskDraft, hash: string): string => importedId(hash, kind, item);

/** One for a row: what it was, task by task. */
function commentOf([first, ...others]: readonly [Written, ...Written[]], hash: string): FlowNodeJson {
  const parts = [first, ...others].map(({ task }) => `### ${task.item}\n\n\`\`\`\n${task.original}\n\`\`\`\n`);
  const { task } = first;
  return commentNode(ofItem('note', task, hash), `was: ${readString(task.values, 'name')}`, parts.join('\n'));
}

function buttonsOf(task: TaskDraft, hash: string): Placed[] {
  return task.button ? [{ node: buttonNode(ofItem('button', task, hash), 'run now'), wires: [[task.id]] }] : [];
}

/** What concerns everything first, then by item in the order of the nodes. */
function sorted(all: readonly Finding[], { connections, tasks }: Draft): Finding[] {
  const order = new Map([...connections, ...tasks].map(({ item }, index) => [item, index + 1]));
  return all.toSorted((a, b) => (order.get(a.item) ?? 0) - (order.get(b.item) ?? 0));
}
