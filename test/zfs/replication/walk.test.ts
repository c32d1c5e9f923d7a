// A seeded random walk: snapshots come, go and are renamed on both sides, bookmarks vanish, files are written to the copy,
// controllers die in the middle, and divergence is refused, rolled back or rotated. Whatever happens: replication takes
// nothing from the target that its policy does not allow, what both sides share survives, and runs that are let alone
// reach the source's state. WALK_SEED repeats a walk; WALK_SECONDS makes it longer.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../src/base/errors';
import type { Machine } from '../../lab/machine';
import { connectOptions, Engine, marks } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';
import { Life, MortalHost } from '../../support/mortal';
import { randomFrom } from '../../support/random';

const SEED = Number(process.env['WALK_SEED'] ?? Date.now() % 1_000_000);
const SECONDS = Number(process.env['WALK_SECONDS'] ?? 40);
const SOURCE = 'tank/walk a';
const TARGET = 'backup/walk';

const MODES = ['refuse', 'refuse', 'refuse', 'rollback', 'rotate'] as const;
type Mode = (typeof MODES)[number];

interface Entry {
  name: string;
  guid: string;
}

describe(`replication on a random walk (WALK_SEED=${SEED})`, function () {
  this.timeout(SECONDS * 1000 + 180_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  const random = randomFrom(SEED);
  const log: string[] = [];
  /** GUIDs on the target that the walk itself has destroyed, and those of snapshots that it took there. */
  const destroyed = new Set<string>();
  const foreign = new Set<string>();
  /** Somebody wrote to the target after its newest snapshot. */
  let written = false;
  let counter = 0;
  const options = {
    ...relay,
    sourceDatasets: [SOURCE],
    targetDataset: TARGET,
    // Taken again in the same minute or second, a snapshot would get the name of one that exists or that the walk has destroyed.
    namingSchemas: ['auto-%Y-%m-%d_%H-%M-%S-%f'],
    retries: 2,
  };

  usePair((pair) => ({ a, b, engine } = pair));
  before(async () => {
    await a.createDataset(SOURCE);
  });

  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const onTarget = (): Promise<Entry[]> => b.snapshots(TARGET);

  /** A change that ZFS may refuse (a held snapshot, say): then nothing has happened. */
  async function attempt(machine: Machine, argv: readonly string[]): Promise<boolean> {
    const { code } = await machine.run(argv, { check: false });
    log.push(`${argv.join(' ')}${code === 0 ? '' : ' (refused)'}`);
    return code === 0;
  }

  const moves: Readonly<Record<string, () => Promise<void>>> = {
    snapshot: async () => {
      const name = `s${++counter}${random() < 0.3 ? ' x' : ''}`;
      await a.writeFile(SOURCE, `file${counter % 5}`, name.repeat(Math.ceil(random() * 50)));
      await attempt(a, ['zfs', 'snapshot', `${SOURCE}@${name}`]);
    },
    destroy: async () => {
      const one = pick(await a.snapshots(SOURCE));
      if (one) await attempt(a, ['zfs', 'destroy', `${SOURCE}@${one.name}`]);
    },
    rename: async () => {
      const one = pick(await a.snapshots(SOURCE));
      if (one) await attempt(a, ['zfs', 'rename', `${SOURCE}@${one.name}`, `r${++counter}`]);
    },
    unmark: async () => {
      // Never the newest: with it and its snapshot nothing would be shared any more, by nobody's fault but the walk's.
      const one = pick((await a.bookmarks(SOURCE)).slice(0, -1));
      const newest = (await onTarget()).findLast(({ guid }) => !foreign.has(guid));
      if (one && one.guid !== newest?.guid) await attempt(a, ['zfs', 'destroy', `${SOURCE}#${one.name}`]);
    },
    theirs: async () => {
      await attempt(b, ['zfs', 'snapshot', `${TARGET}@t${++counter}`]);
      const guid = (await onTarget()).at(-1)?.guid;
      if (guid !== undefined) foreign.add(guid);
    },
    theirsAway: async () => {
      for (const { name, guid } of await onTarget()) {
        if (!foreign.has(guid)) continue;
        assert.ok(await attempt(b, ['zfs', 'destroy', `${TARGET}@${name}`]));
        foreign.delete(guid);
        destroyed.add(guid);
      }
      // What their snapshots had kept of what was written to the copy is newer than the newest again.
      written ||= (await b.exists(TARGET)) && Number(await b.property(TARGET, 'written')) > 0;
    },
    destroyCopy: async () => {
      const all = (await onTarget()).filter(({ guid }) => !foreign.has(guid));
      const one = pick(all.slice(0, -1));
      if (one && (await attempt(b, ['zfs', 'destroy', `${TARGET}@${one.name}`]))) destroyed.add(one.guid);
    },
    renameCopy: async () => {
      const one = pick(await onTarget());
      if (one) await attempt(b, ['zfs', 'rename', `${TARGET}@${one.name}`, `c${++counter}`]);
    },
    die: async () => {
      const life = new Life(Math.floor(random() * 14));
      const mortal = new Engine();
      for (const machine of [a, b]) mortal.hosts.set(machine.name, new MortalHost(connectOptions(machine), life));
      await replicate(mortal, pick(MODES) ?? 'refuse', 1);
      await mortal.close();
      log.push(`died before: ${life.last}`);
    },
    write: async () => {
      await attempt(b, ['zfs', 'set', 'readonly=off', TARGET]);
      await attempt(b, ['zfs', 'mount', TARGET]);
      await b.writeFile(TARGET, 'theirs', `${++counter}`);
      await attempt(b, ['zfs', 'unmount', TARGET]);
      await b.run(['zpool', 'sync', 'backup']);
      written = Number(await b.property(TARGET, 'written')) > 0;
    },
    run: async () => replicate(engine, pick(MODES) ?? 'refuse'),
  };

  function acceptable(error: unknown, mode: Mode): void {
    assert.ok(error instanceof ZfsFlowError, String(error));
    log.push(`${error.code}: ${error.message}`);
    const refused = mode === 'refuse' && (foreign.size > 0 || written);
    const fine = error.code === 'CANCELLED' || (refused && /^TARGET_(DIVERGED|MODIFIED)$/.test(error.code));
    assert.ok(fine, `${error.code}: ${error.message}`);
  }

  /** A run; what its policy let it take from the target is counted as destroyed, and nothing else. */
  async function replicate(by: Engine, whenDiverged: Mode, retries = 2): Promise<void> {
    log.push(`run (${whenDiverged})`);
    const [before, known] = [await everywhere(), await onSource()];
    await by
      .replicate({ ...options, retries, whenDiverged })
      .then(() => (written = false))
      .catch((error: unknown) => acceptable(error, whenDiverged));
    if (whenDiverged === 'refuse') return;
    if (await b.exists(TARGET)) written &&= Number(await b.property(TARGET, 'written')) > 0;
    const now = await everywhere();
    for (const guid of before.filter((one) => !now.includes(one))) {
      assert.ok(whenDiverged === 'rollback' && !known.has(guid), `${guid} was lost by ${whenDiverged}`);
      destroyed.add(guid);
    }
    const left = (await b.exists(TARGET)) ? new Set((await onTarget()).map(({ guid }) => guid)) : new Set();
    for (const guid of foreign) if (!left.has(guid)) foreign.delete(guid);
  }

  /** GUIDs of all snapshots on the target's pool, old copies included. */
  async function everywhere(): Promise<string[]> {
    return (await b.read(['zfs', 'list', '-H', '-t', 'snapshot', '-o', 'guid', '-r', 'backup'])).split('\n');
  }

  async function onSource(): Promise<Set<string>> {
    return new Set([...(await a.snapshots(SOURCE)), ...(await a.bookmarks(SOURCE))].map(({ guid }) => guid));
  }

  /** Nothing that was on the target's pool is missing, and the newest of the copy is still known to the source. */
  async function check(before: readonly string[]): Promise<void> {
    const there = new Set(await everywhere());
    const lost = before.filter((guid) => !there.has(guid) && !destroyed.has(guid));
    assert.deepEqual(lost, [], 'lost on the target');
    // A rotation that died has the copy elsewhere until the next run, or a clone of it here that has no snapshots yet.
    if (!(await b.exists(TARGET)) || (await onTarget()).length === 0) await replicate(engine, 'rotate');
    const now = await onTarget();
    const known = await onSource();
    const newest = now.findLast(({ guid }) => !foreign.has(guid));
    assert.ok(newest && known.has(newest.guid), `the newest of the target, @${newest?.name}, is unknown to the source`);
  }

  it('loses nothing, keeps what is shared, and arrives', async () => {
    try {
      await moves['snapshot']?.();
      await replicate(engine, 'refuse');
      const weighted = 'snapshot snapshot run die die die theirsAway theirsAway'.split(' ').concat(Object.keys(moves));
      for (const end = Date.now() + SECONDS * 1000; Date.now() < end;) {
        const before = await everywhere();
        await moves[pick(weighted) ?? 'run']?.();
        await check(before);
      }
      await moves['theirsAway']?.();
      await moves['snapshot']?.();
      await replicate(engine, 'rollback');
      await arrived();
    } catch (error) {
      console.error(log.map((line) => `      ${line}`).join('\n'));
      throw error;
    }
  });

  async function arrived(): Promise<void> {
    const [left, right] = await Promise.all([a.snapshots(SOURCE), onTarget()]);
    const there = new Set([...right.map(({ guid }) => guid), ...destroyed]);
    assert.deepEqual(
      left.filter(({ guid }) => !there.has(guid)),
      [],
      'not on the target',
    );
    assert.equal(right.at(-1)?.guid, left.at(-1)?.guid);
    assert.equal(await b.digest(`${TARGET}@${right.at(-1)?.name}`), await a.digest(`${SOURCE}@${left.at(-1)?.name}`));
    const [source, target] = [await marks(a, SOURCE), await marks(b, TARGET)];
    assert.deepEqual([source.tentative, source.holds], [[], []]);
    assert.ok(source.final.length <= 16);
    assert.deepEqual(target.holds, [`${right.at(-1)?.name}:zfsflow_last`]);
  }
});
