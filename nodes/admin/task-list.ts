// A task as the endpoints tell of it (face.md §2): what is deployed, what the live instance says, what is remembered. Plain
// data, and nothing secret in it.
import type { NodeStatus } from 'node-red';
import type { JobInfo } from '../../src/jobs/job';
import type { FieldTable } from '../../src/options/field';
import { attempt } from '../runtime/attempt';
import { engine } from '../runtime/engine';
import { directory, type LiveTask } from '../runtime/directory';
import type { FlowTask } from '../runtime/flow-tasks';
import { connectionHandle } from '../runtime/host-leases';
import { deployedTasks } from '../runtime/known-tasks';
import type { Config } from '../runtime/migrate';
import type { Red } from '../runtime/red';
import type { ActionType } from '../runtime/task-definition';
import { memories, pauseOf, type Pause, type TaskMemory } from '../runtime/task-memory';
import type { Obstacle, Task, TaskJob, TaskState } from './task-answers';

/** Every task by its id, or these, as far as they are worth a row. */
export function listTasks(RED: Red, ids?: readonly string[]): Task[] {
  return existingTasks(RED, ids).filter(isShown);
}

/** Whoever has the id of a task may ask for it, look at its log and run it, whether it is listed or not. */
export function findTask(RED: Red, id: string): Task | undefined {
  return existingTasks(RED, [id])[0];
}

/**
 * A look into a pool is worth a row only while it lasts, and when it did not work – and while it is paused, or nobody
 * could end that.
 */
function isShown({ type, state, jobs }: Task): boolean {
  if (type !== 'zfs-list-snapshots' || jobs.length > 0) return true;
  return state === 'failed' || state === 'paused';
}

function existingTasks(RED: Red, ids?: readonly string[]): Task[] {
  // There are none before Node-RED has read its flows.
  const deployed = attempt(() => deployedTasks(RED)).value ?? new Map<string, FlowTask>();
  // Subflows that come as node types of a package are in no flow.
  const strangers = directory.all().filter(({ id }) => !deployed.has(id));
  const all = [...deployed.keys(), ...strangers.map(({ id }) => id)];
  const wanted = ids === undefined ? all : all.filter((id) => ids.includes(id));
  // Asked once: it takes longer than all the rest of a task.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return wanted.flatMap((id) => {
    const task = describe(RED, zone, deployed.get(id), directory.get(id));
    return task === undefined ? [] : [task];
  });
}

function describe(
  RED: Red,
  zone: string,
  deployed: FlowTask | undefined,
  live: LiveTask | undefined,
): Task | undefined {
  const id = live?.id ?? deployed?.id;
  const type = live?.type ?? deployed?.type;
  const config: Config | undefined = live?.config ?? deployed?.stored;
  if (id === undefined || type === undefined || config === undefined) return undefined;
  const memory = memories.find(RED, id);
  const pause = pauseOf(memory, Date.now());
  const state = stateOf(live, memory, pause);
  const why = obstacleTo(type, config, live, pause);
  const { fill, shape, text } = statusOf(live);
  const next = live?.next() ?? null;
  return known({
    id,
    type,
    name: nameOf(RED, deployed, live),
    path: pathOf(RED, deployed, live),
    state,
    status: known({ fill, shape, text: text ?? '' }),
    jobs: (live?.jobs() ?? []).map(jobOf),
    last: memory?.runs.at(-1),
    lastSuccess: memory?.lastSuccess,
    next: next?.toISOString(),
    timeZone: next === null ? undefined : live?.timeZone() || zone,
    late: live?.late(),
    pause,
    can: known({ run: why === undefined, why }),
    destructive: canDestroy(type, config) ? (true as const) : undefined,
    ...endsOf(RED, config),
  });
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without what is undefined. */
function known<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Defined<T>;
}

function statusOf(live: LiveTask | undefined): Exclude<NodeStatus, string> {
  const status = live?.status() ?? {};
  return typeof status === 'string' ? { text: status } : status;
}

function stateOf(live: LiveTask | undefined, memory: TaskMemory | undefined, pause: Pause | undefined): TaskState {
  if (live === undefined || live.off) return 'off';
  if (pause !== undefined) return 'paused';
  const jobs = live.jobs();
  if (jobs.some(({ state }) => state === 'running')) return 'running';
  if (jobs.length > 0) return 'waiting';
  if (live.problem !== undefined) return 'invalid';
  // That somebody ended a run says nothing of how the task is.
  const verdict = memory?.runs.findLast(({ state }) => state !== 'cancelled');
  if (verdict === undefined) return 'idle';
  return verdict.state === 'success' ? 'ok' : 'failed';
}

function obstacleTo(
  type: ActionType,
  config: Config,
  live: LiveTask | undefined,
  pause: Pause | undefined,
): Obstacle | undefined {
  if (live === undefined || live.off || pause !== undefined) return 'DISABLED';
  if (live.problem !== undefined) return 'INVALID_OPTIONS';
  return needsMessage(type, config) ? 'NEEDS_MESSAGE' : undefined;
}

/** Properties that a message may decide, by node type. */
const typedFields = new Map<ActionType, string[]>();

function typedFieldsOf(type: ActionType): string[] {
  const known = typedFields.get(type);
  if (known !== undefined) return known;
  const fields = Object.entries(engine.fields()[type] as FieldTable);
  const names = fields.flatMap(([name, { typed }]) => (typed ? [`${name}Type`] : []));
  typedFields.set(type, names);
  return names;
}

function needsMessage(type: ActionType, config: Config): boolean {
  if (typedFieldsOf(type).some((name) => config[name] === 'msg')) return true;
  return config['mode'] === 'approve' && isLiteral(config, 'mode');
}

/** What it does by itself is the author's affair; whoever presses a button is asked once more. */
function canDestroy(type: ActionType, config: Config): boolean {
  const name = type === 'zfs-replicate' ? 'whenDiverged' : type === 'zfs-retention-prune' ? 'mode' : undefined;
  if (name === undefined) return false;
  return !isLiteral(config, name) || ['rollback', 'recreate', 'execute'].some((value) => value === config[name]);
}

const SOURCES: ReadonlySet<unknown> = new Set(['msg', 'flow', 'global', 'env', 'jsonata']);

const isLiteral = (config: Config, name: string): boolean => !SOURCES.has(config[`${name}Type`]);

/** `${NAME}` with what it stands for at this node; Node-RED itself does so only where it is all there is. */
function substituted(RED: Red, text: string, live: LiveTask | undefined): string {
  if (live === undefined || !text.includes('${')) return text;
  try {
    const value: unknown = RED.util.evaluateNodeProperty(text, 'env', live.node, {});
    return typeof value === 'string' && value !== '' ? value : text;
  } catch {
    return text;
  }
}

function nameOf(RED: Red, deployed: FlowTask | undefined, live: LiveTask | undefined): string {
  return substituted(RED, live?.node.name ?? deployed?.stored.name ?? '', live);
}

function pathOf(RED: Red, deployed: FlowTask | undefined, live: LiveTask | undefined): Task['path'] {
  const path = deployed?.path ?? [{ id: live?.node.z ?? '', label: live?.node.z ?? '' }];
  return path.map(({ id, label }) => ({ id, label: substituted(RED, label, live) }));
}

const PROGRESS = ['bytes', 'totalBytes', 'percent', 'rate', 'etaSeconds'] as const;

function jobOf({ jobId, state, createdAt, startedAt, waitingFor, by, startedBy, progress }: JobInfo): TaskJob {
  const numbers = PROGRESS.flatMap((name): [string, number][] => {
    const value = progress?.[name];
    return typeof value === 'number' ? [[name, value]] : [];
  });
  const shown = progress === undefined ? undefined : Object.fromEntries(numbers);
  return known({ jobId, state, createdAt, startedAt, waitingFor, by, startedBy, progress: shown });
}

/** Where the data is, and where it goes. */
function endsOf(RED: Red, config: Config): { from?: string; to?: string } {
  const isReplication = 'targetDataset' in config || 'sourceDatasets' in config;
  const from = isReplication
    ? endOf(RED, config, 'sourceConnection', 'sourceDatasets')
    : endOf(RED, config, 'connection', 'datasets');
  const to = isReplication ? endOf(RED, config, 'targetConnection', 'targetDataset') : undefined;
  return known({ from, to });
}

function endOf(RED: Red, config: Config, connection: string, property: string): string | undefined {
  if (!isLiteral(config, property)) return undefined;
  const value = config[property];
  const names = (Array.isArray(value) ? value : [value]).filter((name) => typeof name === 'string' && name !== '');
  const [first, ...others] = names as string[];
  if (first === undefined) return undefined;
  return `${machineOf(RED, config[connection])}:${first}${others.length > 0 ? ' …' : ''}`;
}

function machineOf(RED: Red, id: unknown): string {
  if (typeof id !== 'string' || id === '') return 'local';
  const values = connectionHandle(RED, id)?.values;
  const named = [values?.['name'], values?.['host']].find((text) => typeof text === 'string' && text !== '');
  return typeof named === 'string' ? named : id;
}
