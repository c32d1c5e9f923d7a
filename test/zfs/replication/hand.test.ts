// A hand interferes at random commands of a run, on both sides: it destroys, renames, rolls back, takes, makes and promotes.
// Whatever it does: nothing is lost that it did not destroy, the result names only what arrived, the run ends with success or
// with an error that is right, and an undisturbed run afterwards succeeds and leaves nothing of ours behind.
// HAND_SEED repeats it; HAND_SECONDS makes it longer.
import assert from 'node:assert/strict';
import { ZfsFlowError, type ErrorCode } from '../../../src/base/errors';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import type { Machine } from '../../lab/machine';
import { connectOptions, Engine } from '../../support/engine';
import { HandHost } from '../../support/hand';
import { usePair } from '../../support/machines';
import { randomFrom } from '../../support/random';

const SEED = Number(process.env['HAND_SEED'] ?? Date.now() % 1_000_000);
const SECONDS = Number(process.env['HAND_SECONDS'] ?? 40);
const SOURCE = 'tank/hand';
const TARGET = 'backup/hand';

interface Entry {
  dataset: string;
  name: string;
  guid: string;
}

const isOurs = (name: string): boolean => name.startsWith('zfsflow');

describe(`replication beside a hand that interferes (HAND_SEED=${SEED})`, function () {
  this.timeout(SECONDS * 1000 + 240_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  const random = randomFrom(SEED);
  const log: string[] = [];
  let counter = 0;
  /** GUIDs that the hand destroyed, of all snapshots ever seen, and of those that it took on the target. */
  const destroyed = new Set<string>();
  const seen = new Set<string>();
  const foreign = new Set<string>();
  /** Names that the source's snapshots have had, by GUID; and which errors what the hand did makes right. */
  const names = new Map<string, Set<string>>();
  let right = new Set<ErrorCode>();
  const options = {
    sourceConnection: 'a',
    targetConnection: 'b',
    sourceDatasets: [SOURCE],
    targetDataset: TARGET,
    recursive: true,
    createSnapshot: 'never',
    retries: 2,
  };

  usePair((pair) => ({ a, b, engine } = pair));

  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];

  async function list(machine: Machine, root: string, kind: 'snapshot' | 'bookmark' = 'snapshot'): Promise<Entry[]> {
    const argv = ['zfs', 'list', '-Hp', '-r', '-t', kind, '-o', 'name,guid', '-s', 'createtxg', root];
    const { stdout, code } = await machine.run(argv, { check: false });
    if (code !== 0) return [];
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [, dataset = '', name = '', guid = ''] = /^(.*?)[@#](.*)\t(.*)$/.exec(line) ?? [];
        return { dataset, name, guid };
      });
  }

  const onSource = (): Promise<Entry[]> => list(a, 'tank');
  const onTarget = (): Promise<Entry[]> => list(b, 'backup');

  /** Takes down what is there. */
  async function look(): Promise<Set<string>> {
    const [left, there] = await Promise.all([onSource(), onTarget()]);
    for (const { guid, name } of left) names.set(guid, (names.get(guid) ?? new Set()).add(name));
    for (const { guid } of there) seen.add(guid);
    return new Set(there.map(({ guid }) => guid));
  }

  /** ZFS may refuse it (a held snapshot, say): then nothing has happened. */
  async function attempt(machine: Machine, ...argv: string[]): Promise<boolean> {
    const before = await look();
    const { code } = await machine.run(argv, { check: false });
    const after = await look();
    for (const guid of before) if (machine === b && !after.has(guid)) destroyed.add(guid);
    log.push(`  ${machine.name}: ${argv.join(' ')}${code === 0 ? '' : ' (refused)'}`);
    return code === 0;
  }

  const children = async (machine: Machine, root: string): Promise<string[]> =>
    (await machine.exists(root)) ? (await machine.datasets(root)).filter((name) => name !== root) : [];
  const copy = async (): Promise<Entry | undefined> =>
    pick((await onTarget()).filter(({ dataset, guid }) => dataset.startsWith(TARGET) && !foreign.has(guid)));

  const moves: Readonly<Record<string, () => Promise<unknown>>> = {
    take: async () => attempt(a, 'zfs', 'snapshot', '-r', `${SOURCE}@s${++counter}`),
    takeOne: async () => attempt(a, 'zfs', 'snapshot', `${pick(await a.datasets(SOURCE))}@o${++counter}`),
    destroy: async () => {
      const one = pick(await list(a, SOURCE));
      if (one) await attempt(a, 'zfs', 'destroy', `${one.dataset}@${one.name}`);
    },
    destroyNewest: async () => {
      const one = (await list(a, SOURCE)).at(-1);
      if (one) await attempt(a, 'zfs', 'destroy', `${one.dataset}@${one.name}`);
    },
    rename: async () => {
      const one = pick(await list(a, SOURCE));
      if (one) await attempt(a, 'zfs', 'rename', `${one.dataset}@${one.name}`, `r${++counter}`);
    },
    make: async () => {
      const name = `${SOURCE}/m${++counter}`;
      await attempt(a, 'zfs', 'create', name);
      await attempt(a, 'zfs', 'snapshot', `${name}@first`);
    },
    destroyChild: async () => {
      const child = pick(await children(a, SOURCE));
      if (child !== undefined && (await attempt(a, 'zfs', 'destroy', '-r', child))) right.add('DATASET_NOT_FOUND');
    },
    renameChild: async () => {
      const child = pick(await children(a, SOURCE));
      if (child !== undefined) await attempt(a, 'zfs', 'rename', child, `${SOURCE}/n${++counter}`);
    },
    promote: async () => {
      const child = pick(await children(a, SOURCE));
      const one = child === undefined ? undefined : (await list(a, child)).at(-1);
      if (!one) return;
      const clone = `tank/clone${++counter}`;
      if (!(await attempt(a, 'zfs', 'clone', `${one.dataset}@${one.name}`, clone))) return;
      if (await attempt(a, 'zfs', 'promote', clone)) right.add('NO_COMMON_SNAPSHOT');
    },
    destroyCopy: async () => {
      const one = await copy();
      if (!one) return;
      await b.run(['zfs', 'release', 'zfsflow_last', `${one.dataset}@${one.name}`], { check: false });
      await attempt(b, 'zfs', 'destroy', `${one.dataset}@${one.name}`);
    },
    renameCopy: async () => {
      const one = await copy();
      if (one) await attempt(b, 'zfs', 'rename', `${one.dataset}@${one.name}`, `c${++counter}`);
    },
    rollBack: async () => {
      const one = await copy();
      if (!one) return;
      for (const { dataset, name } of await list(b, one.dataset)) {
        await b.run(['zfs', 'release', 'zfsflow_last', `${dataset}@${name}`], { check: false });
      }
      await attempt(b, 'zfs', 'rollback', '-r', `${one.dataset}@${one.name}`);
    },
    destroyTarget: async () => {
      const child = pick(await children(b, TARGET));
      if (child === undefined) return;
      for (const { dataset, name } of await list(b, child)) {
        await b.run(['zfs', 'release', 'zfsflow_last', `${dataset}@${name}`], { check: false });
      }
      await attempt(b, 'zfs', 'destroy', '-r', child);
    },
    moveTarget: async () => {
      const child = pick(await children(b, TARGET));
      if (child !== undefined) await attempt(b, 'zfs', 'rename', child, `backup/away${++counter}`);
    },
    theirs: async () => {
      const dataset = pick((await b.exists(TARGET)) ? await b.datasets(TARGET) : []);
      if (dataset === undefined) return;
      const name = `t${++counter}`;
      if (!(await attempt(b, 'zfs', 'snapshot', `${dataset}@${name}`))) return;
      const one = (await list(b, dataset)).find((entry) => entry.dataset === dataset && entry.name === name);
      if (one) foreign.add(one.guid);
      for (const code of ['TARGET_DIVERGED', 'NO_COMMON_SNAPSHOT'] as const) right.add(code);
    },
  };

  async function theirsAway(): Promise<void> {
    for (const { dataset, name, guid } of await onTarget()) {
      if (foreign.has(guid)) await attempt(b, 'zfs', 'destroy', `${dataset}@${name}`);
    }
    foreign.clear();
  }

  /** An engine beside which the hand acts before these commands, counted over both sides. */
  function disturbed(at: readonly number[]): Engine {
    const other = new Engine();
    let count = 0;
    for (const machine of [a, b]) {
      const host = new HandHost(connectOptions(machine));
      host.each((command) => {
        if (!at.includes(count++)) return undefined;
        return async () => {
          log.push(` before "${command.slice(0, 120)}"`);
          // What stood in the way until now may be what the run tells of.
          for (const code of await obstacles()) right.add(code);
          await moves[pick(Object.keys(moves)) ?? 'take']?.();
        };
      });
      other.hosts.set(machine.name, host);
    }
    return other;
  }

  function assertNamed(result: ReplicationResult | undefined): void {
    for (const { source, snapshots } of result?.datasets ?? []) {
      for (const name of snapshots) {
        const guids = [...names].filter(([, all]) => all.has(name)).map(([guid]) => guid);
        assert.ok(guids.some((guid) => seen.has(guid)), `${source}@${name} is in the result and never was on the target`); // prettier-ignore
      }
    }
  }

  /** What stands in the way of a copy, as both sides are now. */
  async function obstacle(dataset: string): Promise<ErrorCode | null> {
    const own = (entry: Entry): boolean => entry.dataset === dataset;
    const source = [...(await list(a, dataset)), ...(await list(a, dataset, 'bookmark'))].filter(own);
    const target = dataset.replace(SOURCE, TARGET);
    if (!(await b.exists(target))) return null;
    const there = (await list(b, target)).filter((entry) => entry.dataset === target);
    const newest = there.at(-1);
    if (newest === undefined) return 'TARGET_HAS_DATA';
    const known = new Set(source.map(({ guid }) => guid));
    if (known.has(newest.guid)) return null;
    return there.some(({ guid }) => known.has(guid)) ? 'TARGET_DIVERGED' : 'NO_COMMON_SNAPSHOT';
  }

  const obstacles = async (): Promise<ErrorCode[]> =>
    (await Promise.all((await a.datasets(SOURCE)).map(obstacle))).filter((code) => code !== null);

  async function assertRight(thrown: unknown): Promise<void> {
    assert.ok(thrown instanceof ZfsFlowError, String(thrown));
    log.push(`  ${thrown.code}: ${thrown.message}`);
    const failures = (thrown.details?.['failures'] ?? []) as { code: ErrorCode }[];
    const codes = thrown.code === 'PARTIAL_FAILURE' ? failures.map(({ code }) => code) : [thrown.code];
    const now = await obstacles();
    for (const code of codes) assert.ok(right.has(code) || now.includes(code), `${code}: ${thrown.message}`);
  }

  async function disturbedRun(): Promise<void> {
    const at = Array.from({ length: 1 + Math.floor(random() * 3) }, () => Math.floor(random() * 30));
    log.push(`run, disturbed at ${at.join(', ')}`);
    await look();
    const other = disturbed(at);
    const result = await other.replicate(options).catch(async (thrown: unknown) => {
      await assertRight(thrown);
      return other.partial;
    });
    await other.close();
    const now = await look();
    assert.deepEqual([...seen].filter((guid) => !now.has(guid) && !destroyed.has(guid)), [], 'lost'); // prettier-ignore
    assertNamed(result);
  }

  /** What an error was right about is mended as a person would, and a run that is let alone gets everything across. */
  async function undisturbed(): Promise<void> {
    await theirsAway();
    for (const dataset of await a.datasets(SOURCE)) {
      if ((await obstacle(dataset)) === null) continue;
      await attempt(b, 'zfs', 'rename', dataset.replace(SOURCE, TARGET), `backup/old${++counter}`);
    }
    right = new Set();
    await attempt(a, 'zfs', 'snapshot', '-r', `${SOURCE}@s${++counter}`);
    log.push('run, undisturbed');
    const result = await engine.replicate(options);
    const there = await look();
    assertNamed(result);
    for (const dataset of await a.datasets(SOURCE)) {
      const all = await list(a, dataset);
      const newest = all.findLast((entry) => entry.dataset === dataset);
      assert.ok(newest && there.has(newest.guid), `${dataset}@${newest?.name} has not arrived`);
    }
    const marks = (await list(a, SOURCE, 'bookmark')).filter(({ name }) => isOurs(name) && name.includes('tmp'));
    assert.deepEqual(marks, [], 'tentative bookmarks');
    const full = (await list(a, SOURCE)).map(({ dataset, name }) => `${dataset}@${name}`);
    assert.equal((await a.read(['zfs', 'holds', '-H', ...full])).trim(), '', 'holds');
  }

  it('loses nothing, says what is true, and goes on', async () => {
    for (const name of [SOURCE, `${SOURCE}/x`, `${SOURCE}/y`]) await a.createDataset(name);
    try {
      await undisturbed();
      for (const end = Date.now() + SECONDS * 1000; Date.now() < end;) {
        log.push('round');
        for (let count = 0; count < 2; count++) await moves['take']?.();
        if (random() < 0.4) await moves['takeOne']?.();
        if ((await children(a, SOURCE)).length < 2) await moves['make']?.();
        await disturbedRun();
        await undisturbed();
      }
    } catch (error) {
      console.error(log.map((line) => `      ${line}`).join('\n'));
      throw error;
    }
  });
});
