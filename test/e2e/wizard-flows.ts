// What the tests of the wizard begin with: tabs of each kind, two connections to nowhere, and a task to start from.
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2v6x3m1c3c1d9f8s7d6f5g4h3j2k1l0qwertyuiopas';
export const FLOWS = [
  { id: 'tab', type: 'tab', label: 'Backups' },
  { id: 'shut', type: 'tab', label: 'Shut', locked: true },
  { id: 'off', type: 'tab', label: 'Off', disabled: true },
  { id: 'sub', type: 'subflow', name: 'Sub', in: [], out: [] },
  { id: 'nas1', type: 'zfs-ssh-connection', name: 'nas1', host: 'nas1.invalid', hostKeys: KEY },
  { id: 'nas2', type: 'zfs-ssh-connection', name: 'nas2', host: 'nas2.invalid', hostKeys: KEY },
  {
    id: 'snap',
    type: 'zfs-snapshot',
    z: 'tab',
    x: 200,
    y: 100,
    connection: 'nas1',
    datasets: ['tank/home'],
    recursive: true,
    schedule: '0 3 * * *',
    retention: { keep: [{ type: 'age', value: 4, unit: 'week' }] },
    wires: [['old'], [], []],
  },
  {
    id: 'old',
    type: 'zfs-replicate',
    z: 'tab',
    x: 500,
    y: 100,
    name: 'Home to nas2',
    sourceConnection: 'nas1',
    sourceDatasets: ['tank/home'],
    recursive: true,
    exclude: ['tank/home/tmp'],
    targetConnection: 'nas2',
    targetDataset: 'backup/home',
    transport: 'ssh+tls',
    createSnapshot: 'never',
    streamCompression: 'zstd',
    wires: [[], [], []],
  },
];
/** Source of a replication, as it is typed. */
export const FILLED = { sourceDatasets: 'tank/data\ntank/vm', recursive: true, exclude: 'tank/vm/tmp' };
