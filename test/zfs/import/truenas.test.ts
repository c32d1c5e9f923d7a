// After an import from TrueNAS, on real pools with snapshots named, dated and replicated as TrueNAS does: tasks that share a schema
// do not prune each other's snapshots, and the first replication goes on where TrueNAS stopped.
import assert from 'node:assert/strict';
import { importTools } from '../../../nodes/admin/import-tools';
import { readDocuments } from '../../../src/import/truenas/documents';
import { importTrueNas } from '../../../src/import/truenas/map';
import { parseSnapshotOptions } from '../../../src/snapshots/check-options';
import { createSnapshots } from '../../../src/snapshots/create';
import type { SnapshotResult } from '../../../src/snapshots/options';
import type { Machine } from '../../lab/machine';
import { Engine } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { TestContext } from '../../support/test-context';
import { answersOf, sample } from '../../unit/import/truenas/samples';

type Row = Record<string, unknown>;

const DAY = 86_400;
/** Monday 20 May 2024, 08:00 UTC: the hourly task is due. */
const NOW = Date.UTC(2024, 4, 20, 8) / 1000;
const LAST_DAILY = NOW - 6.5 * 3600;

const nameAt = (seconds: number): string => {
  const iso = new Date(seconds * 1000).toISOString();
  return `auto-${iso.slice(0, 10)}_${iso.slice(11, 13)}-${iso.slice(14, 16)}`;
};

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Ten nights at 01:30. */
const DAILY = range(10).map((days) => LAST_DAILY - days * DAY);
/** Each full hour from 08:00 to 20:00 of the day before, today's first not yet. */
const HOURLY = range(13).map((hours) => NOW - DAY + hours * 3600);
const BOTH = [...DAILY, ...HOURLY].toSorted((a, b) => a - b);

describe('after an import from TrueNAS', function () {
  this.timeout(120_000);
  let nas: Machine;
  const engine = new Engine();

  /** What becomes of these answers where Node-RED reaches the TrueNAS by the connection `nas`. */
  function nodes(answers: unknown): Row[] {
    const source = { dump: readDocuments(answers), fallbackName: 'nas' };
    return importTrueNas(source, { here: 'nas', enable: new Set() }, importTools()).nodes;
  }

  const nodeOf = (all: Row[], kind: string): Row => {
    const node = all.find(({ id }) => String(id).startsWith(`zfs-imp-${kind}-`));
    assert.ok(node, kind);
    return node;
  };

  /** As TrueNAS took them, by its clock. */
  async function takeAt(dataset: string, times: readonly number[], more: readonly string[] = []): Promise<void> {
    const script = `d=$1; shift
      for t in "$@"; do date -u -s "@$t" >/dev/null; zfs snapshot $MORE "$d@auto-$(date -u +%Y-%m-%d_%H-%M)"; done`;
    await nas.sh(`MORE=${more.join(' ')}; ${script}`, { args: [dataset, ...times.map(String)] });
  }

  /** One run of a `zfs-snapshot` node at a time, the machine's clock set to it. */
  async function run(values: Row, dataset: string, seconds: number): Promise<SnapshotResult> {
    await nas.sh('date -u -s "@$1" >/dev/null', { args: [String(seconds)] });
    const ctx = new TestContext<SnapshotResult>(() => new Date(seconds * 1000));
    return createSnapshots(parseSnapshotOptions({ ...values, datasets: [dataset] }), engine.resolve, ctx);
  }

  useMachines({ nas: { pool: 'tank' } }, async (machines) => {
    nas = machines.nas;
    engine.add(nas, { id: 'nas' });
    await nas.sh('truncate -s 256M /tmp/backup.img; zpool create -m none backup /tmp/backup.img');
  });
  after(() => engine.close());

  describe('tasks that share a naming schema, hourly kept for a day and daily for two months', () => {
    const answers = { tasks: sample('c'), 'system.general.config': { timezone: 'UTC' } };
    const tasks = nodes([answers.tasks, answers]);
    const [hourly, daily] = [nodeOf(tasks, 'snap-8'), nodeOf(tasks, 'snap-9')];

    it('let go what TrueNAS lets go, and nothing else', async () => {
      await nas.createDataset('tank/vm');
      await takeAt('tank/vm', BOTH);
      const first = await run({ ...hourly, allowEmpty: true }, 'tank/vm', NOW);
      const gone = first.pruned?.destroyed.map(({ name }) => name);
      // Exactly a day old.
      assert.deepEqual(gone, [nameAt(NOW - DAY)]);
      const second = await run(daily, 'tank/vm', LAST_DAILY + DAY);
      const late = second.pruned?.destroyed.map(({ name }) => name) ?? [];
      // All hourly ones of yesterday until 01:30, today's 08:00 stays; no daily one.
      assert.deepEqual(
        (await nas.snapshotNames('tank/vm')).toSorted(),
        [...DAILY, LAST_DAILY + DAY, NOW].map(nameAt).toSorted(),
      );
      assert.equal(late.length, HOURLY.length - 1);
    });

    it('would lose the daily ones if each had its own lifetime alone', async () => {
      await nas.createDataset('tank/naive');
      await takeAt('tank/naive', BOTH);
      const naive = { ...hourly, allowEmpty: true, retention: { keep: [{ type: 'age', value: 1, unit: 'day' }] } };
      const { pruned } = await run(naive, 'tank/naive', NOW);
      const lost = new Set(pruned?.destroyed.map(({ name }) => name));
      assert.equal(DAILY.filter((time) => lost.has(nameAt(time))).length, DAILY.length - 1);
    });
  });

  describe('the first replication', () => {
    const answers = answersOf('SCALE 25.10.6');
    const [push] = answers['replication.query'] as Row[];
    const task = {
      ...push,
      transport: 'LOCAL',
      ssh_credentials: null,
      encryption: false,
      exclude: ['tank/family/tmp'],
      retention_policy: 'CUSTOM',
      lifetime_value: 3,
      lifetime_unit: 'MONTH',
      also_include_naming_schema: ['manual-%Y-%m-%d_%H-%M'],
    };
    const repl = nodeOf(nodes({ ...answers, 'replication.query': [task] }), 'repl-4');

    /** Dataset by dataset, with properties, as zettarepl sends; the target read-only. */
    const REPLICATE = `set -e; last=$1; shift; from=
      for name in "$@"; do
        for d in "" /photos; do
          zfs send -p -L -c \${from:+-i "@$from"} "tank/family$d@$name" | zfs recv -s -F -x mountpoint -x sharenfs -x sharesmb "backup/family$d"
          zfs set readonly=on "backup/family$d"
        done; from=$name
      done`;

    it('sends nothing twice and deletes nothing that TrueNAS would have kept', async () => {
      const ages = [100, 80, 40, 2, 1, 0].map((days) => NOW - days * DAY);
      for (const dataset of ['tank/family', 'tank/family/photos', 'tank/family/tmp']) {
        await nas.createDataset(dataset);
        await nas.writeRandom(dataset, 'file', 8);
      }
      await takeAt('tank/family', ages, ['-r']);
      await nas.snapshot('tank/family', 'by-hand', { recursive: true });
      const names = ages.map(nameAt);
      await nas.sh(REPLICATE, { args: ['', ...names.slice(0, -1)] });
      await nas.writeRandom('tank/family/photos', 'new', 1);

      engine.now = () => new Date(NOW * 1000);
      const result = await engine.replicate({ ...repl, whenDiverged: 'refuse' });
      assert.equal(result.state, 'success');
      const done = result.datasets.map(({ source, action, snapshots, base }) => [
        source,
        action,
        snapshots,
        base?.name,
      ]);
      assert.deepEqual(done, [
        ['tank/family', 'incremental', names.slice(-1), names.at(-2)],
        ['tank/family/photos', 'incremental', names.slice(-1), names.at(-2)],
      ]);
      assert.ok(result.bytes < 1 << 20, `bytes: ${result.bytes}`);
      // Of its lifetime of 3 months the oldest is over.
      const kept = await nas.snapshotNames('backup/family');
      assert.deepEqual(kept, names.slice(1));
      assert.deepEqual(await nas.snapshotNames('tank/family'), [...names, 'by-hand']);
    });
  });
});
