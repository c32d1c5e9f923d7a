// Which replications wait for each other: the rows of TrueNAS's table (truenas.md B.12), the holes found in it (D.1 no. 5),
// and readers beside writers. Connections are names here; which pools they lead to is said by stand-ins.
import assert from 'node:assert/strict';
import type { DatasetUse } from '../../../src/base/run-context';
import type { Host, HostResolver } from '../../../src/host/host';
import { claimsOf, learnPlaces, relation } from '../../../src/jobs/claims';
import { machineFacts } from '../../support/builders';
import { parsePruneOptions, pruneUses } from '../../../src/retention/check-options';
import { parseReplicateOptions, replicateUses } from '../../../src/replication/setup/check-options';

/** By connection: the pools that are found there. `''` is this machine. */
const POOLS: Readonly<Record<string, Record<string, string>>> = {
  '': { tank: '1', backup: '2' },
  'ssh to this machine': { tank: '1', backup: '2' },
  'nas by name': { tank: '31', backup: '32' },
  'nas by address': { tank: '31', backup: '32' },
  'nas, other account': { tank: '31', backup: '32' },
  'other nas': { tank: '41', backup: '42' },
  'third nas': { tank: '51', backup: '52' },
};

const hosts: HostResolver = (connection) => {
  const pools = Object.entries(POOLS[connection] ?? {}).map(([name, guid]) => ({ name, guid, health: 'ONLINE' }));
  const machine = machineFacts({ bootId: pools[0]?.guid ?? '' });
  const facts = { ...FACTS, pools, machine };
  const host: Partial<Host> = { id: connection, label: connection, facts: () => Promise.resolve(facts) };
  return host as Host;
};

const FACTS = {
  platform: 'Linux',
  hostname: 'x',
  zfsVersion: '',
  zfsKernelVersion: '',
  isRoot: true,
  programs: new Set<string>(),
  aes: false,
  noisyShell: false,
};

async function conflict(one: readonly DatasetUse[], other: readonly DatasetUse[]): Promise<boolean> {
  const [left, right] = [claimsOf(one, hosts), claimsOf(other, hosts)];
  const undecided = left.some((a) => right.some((b) => relation(a, b) === 'unknown'));
  if (undecided) await learnPlaces([...left, ...right]);
  return left.some((a) => right.some((b) => relation(a, b) === 'conflict'));
}

/** `nas by name:tank/a > :backup/x`: a replication from a connection's datasets to another's. */
function replication(text: string): DatasetUse[] {
  const [from = '', to = ''] = text.split(' > ');
  const [sourceConnection = '', sources = ''] = from.split(':');
  const [targetConnection = '', targetDataset = ''] = to.split(':');
  return replicateUses(
    parseReplicateOptions({ sourceConnection, sourceDatasets: sources.split(','), targetConnection, targetDataset }),
  );
}

const rows: [what: string, one: string, other: string, waits: boolean][] = [
  ['push and push to different hosts', ':tank/a > other nas:tank/x', ':tank/b > third nas:tank/x', false],
  ['push and push to one target', ':tank/a > other nas:tank/x', ':tank/b > other nas:tank/x', true],
  ['push into what another push writes above', ':tank/a > other nas:tank/x/y', ':tank/b > other nas:tank/x', true],
  ['push into what another push writes below', ':tank/a > other nas:tank/x', ':tank/b > other nas:tank/x/y', true],
  ['push beside a name that begins alike', ':tank/a > other nas:tank/x', ':tank/b > other nas:tank/xy', false],
  ['one source to two targets', ':tank/a > other nas:tank/x', ':tank/a > third nas:tank/x', false],
  ['pull and pull to one target', 'other nas:tank/a > :tank/x', 'other nas:tank/b > :tank/x', true],
  ['pull into the source of a push', 'other nas:tank/a > :tank/x', ':tank/x > third nas:tank/y', true],
  ['pull into what is below the source of a push', 'other nas:tank/a > :tank/x/y', ':tank/x > third nas:tank/y', true],
  ['pull into what is above the source of a push', 'other nas:tank/a > :tank/x', ':tank/x/y > third nas:tank/y', true],
  ['push into the source of a pull', ':tank/a > other nas:tank/x', 'other nas:tank/x > :tank/b', true],
  ['pull beside the source of a push', 'other nas:tank/a > :tank/x', ':tank/y > third nas:tank/y', false],
  ['pulls from two hosts into one target (D.1)', 'other nas:tank/a > :tank/x', 'third nas:tank/a > :tank/x', true],
  ['one host by name and by address (D.1)', ':tank/a > nas by name:tank/x', ':tank/b > nas by address:tank/x', true],
  ['one host, two accounts', ':tank/a > nas by name:tank/x', ':tank/b > nas, other account:tank/x/y', true],
  ['a local copy over what a push reads (D.1)', ':tank/a > :backup/x', ':backup/x > other nas:tank/x', true],
  ['a local copy and an ssh pull into one target (D.1)', ':tank/a > :backup/x', 'other nas:tank/a > :backup/x', true],
  ['this machine itself and by ssh', ':tank/a > :backup/x', 'other nas:tank/a > ssh to this machine:backup/x', true],
  ['relays into one target', 'other nas:tank/a > nas by name:tank/x', 'third nas:tank/a > nas by address:tank/x', true],
  ['one of several sources', ':tank/a,tank/b > other nas:tank/x', 'third nas:tank/c > :tank/b', true],
  ['two pools of one name', ':tank/a > other nas:tank/x', ':tank/a > nas by name:tank/x', false],
];

describe('replications on overlapping datasets', () => {
  for (const [what, one, other, waits] of rows) {
    it(`${what}: ${waits ? 'one waits' : 'both run'} [C1 35]`, async () => {
      assert.equal(await conflict(replication(one), replication(other)), waits);
      assert.equal(await conflict(replication(other), replication(one)), waits);
    });
  }

  it('wait for whoever reads everything on the host, by whatever connection', async () => {
    const all: DatasetUse[] = [{ connection: 'nas by name', dataset: '', access: 'read' }];
    assert.equal(await conflict(replication(':tank/a > nas by address:tank/x'), all), true);
    assert.equal(await conflict(replication(':tank/a > other nas:tank/x'), all), false);
    assert.equal(await conflict(replication('nas by address:tank/a > other nas:tank/x'), all), false);
  });

  it('rule 4: a prune waits for whoever sends from its datasets or receives into them, on whatever way it gets there', async () => {
    const prune = (connection: string, mode: string): DatasetUse[] =>
      pruneUses(parsePruneOptions({ connection, datasets: ['tank/a'], mode, policy: {}, scope: {} }));
    const runs = [':tank/a > other nas:tank/x', ':tank > other nas:tank/x', 'other nas:tank/x > :tank/a'];
    for (const mode of ['execute', 'approve']) {
      for (const run of runs) {
        assert.equal(await conflict(prune('', mode), replication(run)), true, run);
        assert.equal(await conflict(prune('ssh to this machine', mode), replication(run)), true, run);
      }
      assert.equal(await conflict(prune('', mode), replication(':tank/b > other nas:tank/a')), false);
      assert.equal(await conflict(prune('', mode), prune('ssh to this machine', 'execute')), true);
    }
    // A plan only reads, so it waits for nobody who reads, but for whoever writes.
    assert.deepEqual(await Promise.all(runs.map((run) => conflict(prune('', 'plan'), replication(run)))), [
      false,
      false,
      true,
    ]);
  });
});
