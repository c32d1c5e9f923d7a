// Measures a prune of many snapshots on a lab machine beside what a person would do by hand, for the test and the bench.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { resolver, runPrune } from './support';
import { TestContext } from '../../support/test-context';

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

/** Destroys `s0` … of every dataset below `root` with one command each; milliseconds. */
async function destroyByHand(nas: Machine, root: string, datasets: number, snapshots: number): Promise<number> {
  const names = Array.from({ length: snapshots }, (_, index) => `s${index}`).join(',');
  const started = Date.now();
  await nas.sh(
    `zfs list -Hp -r -t snapshot -o name,creation "$3" >/dev/null
     i=1; while [ $i -lt "$2" ]; do zfs destroy "$3/d$i@$1" || exit; i=$((i + 1)); done; zfs destroy "$3@$1"`,
    { args: [names, String(datasets), root] },
  );
  return Date.now() - started;
}

/** Destroys so many snapshots of `dataset` with a command each; milliseconds. */
async function destroyOneByOne(nas: Machine, dataset: string, count: number): Promise<number> {
  const started = Date.now();
  const script = 'i=0; while [ $i -lt "$1" ]; do zfs destroy "$2@s$i" || exit; i=$((i + 1)); done';
  await nas.sh(script, { args: [String(count), dataset] });
  return Date.now() - started;
}

/** Prunes `root`, which holds `total` snapshots and one more of each dataset, down to the newest of each. */
async function pruneAll(
  nas: Machine,
  root: string,
  total: number,
): Promise<Omit<PruneFigures, 'byHandMs' | 'oneByOneMs'>> {
  const host = connect(nas);
  try {
    // The first connection is not what is measured.
    await host.facts();
    const commands: string[] = [];
    host.onCommand((line) => commands.push(line));
    const before = host.counters.commands;
    const raw = { datasets: [root], recursive: true, maxDestroyCount: total };
    const started = Date.now();
    const result = await runPrune(resolver({ nas: host }), raw, new TestContext());
    const pruneMs = Date.now() - started;
    assert.equal(result.destroyed.length, total);
    assert.equal(result.failed.length, 0);
    assert.equal((await nas.snapshots(root)).length, 1);
    const destroys = commands.filter((line) => /zfs destroy| program -j \S+ - each/.test(line)).length;
    const longestCommand = Math.max(...commands.map(({ length }) => length));
    return { pruneMs, destroys, roundTrips: host.counters.commands - before, longestCommand };
  } finally {
    await host.close();
  }
}

/** Prunes `datasets` × `snapshots` down to one more newest snapshot of each dataset. */
export async function measurePrune(
  nas: Machine,
  { datasets, snapshots, oneByOne }: { datasets: number; snapshots: number; oneByOne: number },
): Promise<PruneFigures> {
  const total = datasets * snapshots;
  // By hand in two halves, one before and one after the prune, since a machine is not equally busy all the time.
  const [half, rest] = [Math.ceil(datasets / 2), Math.floor(datasets / 2)];
  await fill(nas, 'tank/hand0', half, snapshots + 1);
  await fill(nas, 'tank/hand1', rest, snapshots + 1);
  await fill(nas, 'tank/node', datasets, snapshots + 1);
  if (oneByOne > 0) await fill(nas, 'tank/single', 1, oneByOne);

  const firstHalfMs = await destroyByHand(nas, 'tank/hand0', half, snapshots);
  const singlesMs = oneByOne === 0 ? 0 : await destroyOneByOne(nas, 'tank/single', oneByOne);
  const figures = await pruneAll(nas, 'tank/node', total);
  const byHandMs = firstHalfMs + (await destroyByHand(nas, 'tank/hand1', rest, snapshots));
  return { ...figures, byHandMs, oneByOneMs: oneByOne === 0 ? 0 : (singlesMs / oneByOne) * total };
}
