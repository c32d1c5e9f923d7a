// Measures a prune of many snapshots on a lab machine beside what a person would do by hand, for the test and the bench.
import assert from 'node:assert/strict';
import type { Machine } from '../lab/machine';
import { connect } from './engine';
import { resolver, runPrune } from './retention-support';
import { TestContext } from './test-context';

export interface PruneFigures {
  pruneMs: number;
  /** A listing, and one `zfs destroy` for each dataset. */
  byHandMs: number;
  /** The time that as many commands of one snapshot each would take, from a sample; 0 without one. */
  oneByOneMs: number;
  destroys: number;
  roundTrips: number;
  longestCommand: number;
}

async function fill(nas: Machine, root: string, datasets: number, snapshots: number): Promise<void> {
  await nas.sh(
    `zfs create -u "$1" && i=1; while [ $i -lt "$2" ]; do zfs create -u "$1/d$i" || exit; i=$((i + 1)); done
     i=0; while [ $i -lt "$3" ]; do zfs snapshot -r "$1@s$i" || exit; i=$((i + 1)); done; zpool sync`,
    { args: [root, String(datasets), String(snapshots)] },
  );
}

/** Prunes `datasets` × `snapshots` down to one more newest snapshot of each dataset. */
export async function measurePrune(
  nas: Machine,
  size: { datasets: number; snapshots: number; oneByOne: number },
): Promise<PruneFigures> {
  const { datasets, snapshots, oneByOne } = size;
  const total = datasets * snapshots;
  // By hand in two halves, one before and one after the prune, since a machine is not equally busy all the time.
  const halves = [Math.ceil(datasets / 2), Math.floor(datasets / 2)];
  await fill(nas, 'tank/hand0', halves[0] ?? 0, snapshots + 1);
  await fill(nas, 'tank/hand1', halves[1] ?? 0, snapshots + 1);
  await fill(nas, 'tank/node', datasets, snapshots + 1);
  if (oneByOne > 0) await fill(nas, 'tank/single', 1, oneByOne);

  const names = Array.from({ length: snapshots }, (_, index) => `s${index}`).join(',');
  const byHand = async (half: number): Promise<number> => {
    const started = Date.now();
    await nas.sh(
      `zfs list -Hp -r -t snapshot -o name,creation "$3" >/dev/null
       i=1; while [ $i -lt "$2" ]; do zfs destroy "$3/d$i@$1" || exit; i=$((i + 1)); done; zfs destroy "$3@$1"`,
      { args: [names, String(halves[half] ?? 0), `tank/hand${half}`] },
    );
    return Date.now() - started;
  };
  const firstHalfMs = await byHand(0);

  const singleStarted = Date.now();
  if (oneByOne > 0) {
    const script = 'i=0; while [ $i -lt "$1" ]; do zfs destroy "tank/single@s$i" || exit; i=$((i + 1)); done';
    await nas.sh(script, { args: [String(oneByOne)] });
  }
  const oneByOneMs = oneByOne === 0 ? 0 : ((Date.now() - singleStarted) / oneByOne) * total;

  const host = connect(nas);
  try {
    // The first connection is not what is measured.
    await host.facts();
    const commands: string[] = [];
    host.onCommand((line) => commands.push(line));
    const roundTrips = host.counters.commands;
    const raw = { datasets: ['tank/node'], recursive: true, maxDestroyCount: total };
    const started = Date.now();
    const result = await runPrune(resolver({ nas: host }), raw, new TestContext());
    const pruneMs = Date.now() - started;
    const byHandMs = firstHalfMs + (await byHand(1));
    assert.equal(result.destroyed.length, total);
    assert.equal(result.failed.length, 0);
    assert.equal((await nas.snapshots('tank/node')).length, 1);
    const destroys = commands.filter((line) => /zfs destroy| program -j \S+ - each/.test(line)).length;
    const longestCommand = Math.max(...commands.map(({ length }) => length));
    const trips = host.counters.commands - roundTrips;
    return { pruneMs, byHandMs, oneByOneMs, destroys, roundTrips: trips, longestCommand };
  } finally {
    await host.close();
  }
}
