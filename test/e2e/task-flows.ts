// Tasks for the tests of the sidebar, in a Node-RED without ZFS: what they do is fail at once, or hang until they are cancelled.
// Both need nothing but a port.
import { BlackHole, closedPort } from '../support/flow-bench';
import { newKeyPair } from '../support/key-pair';

const KEY = newKeyPair();

export interface Ports {
  hole: BlackHole;
  /** Nobody listens there. */
  closed: number;
}

export async function openPorts(): Promise<Ports> {
  return { hole: await new BlackHole().open(), closed: await closedPort() };
}

const at = (y: number): object => ({ z: 'tab', x: 260, y, wires: [[], [], []] });

/** For a deploy: the connections bring their keys. */
export function taskFlows({ hole, closed }: Ports): Record<string, unknown>[] {
  const connection = (id: string, port: number): Record<string, unknown> => ({
    // A property that is the node's own id would be a circle to Node-RED.
    id: `to-${id}`,
    type: 'zfs-ssh-connection',
    name: id,
    host: '127.0.0.1',
    port,
    hostKeys: KEY.public.trim(),
    connectTimeout: 120,
    credentials: { privateKey: KEY.private },
  });
  return [
    { id: 'tab', type: 'tab', label: 'Backup' },
    connection('silent', hole.port),
    connection('closed', closed),
    {
      id: 'hangs',
      type: 'zfs-replicate',
      name: 'Nightly',
      sourceConnection: 'to-silent',
      sourceDatasets: ['tank/data'],
      targetDataset: 'backup/data',
      ...at(60),
    },
    {
      id: 'fails',
      type: 'zfs-snapshot',
      name: 'Mail',
      connection: 'to-closed',
      datasets: ['tank/mail', 'tank/a'],
      ...at(120),
    },
    {
      id: 'later',
      type: 'zfs-snapshot',
      name: 'Yearly',
      connection: 'to-closed',
      datasets: ['tank/vm'],
      schedule: '@yearly',
      ...at(180),
    },
    {
      id: 'soon',
      type: 'zfs-snapshot',
      name: 'Hourly',
      connection: 'to-closed',
      datasets: ['tank/vm'],
      schedule: '@hourly',
      ...at(240),
    },
    {
      id: 'off',
      type: 'zfs-snapshot',
      name: 'Old server',
      connection: 'to-closed',
      datasets: ['tank'],
      enabled: false,
      ...at(300),
    },
    {
      id: 'prune',
      type: 'zfs-retention-prune',
      name: 'Thin out',
      connection: 'to-closed',
      datasets: ['tank'],
      scope: { namingSchemas: ['auto-%Y-%m-%d_%H-%M'], nameRegex: '' },
      policy: { keep: [{ type: 'last', count: 3 }] },
      mode: 'execute',
      schedule: '@daily',
      ...at(360),
    },
    { id: 'sub', type: 'subflow', name: 'One dataset', info: '', category: '', in: [], out: [], env: [] },
    {
      id: 'inner',
      type: 'zfs-snapshot',
      name: 'Inner',
      connection: 'to-closed',
      datasets: ['tank/sub'],
      z: 'sub',
      x: 200,
      y: 100,
      wires: [[], [], []],
    },
    { id: 'instance', type: 'subflow:sub', name: 'Of sub', z: 'tab', x: 260, y: 420, wires: [], env: [] },
  ];
}

export const INNER = 'instance-inner';
