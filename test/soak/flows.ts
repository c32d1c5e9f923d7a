// The tasks of a soak, each of which runs every minute: what they are asked for, and the flow that passes on what they say. Pure.
import type { Login } from '../lab/machine';

export type FlowNode = Record<string, unknown> & { id: string; type: string };

/** Names of snapshots by who takes them; with seconds, since a task that runs twice in a minute takes two. */
const NAMES = (prefix: string): string => `${prefix}-%Y-%m-%d_%H-%M-%S`;

/** How one source dataset and its copy are looked after; what the judge goes by. */
export interface Care {
  source: string;
  target: string;
  children: readonly string[];
  prefix: string;
  /** Newest snapshots that stay on the source whatever happens; 0: nothing is pruned there. */
  keptOnSource: number;
  /** The same on the target, where 0 is also: everything that was sent stays. */
  keptOnTarget: number;
}

export const CARES = {
  /** Snapshots, replication and pruning are tasks of their own. */
  data: {
    source: 'tank/data',
    target: 'backup/data',
    children: ['', '/x', '/y'],
    prefix: 's',
    keptOnSource: 5,
    keptOnTarget: 0,
  },
  /** Encrypted, sent raw and straight from machine to machine. */
  secret: {
    source: 'tank/secret',
    target: 'backup/secret',
    children: [''],
    prefix: 'r',
    keptOnSource: 0,
    keptOnTarget: 0,
  },
  /** Many small ones, whose target keeps less than all. */
  many: {
    source: 'tank/many',
    target: 'backup/many',
    children: ['', '/1', '/2', '/3', '/4'],
    prefix: 'm',
    keptOnSource: 5,
    keptOnTarget: 8,
  },
} as const satisfies Readonly<Record<string, Care>>;

export interface TaskFacts {
  id: string;
  /** Seconds; null: it is late when two minutes that were due have passed, and five more. */
  alertAfter: number | null;
}

const EVERY_MINUTE = '* * * * *';

export interface FlowSettings {
  a: Login;
  b: Login;
  /** Where the source reaches the target. */
  addressOfB: string;
  /** A property of tasks that changes nothing of what they do, and makes them other ones for a deploy. */
  variant: number;
  /** The keys are deployed too; an editor sends them once. */
  withKeys: boolean;
  withVerify: boolean;
}

const last = (count: number): object => ({ keep: [{ type: 'last', count }] });

function tasks({ addressOfB, variant, withVerify }: FlowSettings): FlowNode[] {
  const { data, secret, many } = CARES;
  const common = { schedule: EVERY_MINUTE, scheduleTimeZone: 'UTC', maxDestroyFraction: 1, timeZone: 'UTC' };
  const both = { sourceConnection: 'a', targetConnection: 'b', retries: 2, retryDelay: 1, stallTimeout: 60 + variant };
  const copy = ({ source, target }: Care): object => ({ ...both, sourceDatasets: [source], targetDataset: target });
  const thin = ({ source, target, prefix, keptOnSource }: Care): object => ({
    connection: 'a',
    datasets: [source],
    recursive: true,
    mode: 'execute',
    scope: { namingSchemas: [NAMES(prefix)], nameRegex: '' },
    policy: last(keptOnSource),
    protectFor: [{ connection: 'b', dataset: target }],
  });
  const nodes: FlowNode[] = [
    {
      id: 'snap',
      type: 'zfs-snapshot',
      connection: 'a',
      datasets: [data.source],
      recursive: true,
      namingSchema: NAMES(data.prefix),
      alertAfter: '90s',
    },
    { id: 'copy', type: 'zfs-replicate', ...copy(data), recursive: true, createSnapshot: 'never', alertAfter: '100s' },
    {
      id: 'straight',
      type: 'zfs-replicate',
      ...copy(secret),
      createSnapshot: 'always',
      namingSchemas: [NAMES(secret.prefix)],
      transport: 'ssh+tls',
      netcatConnectAddress: addressOfB,
      alertAfter: '110s',
    },
    {
      id: 'many',
      type: 'zfs-replicate',
      ...copy(many),
      recursive: true,
      createSnapshot: 'always',
      namingSchemas: [NAMES(many.prefix)],
      targetRetention: 'custom',
      targetRetentionPolicy: last(many.keptOnTarget),
      alertAfter: '120s',
    },
    { id: 'thin', type: 'zfs-retention-prune', ...thin(data), alertAfter: '130s' },
    // By its schedule alone.
    { id: 'thin-many', type: 'zfs-retention-prune', ...thin(many) },
  ];
  if (withVerify) {
    const ends = { sourceConnection: 'a', targetConnection: 'b', recursive: true };
    const verify = { sourceDatasets: [data.source], targetDataset: data.target, drill: 'open', drillDatasets: 'one' };
    nodes.push({ id: 'verify', type: 'zfs-verify', ...ends, ...verify, alertAfter: '140s' });
  }
  return nodes.map((node) => ({ ...common, ...node }));
}

/** What the judge has to know of each task. */
export function taskFacts(settings: Pick<FlowSettings, 'withVerify'>): TaskFacts[] {
  const login = { host: '', port: 0, username: '', privateKey: '', hostKeys: '' };
  return tasks({ a: login, b: login, addressOfB: '', variant: 0, withKeys: false, ...settings }).map(
    ({ id, alertAfter }) => ({
      id,
      alertAfter: typeof alertAfter === 'string' ? Number(alertAfter.replace('s', '')) : null,
    }),
  );
}

const OUTPUTS = ['result', 'log', 'error'] as const;

function connection(id: string, { privateKey, ...login }: Login, withKey: boolean): FlowNode {
  const key = withKey ? { credentials: { privateKey } } : {};
  return {
    id,
    type: 'zfs-ssh-connection',
    name: `machine ${id}`,
    ...login,
    keepaliveInterval: 2,
    connectTimeout: 10,
    ...key,
  };
}

/** A Function node for each output, so that nothing is lost between an output and its reader. */
export function soakFlows(settings: FlowSettings): FlowNode[] {
  const voice = (id: string, kind: string, what: string): FlowNode => ({
    id: `${id}-${kind}`,
    type: 'function',
    z: 'tab',
    x: 300,
    y: 100,
    wires: [],
    func: `global.get('soak').say('${kind}', '${id}', ${what});`,
  });
  const words: Readonly<Record<(typeof OUTPUTS)[number], string>> = {
    result: '{ jobId: msg.payload.jobId }',
    log: `msg.payload.event === 'progress' ? { event: 'progress' } : msg.payload`,
    error: '{ jobId: msg.payload && msg.payload.jobId, code: msg.error.code, message: msg.error.message }',
  };
  return [
    { id: 'tab', type: 'tab', label: 'soak' },
    connection('a', settings.a, settings.withKeys),
    connection('b', settings.b, settings.withKeys),
    ...tasks(settings).flatMap((task) => [
      { z: 'tab', x: 100, y: 100, name: task.id, wires: OUTPUTS.map((output) => [`${task.id}-${output}`]), ...task },
      ...OUTPUTS.map((output) => voice(task.id, output, words[output])),
    ]),
  ];
}
