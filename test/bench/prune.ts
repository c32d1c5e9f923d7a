// Pruning ten thousand snapshots beside the same batches written by hand and beside one command each (a share of them,
// scaled up): times, commands, and what each step costs.
// `npx tsx test/bench/prune.ts [datasets] [snapshots]`, default 100 × 100.
import { Lab } from '../lab/lab';
import { measurePrune } from '../zfs/retention/measure';
import { main, report, round, surroundings } from './support';

const [datasets, snapshots] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 100)];
/** Snapshots destroyed one by one. */
const SAMPLE = 200;

main(async () => {
  const lab = await Lab.create();
  try {
    const nas = await lab.up('nas', { pool: 'tank', mem: 1536 });
    const found = await measurePrune(nas, { datasets, snapshots, oneByOne: SAMPLE });
    const total = datasets * snapshots;
    const byOne = found.oneByOneMs / 1000;
    const [prune, hand] = [found.pruneMs / 1000, found.byHandMs / 1000];
    report(
      'prune',
      [
        { what: `${total} snapshots, prune`, value: `${round(prune, 1)} s` },
        {
          what: 'batches by hand, with the listing that they need',
          value: `${round(hand, 1)} s`,
          goal: { text: 'prune takes at most 1.2 times as long', met: prune <= hand * 1.2 },
        },
        {
          what: `one by one (${SAMPLE} of them, scaled)`,
          value: `${round(byOne, 1)} s`,
          goal: { text: 'prune takes a tenth', met: prune * 10 <= byOne },
        },
        {
          what: 'commands that destroy',
          value: String(found.destroys),
          goal: { text: `about ${total / 100}`, met: found.destroys <= total / 100 + 10 },
        },
        { what: 'round trips in all', value: String(found.roundTrips) },
      ],
      { ...surroundings(lab), ...found, total },
    );
  } finally {
    await lab.close();
  }
});
