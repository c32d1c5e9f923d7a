// What a test of a connection says a real machine can do, for root, through sudo, with rights on one dataset, and with none; and
// what it says when a program is taken away.
import assert from 'node:assert/strict';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import { SOURCE_RIGHTS } from '../../../src/readiness/judge';
import { look } from '../../../src/readiness/look';
import type { Readiness } from '../../../src/readiness/readiness';
import type { Machine } from '../../lab/machine';
import { useConnections, useMachines } from '../../support/machines';

describe('what a machine can do', function () {
  this.timeout(60_000);
  let nas: Machine;
  useMachines({ nas: { pool: 'tank' } }, async (machines) => {
    nas = machines.nas;
    await nas.createDataset('tank/data/deep');
    await nas.run(['zfs', 'allow', 'plain', SOURCE_RIGHTS.join(','), 'tank/data']);
  });
  const connection = useConnections(() => nas);

  async function seen(options: Partial<SshHostOptions>): Promise<Readiness> {
    const { sudo = 'none' } = options;
    return look(connection(options), { sudo, jump: false, signal: AbortSignal.timeout(30_000) });
  }

  /** Nodes, with what is missing for them, by name and role. */
  const lacks = ({ nodes }: Readiness): Record<string, unknown> =>
    Object.fromEntries(
      nodes.map(({ node, role, missing }) => [
        role === undefined ? node : `${node} ${role}`,
        missing.map(({ kind }) => kind),
      ]),
    );
  const nothing = {
    'zfs-snapshot': [],
    'zfs-list-snapshots': [],
    'zfs-replicate source': [],
    'zfs-replicate target': [],
    'zfs-retention-prune': [],
    'zfs-verify': [],
  };

  it('is all of it for root', async () => {
    const readiness = await seen({});
    assert.deepEqual([readiness.user, readiness.rights, lacks(readiness)], ['root', 'root', nothing]);
    assert.deepEqual(
      readiness.transports.map(({ ok }) => ok),
      [true, true, true],
    );
    assert.ok(readiness.helpers.present.includes('zstd'));
  });

  it('is all of it through sudo and doas, as long as they let it', async () => {
    for (const sudo of ['sudo', 'doas'] as const) {
      const readiness = await seen({ username: 'op', sudo });
      assert.deepEqual([readiness.user, readiness.rights, lacks(readiness)], ['op', sudo, nothing]);
    }
    const refused = await seen({ username: 'plain', sudo: 'sudo' });
    for (const { ok, missing } of refused.nodes) {
      assert.equal(ok, false);
      assert.deepEqual(
        missing.map((lack) => (lack.kind === 'privilege' ? [lack.by, lack.command] : lack.kind)),
        [
          ['sudo', 'zfs'],
          ['sudo', 'zpool'],
        ],
      );
    }
  });

  it('is told by dataset where zfs allow gives the rights', async () => {
    const readiness = await seen({ username: 'plain' });
    assert.equal(readiness.rights, 'allow');
    assert.deepEqual(lacks(readiness), { ...nothing, 'zfs-replicate target': ['rights'] });
    const where = readiness.nodes.map(({ where }) => where?.toSorted());
    const there = ['tank/data', 'tank/data/deep'];
    assert.deepEqual(where, [there, undefined, there, undefined, there, undefined]);
    const nobody = await seen({ username: 'pw' });
    const rights = ['rights'];
    assert.deepEqual(lacks(nobody), {
      ...nothing,
      'zfs-snapshot': rights,
      'zfs-replicate source': rights,
      'zfs-replicate target': rights,
      'zfs-retention-prune': rights,
    });
    const [lack] = nobody.nodes[0]?.missing ?? [];
    assert.deepEqual(lack, { kind: 'rights', user: 'pw', rights: ['snapshot', 'mount'], dataset: 'tank' });
  });

  it('names the program that is missing for a way past SSH', async () => {
    const openssl = await nas.read(['sh', '-c', 'command -v openssl']);
    await nas.sh('mv "$1" "$1.away"', { args: [openssl] });
    try {
      const [, tls] = (await seen({})).transports;
      assert.deepEqual(tls?.missing, [{ kind: 'program', anyOf: ['openssl'] }]);
    } finally {
      await nas.sh('mv "$1.away" "$1"', { args: [openssl] });
    }
  });
});
