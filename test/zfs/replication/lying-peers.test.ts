// Peers whose `zfs` lies: it exits 0 and prints nothing, half of it, or nonsense. Nothing may be called a success, and
// nothing may be destroyed, on the strength of that. The lies are told by a wrapper around the real zfs.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import type { SnapshotResult } from '../../../src/snapshots/options';
import { listSnapshots } from '../../../src/snapshots/list';
import { createSnapshots } from '../../../src/snapshots/create';
import { parseListOptions, parseSnapshotOptions } from '../../../src/snapshots/check-options';
import { assertSame, type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';
import { pretend, truth } from '../../support/pretend';
import { TestContext } from '../../support/test-context';

/** What the wrapper does for `zfs list`; $ZFS is the real program. */
const LIES: Record<string, string> = {
  'prints nothing and exits 0': 'exit 0',
  'stops in the middle of the last line and exits 0': '$ZFS "$@" | head -c -3; exit 0',
  'says that every GUID is 0': `$ZFS "$@" | sed -E 's/\\t[0-9]{15,20}/\\t0/'; exit 0`,
  'prints GUIDs that are no numbers': `$ZFS "$@" | sed -E 's/\\t([0-9]{15,20})/\\t\\1x/'; exit 0`,
  'prints the first line and exits 1': '$ZFS "$@" | head -n 1; exit 1',
};

describe('peers that lie', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  /** This command of `zfs` of this machine does this from now on; undefined: the truth. */
  async function lie(machine: Machine, body: string | undefined, command = 'list'): Promise<void> {
    await (body === undefined ? truth(machine) : pretend(machine, `case "$1" in ${command}) ${body};; esac`));
  }

  usePair((pair) => ({ a, b, engine } = pair));

  it('has neither a success nor a loss from a listing that is empty, cut off, or nonsense', async () => {
    await a.createDataset('tank/data');
    await a.snapshot('tank/data', 's1');
    const options = {
      ...relay,
      sourceDatasets: ['tank/data'],
      targetDataset: 'backup/data',
      createSnapshot: 'never',
      retries: 1,
    };
    await engine.replicate(options);
    await a.snapshot('tank/data', 's2');
    const there = await b.snapshots('backup/data');
    for (const machine of [a, b]) {
      for (const [what, body] of Object.entries(LIES)) {
        await lie(machine, body);
        for (const whenDiverged of ['refuse', 'recreate']) {
          const said = `${machine.name} ${what}, ${whenDiverged}`;
          const pruned = { targetRetention: 'source', whenDiverged };
          await assert.rejects(engine.replicate({ ...options, ...pruned }), { code: 'ZFS_ERROR' }, said);
        }
        await lie(machine, undefined);
        assert.deepEqual(await b.snapshots('backup/data'), there, `${machine.name} ${what}`);
      }
    }
    await engine.replicate(options);
    await assertSame(a, 'tank/data', b, 'backup/data');
  });

  it('has neither snapshots that were never taken nor a dataset without any from a zfs that does nothing', async () => {
    await a.createDataset('tank/trees/child');
    const raw = { connection: 'a', datasets: ['tank/trees'], recursive: true, namingSchema: 'lie-%s' };
    const take = (): Promise<unknown> => createSnapshots(parseSnapshotOptions(raw), engine.resolve, new TestContext());
    await lie(a, 'exit 0', 'snapshot');
    await assert.rejects(take(), { code: 'VERIFICATION_FAILED', dataset: 'tank/trees' });
    await lie(a, 'exec $ZFS snapshot "$3"', 'snapshot');
    await assert.rejects(take(), { code: 'VERIFICATION_FAILED', dataset: 'tank/trees/child' });
    await lie(a, 'exit 0');
    for (const datasets of [['tank/trees'], []]) {
      const options = parseListOptions({ ...raw, namingSchema: '', datasets });
      await assert.rejects(listSnapshots(options, engine.resolve, engine.context()), { code: 'ZFS_ERROR' });
    }
    await lie(a, undefined);
  });

  it('says what is there after a `zfs snapshot` that did its work and was killed', async () => {
    await a.createDataset('tank/killed');
    await lie(a, '$ZFS "$@"; kill -9 $$', 'snapshot');
    const options = parseSnapshotOptions({ connection: 'a', datasets: ['tank/killed'], namingSchema: 'k-%s' });
    const context = new TestContext<SnapshotResult>();
    await assert.rejects(createSnapshots(options, engine.resolve, context), { code: 'ZFS_ERROR' });
    await lie(a, undefined);
    assert.deepEqual(
      context.last.snapshots.map(({ name }) => name),
      await a.snapshotNames('tank/killed'),
    );
    assert.equal(context.last.snapshots.length, 1);
  });

  it('takes no receive, rollback or destroy for done that exits with 0 and does nothing', async () => {
    const options = {
      sourceConnection: 'a',
      sourceDatasets: ['tank/done'],
      targetConnection: 'b',
      targetDataset: 'backup/done',
      createSnapshot: 'never',
      retries: 1,
    };
    await a.createDataset('tank/done');
    for (const name of ['s1', 's2']) await a.snapshot('tank/done', name);
    const silent = async (command: string, work: () => Promise<unknown>): Promise<void> => {
      await lie(b, command === 'receive' ? 'cat >/dev/null; exit 0' : 'exit 0', command);
      try {
        await work();
      } finally {
        await lie(b, undefined);
      }
    };
    const unverified = { code: 'VERIFICATION_FAILED' };
    await silent('receive', () => assert.rejects(engine.replicate(options), unverified));
    assert.equal(await b.exists('backup/done'), false);
    await engine.replicate(options);
    await b.sh('zfs set readonly=off backup/done; zfs mount backup/done; echo theirs >/backup/done/x; zpool sync');
    const rollback = { ...options, whenDiverged: 'rollback' };
    await silent('rollback', () => assert.rejects(engine.replicate(rollback), unverified));
    await b.snapshot('backup/done', 'theirs');
    await silent('rollback', () => assert.rejects(engine.replicate(rollback), unverified));
    await silent('destroy', async () => {
      const { warnings } = await engine.replicate({ ...options, whenDiverged: 'recreate' });
      assert.match(warnings.join('\n'), /was not destroyed: ZFS said that it is/);
    });
    assert.match((await b.datasets('backup')).join(), /backup\/done_zfsflow-old/);
    await engine.replicate({ ...options, whenDiverged: 'recreate' });
    assert.doesNotMatch((await b.datasets('backup')).join(), /zfsflow-old/);
    await assertSame(a, 'tank/done', b, 'backup/done');
  });
});
