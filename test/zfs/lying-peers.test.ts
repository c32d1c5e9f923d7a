// Peers whose `zfs` lies: it exits 0 and prints nothing, half of it, or nonsense. Nothing may be called a success, and
// nothing may be destroyed, on the strength of that. The lies are told by a wrapper around the real zfs.
import assert from 'node:assert/strict';
import { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { assertSame, Engine } from './engine';

/** What the wrapper does for `zfs list`; $REAL is the real program. */
const LIES: Record<string, string> = {
  'prints nothing and exits 0': 'exit 0',
  'stops in the middle of the last line and exits 0': '$REAL "$@" | head -c -3; exit 0',
  'says that every GUID is 0': `$REAL "$@" | sed -E 's/\\t[0-9]{15,20}/\\t0/'; exit 0`,
  'prints GUIDs that are no numbers': `$REAL "$@" | sed -E 's/\\t([0-9]{15,20})/\\t\\1x/'; exit 0`,
  'prints the first line and exits 1': '$REAL "$@" | head -n 1; exit 1',
};

describe('peers that lie', function () {
  this.timeout(120_000);
  let lab: Lab;
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  /** `zfs list` of this machine does this from now on; undefined: the truth. */
  async function lie(machine: Machine, body: string | undefined): Promise<void> {
    const wrapper = `#!/bin/sh\nREAL=/usr/real/zfs\n${body === undefined ? '' : `case "$1" in list) ${body};; esac\n`}exec $REAL "$@"\n`;
    const install = 'cat >/usr/real/new; chmod +x /usr/real/new; mv -f /usr/real/new "$(cat /usr/real/path)"';
    await machine.sh(install, { stdin: wrapper });
  }

  before(async () => {
    lab = await Lab.create();
    [a, b] = await Promise.all([lab.up('a', { pool: 'tank' }), lab.up('b', { pool: 'backup' })]);
    const keep =
      'mkdir /usr/real; p=$(readlink -f "$(command -v zfs)"); echo "$p" >/usr/real/path; cp "$p" /usr/real/zfs';
    await Promise.all([a.sh(keep), b.sh(keep)]);
    engine = new Engine();
    engine.add(a);
    engine.add(b);
  });
  after(async () => {
    await engine.close();
    await lab.close();
  });

  it('has neither a success nor a loss from a listing that is empty, cut off, or nonsense', async () => {
    await a.createDataset('tank/data');
    await a.snapshot('tank/data', 's1');
    const options = {
      sourceConnection: 'a',
      sourceDatasets: ['tank/data'],
      targetConnection: 'b',
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
});
