// Verification by accounts that are not root: what it needs is told, given by exactly those commands, and enough; nothing is left.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import type { Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';
import { leftOn, only, verifyWith } from '../../support/verification';

describe('verification by an account that is not root', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  const files = { ...relay, sourceDatasets: ['tank/files'], targetDataset: 'backup/files' };
  const volume = { ...relay, sourceDatasets: ['tank/vol'], targetDataset: 'backup/vol' };
  /** The same copies, looked at by others than those who made them. */
  const by = (id: string) => ({ sourceConnection: `${id}a`, targetConnection: `${id}b` });

  usePair((pair) => ({ a, b, engine } = pair));
  before(async () => {
    for (const machine of [a, b]) {
      // Whoever reads disks on Debian is in this group.
      await machine.sh('usermod -aG disk op');
      engine.add(machine, { id: `op${machine.name}`, username: 'op' });
      engine.add(machine, { id: `sudo${machine.name}`, username: 'op', sudo: 'sudo' });
    }
    await a.createDataset('tank/files');
    await a.writeFile('tank/files', 'f', 'content');
    await a.snapshot('tank/files', 's1');
    await a.createDataset('tank/vol', { volumeMb: 8 });
    await a.sh('i=0; until [ -b /dev/zvol/tank/vol ]; do sleep 0.1; done; dd if=/dev/urandom of=/dev/zvol/tank/vol bs=1M count=8 conv=fsync status=none'); // prettier-ignore
    await a.snapshot('tank/vol', 's1');
    for (const options of [files, volume]) await engine.replicate({ ...options, createSnapshot: 'never' });
  });
  afterEach(async () => {
    for (const machine of [a, b]) assert.deepEqual(await leftOn(machine), [], machine.name);
  });

  it('compares without any right', async () => {
    for (const options of [files, volume]) {
      const { result, error } = await verifyWith(engine.resolve, { ...options, ...by('op'), maxAge: '1d' });
      assert.equal(error, null, JSON.stringify(result));
      assert.equal(only(result).state, 'same');
    }
  });

  it('opens no file system, since Linux lets only root mount, and says so', async () => {
    const { result, error } = await verifyWith(engine.resolve, { ...files, ...by('op'), drill: 'open' });
    assert.equal(error?.code, 'VERIFICATION_FAILED');
    const { state, drill } = only(result);
    assert.deepEqual([state, drill?.ok], ['same', false]);
    assert.match(result.problems.join(), /only root can mount a clone of "backup\/files"/);
  });

  it('compares a volume with the rights that it asks for', async () => {
    const options = { ...volume, ...by('op'), drill: 'compare', drillSample: 0 };
    const asked: string[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const { result, error } = await verifyWith(engine.resolve, options);
      if (error === null) {
        assert.deepEqual([only(result).drill?.ok, only(result).drill?.bytes], [true, 8 << 20]);
        assert.equal(asked.length, 2, 'rights on each side');
        assert.ok(asked.every((command) => command.startsWith('zfs allow ')));
        return;
      }
      for (const machine of [a, b]) {
        const [, commands] = new RegExp(`As root on ${machine.name}: (zfs allow [^.)]*)`).exec(result.problems.join()) ?? []; // prettier-ignore
        if (commands === undefined) continue;
        asked.push(commands);
        await machine.sh(commands);
      }
    }
    assert.fail(`never enough: ${asked.join('\n')}`);
  });

  it('does everything where zfs runs through sudo', async () => {
    for (const options of [files, volume]) {
      const drill = { drill: 'compare', drillSample: 0, drillCommand: 'id -un' };
      const { result, error } = await verifyWith(engine.resolve, { ...options, ...by('sudo'), ...drill });
      assert.equal(error, null, JSON.stringify(result));
      assert.deepEqual([only(result).drill?.ok, only(result).drill?.output], [true, 'op\n']);
    }
  });
});
