// A random hand between the runs of one replication, on both sides: whatever it does, the plan by way of what is remembered is
// the plan of full listings. UNCHANGED_SEED repeats it; UNCHANGED_SECONDS makes it longer.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { toZfsFlowError } from '../../../src/base/errors';
import { Unchanged } from '../../../src/replication/discover/unchanged';
import type { Lister } from '../../../src/replication/discover/discover';
import type { ReplicationPlan } from '../../../src/replication/plan/plan-types';
import { emptyResult, ResultBook } from '../../../src/replication/report/result-book';
import { look, planAttempt } from '../../../src/replication/run/plan-attempt';
import { RunState } from '../../../src/replication/run/run-state';
import { parseReplicateOptions } from '../../../src/replication/setup/check-options';
import { prepareRun } from '../../../src/replication/setup/setup';
import type { Machine } from '../../lab/machine';
import type { Engine } from '../../support/engine';
import { snapshotListings, TO_BE_OLD_MS } from '../../support/listings';
import { usePair } from '../../support/machines';
import { randomFrom } from '../../support/random';

const SEED = Number(process.env['UNCHANGED_SEED'] ?? Date.now() % 1_000_000);
const SECONDS = Number(process.env['UNCHANGED_SECONDS'] ?? 50);
const SOURCE = 'tank/walk';
const TARGET = 'backup/walk';
const CHILDREN = 8;

describe(`replication where little changes (UNCHANGED_SEED=${SEED})`, function () {
  this.timeout(SECONDS * 1000 + 240_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;
  const random = randomFrom(SEED);
  const log: string[] = [];
  const raw = {
    sourceConnection: 'a',
    targetConnection: 'b',
    sourceDatasets: [SOURCE],
    targetDataset: TARGET,
    recursive: true,
    createSnapshot: 'never',
    whenDiverged: 'rollback',
    snapshotSelection: 'regex',
    nameRegex: '^s.*',
    retries: 1,
    retryDelay: 0.2,
  };

  usePair((pair) => ({ a, b, engine } = pair));

  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];

  async function list(machine: Machine, root: string, kind = 'snapshot'): Promise<string[]> {
    const argv = ['zfs', 'list', '-H', '-r', '-t', kind, '-o', 'name', root];
    const { stdout, code } = await machine.run(argv, { check: false });
    return code === 0 ? stdout.split('\n').filter(Boolean) : [];
  }

  /** ZFS may refuse it: then nothing has happened. */
  async function attempt(machine: Machine, ...argv: string[]): Promise<void> {
    const { code } = await machine.run(argv, { check: false });
    log.push(`  ${machine.name}: ${argv.join(' ')}${code === 0 ? '' : ' (refused)'}`);
  }

  const child = async (machine: Machine, root: string): Promise<string> =>
    pick((await list(machine, root, 'filesystem')).filter((name) => name !== root)) ?? root;

  const free = async (snapshot: string): Promise<void> => {
    await b.run(['zfs', 'release', 'zfsflow_last', snapshot], { check: false });
  };

  /** What leaves all other datasets as they are. */
  const small: Readonly<Record<string, () => Promise<unknown>>> = {
    take: async () => attempt(a, 'zfs', 'snapshot', `${await child(a, SOURCE)}@s${++counter}`),
    takeUnwanted: async () => attempt(a, 'zfs', 'snapshot', `${await child(a, SOURCE)}@u${++counter}`),
    destroy: async () => attempt(a, 'zfs', 'destroy', pick(await list(a, SOURCE)) ?? ''),
    rename: async () => attempt(a, 'zfs', 'rename', pick(await list(a, SOURCE)) ?? '', `s${++counter}`),
    hold: async () => attempt(a, 'zfs', 'hold', `x${++counter}`, pick(await list(a, SOURCE)) ?? ''),
    bookmark: async () => {
      const one = pick(await list(a, SOURCE)) ?? '';
      await attempt(a, 'zfs', 'bookmark', one, `${one.split('@')[0]}#k${++counter}`);
    },
    unmark: async () => attempt(a, 'zfs', 'destroy', pick(await list(a, SOURCE, 'bookmark')) ?? ''),
    write: async () => a.writeFile(await child(a, SOURCE), 'file', String(++counter)),
    setProperty: async () => attempt(a, 'zfs', 'set', `compression=${pick(['lz4', 'zstd', 'off'])}`, await child(a, SOURCE)), // prettier-ignore
    theirs: async () => attempt(b, 'zfs', 'snapshot', `${await child(b, TARGET)}@t${++counter}`),
    destroyCopy: async () => {
      const one = pick(await list(b, TARGET)) ?? '';
      await free(one);
      await attempt(b, 'zfs', 'destroy', one);
    },
    renameCopy: async () => attempt(b, 'zfs', 'rename', pick(await list(b, TARGET)) ?? '', `s${++counter}`),
    rollBack: async () => {
      const one = pick(await list(b, TARGET)) ?? '';
      for (const name of await list(b, one.split('@')[0] ?? '')) await free(name);
      await attempt(b, 'zfs', 'rollback', '-r', one);
    },
    modify: async () => {
      const script = 'zfs set readonly=off "$1"; zfs mount "$1"; at=$(zfs get -H -o value mountpoint "$1"); echo "$2" >"$at/theirs"; zfs unmount "$1"; zpool sync backup'; // prettier-ignore
      await b.sh(`{ ${script}; } || :`, { args: [await child(b, TARGET), String(++counter)] });
      log.push('  b: written to a copy');
    },
    partial: async () => {
      const source = await child(a, SOURCE);
      const [base, last] = [(await list(a, source))[0] ?? '', `${source}@s${++counter}`];
      await a.writeRandom(source, 'big', 2);
      await a.snapshot(source, `s${counter}`);
      await a.sh('zfs send -i "$1" "$2" | head -c 1000000 | ssh b zfs receive -s -u "$3" || :', {
        args: [base, last, source.replace(SOURCE, TARGET)],
      });
      log.push(`  b: perhaps a partial receive of ${last}`);
    },
    unsetMark: async () => attempt(b, 'zfs', 'inherit', 'zfsflow:destination', await child(b, TARGET)),
    beside: async () => {
      const name = `${TARGET}/own${++counter}`;
      if (random() < 0.3) await attempt(b, 'zfs', 'create', name);
      await attempt(b, 'zfs', 'snapshot', `${name}@own`);
    },
  };
  const large: Readonly<Record<string, () => Promise<unknown>>> = {
    takeAll: async () => attempt(a, 'zfs', 'snapshot', '-r', `${SOURCE}@s${++counter}`),
    renameChild: async () => attempt(a, 'zfs', 'rename', await child(a, SOURCE), `${SOURCE}/n${++counter}`),
    create: async () => attempt(a, 'zfs', 'create', `${SOURCE}/c${++counter}`),
    destroyChild: async () => attempt(a, 'zfs', 'destroy', '-R', await child(a, SOURCE)),
    clone: async () => {
      const name = `${SOURCE}/clone${++counter}`;
      await attempt(a, 'zfs', 'clone', pick(await list(a, SOURCE)) ?? '', name);
      await attempt(a, 'zfs', 'snapshot', `${name}@s${counter}`);
    },
    promote: async () => {
      const origins = await a.read([
        'zfs',
        'get',
        '-H',
        '-r',
        '-t',
        'filesystem',
        '-o',
        'name,value',
        'origin',
        SOURCE,
      ]);
      const clones = origins.split('\n').flatMap((line) => (line.endsWith('\t-') ? [] : (line.split('\t')[0] ?? [])));
      const one = pick(clones);
      if (one !== undefined) await attempt(a, 'zfs', 'promote', one);
    },
    moveCopy: async () => attempt(b, 'zfs', 'rename', await child(b, TARGET), `backup/away${++counter}`),
    swap: async () => {
      const [one, other] = [await child(a, SOURCE), await child(a, SOURCE)];
      if (one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`)) return;
      await attempt(a, 'zfs', 'rename', one, 'tank/between');
      await attempt(a, 'zfs', 'rename', other, one);
      await attempt(a, 'zfs', 'rename', 'tank/between', other);
    },
  };

  /** The plan of one attempt, by what is remembered or by full listings; or the error that a look ends with. */
  async function planBy(
    list?: (unchanged: Unchanged) => Lister,
  ): Promise<{ plan: ReplicationPlan | string; listed: string[] }> {
    const ctx = engine.context();
    const options = parseReplicateOptions(raw);
    const listings = snapshotListings(engine);
    try {
      const run = { ...(await prepareRun(options, engine.resolve, ctx)), ctx };
      const unchanged = Unchanged.of(run);
      assert.ok(unchanged);
      const state = new RunState(options, new ResultBook(emptyResult('', '', new Date(0), 'ssh')), ctx);
      const { plan } = await planAttempt(run, state, await look(run, list?.(unchanged)));
      return { plan, listed: listings.end() };
    } catch (thrown) {
      return { plan: toZfsFlowError(thrown).message, listed: listings.end() };
    }
  }

  const seen = { none: 0, some: 0, all: 0 };

  /** The plans are compared, then a run goes on as it likes; true where all was listed. */
  async function compareAndRun(): Promise<boolean> {
    const slow = await planBy();
    const fast = await planBy((unchanged) => (setup, ctx) => unchanged.list(setup, ctx));
    const inFull = fast.listed.some((line) => line.includes(' -r '));
    const how = fast.listed.length === 0 ? 'none' : inFull ? 'all' : 'some';
    seen[how]++;
    log.push(`compared, listed: ${how}`);
    assert.deepEqual(fast.plan, slow.plan);
    await engine.replicate(raw).catch(async (thrown: unknown) => {
      log.push(`  ${toZfsFlowError(thrown).code}: ${toZfsFlowError(thrown).message}`);
      // What is in the way goes aside, as a person would have it.
      await attempt(b, 'zfs', 'rename', TARGET, `backup/old${++counter}`);
      await engine.replicate(raw).catch(() => undefined);
    });
    return how === 'all';
  }

  it('plans what full listings would have it plan', async () => {
    await a.createDataset(SOURCE);
    for (let index = 0; index < CHILDREN; index++) await a.createDataset(`${SOURCE}/d${index}`);
    for (let index = 0; index < 3; index++) await a.snapshot(SOURCE, `s${++counter}`, { recursive: true });
    try {
      await engine.replicate(raw);
      for (const end = Date.now() + SECONDS * 1000; Date.now() < end;) {
        await sleep(TO_BE_OLD_MS);
        await engine.replicate(raw).catch(() => undefined);
        for (let round = 0, isLost = false; round < 6 && !isLost; round++) {
          log.push('round');
          const moves = random() < 0.15 ? large : small;
          for (let count = 0; count < Math.floor(random() * 3); count++) await pick(Object.values(moves))?.();
          isLost = await compareAndRun();
        }
      }
      console.log(`      snapshots listed of no dataset ${seen.none} times, of some ${seen.some}, of all ${seen.all}`);
      assert.ok(seen.none + seen.some > 0, 'what is remembered was never used');
    } catch (error) {
      console.error(log.map((line) => `      ${line}`).join('\n'));
      throw error;
    }
  });
});
