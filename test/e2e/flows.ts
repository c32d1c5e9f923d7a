// One node of each type, for the tests of their dialogs.
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2v6x3m1c3c1d9f8s7d6f5g4h3j2k1l0qwertyuiopas';

const at = (y: number): object => ({ z: 'tab', x: 300, y, wires: [[], [], []] });

/** As short as the contract allows: what is missing means its default. */
export const FLOWS = [
  { id: 'tab', type: 'tab', label: 'Dialogs' },
  { id: 'nas1', type: 'zfs-ssh-connection', name: 'nas1', host: 'nas1.invalid', hostKeys: HOST_KEY },
  {
    id: 'nas2',
    type: 'zfs-ssh-connection',
    name: 'nas2',
    host: 'nas2.invalid',
    username: 'backup',
    hostKeys: HOST_KEY,
  },
  { id: 'snapshot', type: 'zfs-snapshot', datasets: ['tank/data'], ...at(100) },
  { id: 'list', type: 'zfs-list-snapshots', ...at(200) },
  {
    id: 'replicate',
    type: 'zfs-replicate',
    sourceConnection: 'nas1',
    sourceDatasets: ['tank/data'],
    targetConnection: 'nas2',
    targetDataset: 'backup/data',
    ...at(300),
  },
  {
    id: 'prune',
    type: 'zfs-retention-prune',
    datasets: ['tank/data'],
    scope: { namingSchemas: ['auto-%Y-%m-%d_%H-%M'], nameRegex: '' },
    policy: { keep: [{ type: 'last', count: 3 }] },
    ...at(400),
  },
  {
    id: 'verify',
    type: 'zfs-verify',
    sourceConnection: 'nas1',
    sourceDatasets: ['tank/data'],
    targetConnection: 'nas2',
    targetDataset: 'backup/data',
    ...at(500),
  },
];
export const ACTION_NODES = ['snapshot', 'list', 'replicate', 'prune', 'verify'];
