// The two machines of `npm start`: nas1 has pool `tank` with data and a few snapshots, nas2 has an empty pool `backup`.
import type { Lab } from '../test/lab/lab';
import type { Machine } from '../test/lab/machine';

export interface DemoMachines {
  nas1: Machine;
  nas2: Machine;
}

/** File systems of nas1 that have files; `tank/data` is what the examples work on. */
const DATASETS = ['tank/data', 'tank/data/documents', 'tank/data/photos', 'tank/www'];

export async function bootMachines(lab: Lab): Promise<DemoMachines> {
  const [nas1, nas2] = await Promise.all([
    lab.up('nas1', { pool: 'tank', disks: 2, diskMb: 2048 }),
    lab.up('nas2', { pool: 'backup', disks: 2, diskMb: 4096 }),
  ]);
  for (const dataset of DATASETS) await nas1.createDataset(dataset);
  // Three nights ago, two nights ago, last night: something changes between any two.
  for (const days of [3, 2, 1]) {
    for (const dataset of DATASETS) await nas1.writeRandom(dataset, `day-${days}.bin`, 8);
    await nas1.writeFile('tank/data/documents', 'notes.txt', `Written ${days} days ago.\n`);
    await nas1.snapshot('tank/data', nameOf(days), { recursive: true });
    await nas1.snapshot('tank/www', nameOf(days));
  }
  return { nas1, nas2 };
}

/** As the snapshot node names them by default, `auto-%Y-%m-%d_%H-%M`, at midnight of the machine's UTC. */
function nameOf(daysAgo: number): string {
  const date = new Date(Date.now() - daysAgo * 86_400_000);
  return `auto-${date.toISOString().slice(0, 10)}_00-00`;
}
