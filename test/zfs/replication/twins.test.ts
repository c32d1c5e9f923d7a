// Machines made from one image: their pools have one GUID, and more may be alike. None may be taken for another, and one
// machine behind two connections must be seen as one where it matters [B1].
import assert from 'node:assert/strict';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import type { PruneResult } from '../../../src/retention/options';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine, marks } from '../../support/engine';
import { jobOf } from '../../support/job';
import { usePair } from '../../support/machines';
import { runPrune } from '../retention/support';

/** The pool `twin` in one image, imported on both: its datasets `data` and `both` with @1 are on each. */
async function makeTwins(a: Machine, b: Machine): Promise<void> {
  await a.sh(
    'mkdir /twins; truncate -s 100M /twins/img; zpool create twin /twins/img; zfs create twin/data; zfs create twin/both;' +
      'echo one >/twin/data/file; zfs snapshot -r twin@1; zpool export twin',
  );
  const packed = await a.read(['sh', '-c', 'gzip -c /twins/img | base64 -w 0']);
  await b.sh('mkdir /twins; base64 -d | gunzip -c >/twins/img', { stdin: packed });
  for (const machine of [a, b]) await machine.run(['zpool', 'import', '-d', '/twins', 'twin']);
  const guids = await Promise.all(
    [a, b].map((one) => one.read(['zpool', 'get', '-Hp', '-o', 'value', 'guid', 'twin'])),
  );
  assert.equal(guids[0], guids[1]);
}

describe('replication between machines from one image', function () {
  this.timeout(240_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair));
  before(() => makeTwins(a, b));

  /** Everything in a pool: names, GUIDs, when they were made. */
  const content = (machine: Machine, pool: string): Promise<string> =>
    machine.read(['zfs', 'list', '-Hpr', '-t', 'filesystem,volume,snapshot', '-o', 'name,guid,createtxg', pool]);

  const twins = (from: string, to: string, more = {}): Record<string, unknown> => jobOf(from, to, more).options;

  it('copies between their other pools [B1]', async () => {
    const [source, target] = [`tank/t${++counter}`, `backup/t${counter}`];
    await a.createDataset(source);
    await a.snapshot(source, '1');
    const result = await engine.replicate(twins(source, target));
    assert.equal(result.transport, 'relay');
    await assertSame(a, source, b, target);
  });

  it('makes the copy on the other machine, not on the source [B1]', async () => {
    const before = await content(a, 'twin');
    await engine.replicate(twins('twin/data', 'twin/copy'));
    assert.equal(await content(a, 'twin'), before);
    await assertSame(a, 'twin/data', b, 'twin/copy');
    const { warnings } = await engine.replicate(twins('twin/data', 'twin/copy'));
    assert.match(warnings.join(), /on a and that of the target on b are two with one GUID.*zpool reguid/);
  });

  it('brings a dataset of the same name up to date [B1]', async () => {
    await a.writeFile('twin/data', 'file', 'two');
    await a.snapshot('twin/data', '2');
    const result = await engine.replicate(twins('twin/data', 'twin/data'));
    assert.deepEqual(result.datasets[0]?.snapshots, ['2']);
    await assertSame(a, 'twin/data', b, 'twin/data');
  });

  it('touches only the target of that name on the machine that was asked for [B1]', async () => {
    await a.writeFile('twin/both', 'theirs', 'of a alone');
    await a.snapshot('twin/both', 'of-a');
    await a.snapshot('twin/data', '3');
    const before = await content(a, 'twin');
    // The copies on both sides share nothing with the source: the one on b is replaced, the one on a stays.
    await engine.replicate(twins('twin/data', 'twin/both', { whenDiverged: 'recreate' }));
    assert.equal(await content(a, 'twin'), before);
    await assertSame(a, 'twin/data', b, 'twin/both');
  });

  it('sends a tree to a target inside the tree of the same name [B1]', async () => {
    const before = await content(a, 'twin');
    await engine.replicate(twins('twin/data', 'twin/data/inner', { recursive: true }));
    assert.equal(await content(a, 'twin'), before);
    await assertSame(a, 'twin/data', b, 'twin/data/inner');
  });

  it('brings back what only the other one has [B1]', async () => {
    await b.createDataset('twin/back');
    await b.snapshot('twin/back', '1');
    const before = await content(b, 'twin');
    const back = { sourceConnection: 'b', targetConnection: 'a' };
    await engine.replicate(twins('twin/back', 'twin/came-back', back));
    assert.equal(await content(b, 'twin'), before);
    await assertSame(b, 'twin/back', a, 'twin/came-back');
  });

  it('keeps on the source what the copy on the other machine needs [B1]', async () => {
    await a.createDataset('twin/kept');
    await a.snapshotEach('twin/kept', ['1', '2', '3']);
    await b.createDataset('twin/kept');
    const prune = (raw: Record<string, unknown>): Promise<PruneResult> =>
      runPrune(engine.resolve, { connection: 'a', datasets: ['twin/kept'], ...raw });
    // There is a dataset of that name on both machines; that on b has nothing of what the one on a has.
    const protectFor = [{ connection: 'b', dataset: 'twin/kept' }];
    await prune({ protectFor });
    assert.deepEqual(await a.snapshotNames('twin/kept'), ['1', '2', '3']);
    await b.destroy('twin/kept');
    await engine.replicate(twins('twin/kept', 'twin/kept'));
    await a.snapshotEach('twin/kept', ['4', '5']);
    await prune({ protectFor });
    assert.deepEqual(await a.snapshotNames('twin/kept'), ['3', '4', '5']);
    // "As its source has it", from the other side: what is only on b stays no longer than there, what is on a goes nowhere.
    await b.snapshot('twin/kept', 'own');
    const mirror = { policy: { keep: [{ type: 'source', connection: 'a', dataset: 'twin/kept' }] } };
    await runPrune(engine.resolve, { connection: 'b', datasets: ['twin/kept'], ...mirror });
    assert.deepEqual(await a.snapshotNames('twin/kept'), ['3', '4', '5']);
    assert.ok((await b.snapshotNames('twin/kept')).includes('3'));
  });

  describe('that are alike in all that an image has', () => {
    const saved = new Map<Machine, string>();
    before(async () => {
      for (const machine of [a, b]) {
        saved.set(machine, await machine.read(['hostname']));
        await machine.sh(
          'hostname same; for f in /etc/machine-id /etc/hostid; do [ ! -e $f ] || mv $f $f.was; echo same >$f; done;' +
            'mkdir -p /etc/ssh; echo same >/etc/ssh/ssh_host_same_key.pub',
        );
      }
      for (const host of engine.hosts.values()) await host.close();
    });
    after(async () => {
      for (const machine of [a, b]) {
        await machine.sh(
          'umount /proc/sys/kernel/random/boot_id 2>/dev/null || :; hostname "$1"; rm -f /etc/ssh/ssh_host_same_key.pub;' +
            'for f in /etc/machine-id /etc/hostid; do rm -f $f; [ ! -e $f.was ] || mv $f.was $f; done',
          { args: [saved.get(machine) ?? ''] },
        );
      }
      for (const host of engine.hosts.values()) await host.close();
    });

    async function copy(name: string): Promise<void> {
      const before = await content(a, 'twin');
      const result = await engine.replicate(twins('twin/data', name));
      assert.equal(result.transport, 'relay');
      assert.equal(await content(a, 'twin'), before);
      await assertSame(a, 'twin/data', b, name);
    }

    it('are two, because each was started for itself [B1]', () => copy('twin/alike'));

    it('are two, even where they were cloned while they ran [B1]', async () => {
      // A machine whose memory was copied has the boot id of the other.
      for (const machine of [a, b]) {
        await machine.sh(
          'echo 11111111-2222-3333-4444-555555555555 >/boot_id; mount --bind /boot_id /proc/sys/kernel/random/boot_id',
        );
      }
      for (const host of engine.hosts.values()) await host.close();
      await copy('twin/memory');
      await a.snapshot('twin/data', '4');
      await engine.replicate(twins('twin/data', 'twin/data'));
      await assertSame(a, 'twin/data', b, 'twin/data');
      assert.deepEqual(await witnesses(), [], 'nothing is left of looking');
    });
  });

  /** What looking for each other has left behind. */
  async function witnesses(): Promise<string[]> {
    const lists = await Promise.all([a, b].map((machine) => machine.read(['ps', '-A', '-ww', '-o', 'args='])));
    return lists
      .join('\n')
      .split('\n')
      .filter((line) => line.includes('witness'));
  }

  // The last: it ends with pools that have two GUIDs.
  describe('that are one destination', () => {
    it('goes on with both of two copies that are one destination by their pools, and says so [B1]', async () => {
      const source = `tank/t${++counter}`;
      await a.createDataset(source);
      const there = twins(source, 'twin/shared');
      const here = { ...there, targetConnection: 'a' };
      await a.snapshot(source, '1');
      for (const options of [there, here]) await engine.replicate(options);
      await a.snapshot(source, '2');
      await engine.replicate(there);
      // Only a bookmark is left of what the copy on b needs, when a run to the copy on a moves the marks on.
      await a.run(['zfs', 'destroy', `${source}@2`]);
      await a.snapshot(source, '3');
      const ahead = await engine.replicate(here);
      assert.match(ahead.datasets[0]?.warnings.join() ?? '', /has had the snapshot with GUID .*zpool reguid/);
      await a.run(['zfs', 'destroy', `${source}@1`]);
      await a.snapshot(source, '4');
      const result = await engine.replicate(there);
      assert.deepEqual(result.datasets[0]?.snapshots, ['3', '4']);
      assert.deepEqual(await b.snapshotNames('twin/shared'), ['1', '2', '3', '4']);
      assert.equal((await engine.replicate(here)).datasets[0]?.action, 'incremental');
      // A GUID of its own ends it: the chain goes on under another destination id.
      await b.run(['zpool', 'reguid', 'twin']);
      await a.snapshot(source, '5');
      const apart = await engine.replicate(there);
      assert.deepEqual(apart.datasets[0]?.warnings, []);
      const ids = (await marks(a, source)).final.map((name) => name.split('_')[1]);
      assert.equal(new Set(ids).size, 2);
    });
  });
});

describe('one machine behind two connections', function () {
  this.timeout(240_000);
  let a: Machine;
  let engine: Engine;
  let again: SshHost;

  usePair((pair) => ({ a, engine } = pair));
  before(async () => {
    again = engine.add(a, { id: 'again', label: 'again' });
    engine.add(a, { id: 'op', label: 'op', username: 'op', sudo: 'sudo' });
    await a.createDataset('tank/one/child');
    await a.snapshot('tank/one', '1', { recursive: true });
  });

  const own = (target: string, connection: string, more = {}): Record<string, unknown> =>
    jobOf('tank/one', target, { targetConnection: connection, ...more }).options;

  it('carries the stream on that machine where the account is the same [B1]', async () => {
    const result = await engine.replicate(own('tank/kept', 'again'));
    assert.equal(result.transport, 'remote-local');
    await assertSame(a, 'tank/one', a, 'tank/kept');
    const left = await a.read(['ps', '-A', '-ww', '-o', 'args=']);
    assert.doesNotMatch(left, /witness/);
  });

  it('costs no more commands than two machines when there is nothing to do', async () => {
    const hosts = [engine.hosts.get('a') as SshHost, again];
    const count = (): number => hosts.reduce((sum, { counters }) => sum + counters.commands, 0);
    const before = count();
    const result = await engine.replicate(own('tank/kept', 'again'));
    assert.equal(result.datasets[0]?.action, 'current');
    assert.ok(count() - before <= 4, `${count() - before} commands`);
  });

  it('passes the stream on where the accounts are two [B1]', async () => {
    const result = await engine.replicate(own('tank/by-op', 'op'));
    assert.equal(result.transport, 'relay');
    await assertSame(a, 'tank/one', a, 'tank/by-op');
  });

  for (const connection of ['again', 'op']) {
    it(`copies no tree into itself, by ${connection} [B1]`, async () => {
      const inside = own('tank/one/inside', connection, { recursive: true });
      assert.match((await engine.refuse('INVALID_OPTIONS', inside)).message, /inside the source/);
      assert.match((await engine.refuse('INVALID_OPTIONS', own('tank/one', connection))).message, /the source itself/);
    });
  }

  it('copies no tree of a container into itself, whatever the container says of itself [B1]', async () => {
    // Its own processes, name and boot id, as systemd-nspawn and LXC make them; the pools are those of the machine.
    await a.sh(
      'echo 99999999-2222-3333-4444-555555555555 >/inner_boot_id;' +
        'setsid unshare --pid --fork --mount-proc --uts --mount sh -c "hostname inner;' +
        ' mount --bind /inner_boot_id /proc/sys/kernel/random/boot_id;' +
        ' exec /usr/sbin/sshd -D -p 2222 -o PidFile=/run/inner.pid" </dev/null >/dev/null 2>&1 &' +
        ' until ss -ltnH | grep -q ":2222 "; do sleep 0.05; done',
    );
    const link = await a.expose(2222);
    engine.add(a, { id: 'inner', label: 'inner', port: link.port });
    const inside = own('tank/one/inside', 'inner', { recursive: true });
    assert.match((await engine.refuse('INVALID_OPTIONS', inside)).message, /inside the source/);
    const result = await engine.replicate(own('tank/from-inner', 'inner'));
    assert.equal(result.transport, 'relay');
    await assertSame(a, 'tank/one', a, 'tank/from-inner');
  });
});
