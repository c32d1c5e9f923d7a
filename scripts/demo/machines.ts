// The two machines of `npm start`: nas1 has pool `tank` with data and five days of snapshots, nas2 has an empty pool
// `backup`. The examples work on `tank/data`.
import type { Lab } from '../../test/lab/lab';
import type { Machine } from '../../test/lab/machine';

export interface DemoMachines {
  nas1: Machine;
  nas2: Machine;
}

const HOURS_BETWEEN = 6;
const SNAPSHOTS = 20;

// $1: now, in seconds; $2, $3: as above. The machine's clock goes back and comes forward step by step, so that the
// snapshots really are as old as they say and the pruning example has something to delete. Names as the snapshot
// node gives them by default.
const HISTORY = `
  for d in tank/data tank/data/documents tank/data/photos; do
    zfs create "$d"
    dd if=/dev/urandom of="/$d/base.bin" bs=1M count=24 status=none
  done
  k=$3
  while [ "$k" -gt 0 ]; do
    date -u -s "@$(($1 - k * $2 * 3600))" >/dev/null
    echo "Written $((k * $2)) hours before the start." >>/tank/data/documents/notes.txt
    dd if=/dev/urandom of="/tank/data/photos/$k.bin" bs=256k count=1 status=none
    zfs snapshot -r "tank/data@$(date -u +auto-%Y-%m-%d_%H-%M)"
    k=$((k - 1))
  done
`;

export async function bootMachines(lab: Lab): Promise<DemoMachines> {
  const [nas1, nas2] = await Promise.all([
    lab.up('nas1', { pool: 'tank', disks: 2, diskMb: 2048 }),
    lab.up('nas2', { pool: 'backup', disks: 2, diskMb: 4096 }),
  ]);
  const now = Math.floor(Date.now() / 1000);
  await nas1.sh(HISTORY, { args: [String(now), String(HOURS_BETWEEN), String(SNAPSHOTS)] });
  await nas1.run(['date', '-u', '-s', `@${(Date.now() / 1000).toFixed(3)}`]);
  return { nas1, nas2 };
}
