// The flow that the wizard's answers become: which nodes, with what of the answers, wired how.
import assert from 'node:assert/strict';
import { keyOf, makesKey, takesForLifetime, takesSnapshots } from '../../../src/wizard/answers';
import { makeFlow } from '../../../src/wizard/flow';
import { suggestedName } from '../../../src/wizard/name';
import { answers, made, placeless, setting } from './setting';

describe('the flow of a new task', () => {
  it('of what this machine has: snapshots by the schedule, each of which is replicated', () => {
    const { nodes, credentials } = makeFlow(
      answers({ targetConnection: 'nas', recursive: true, sourceLifetime: '2', scheduleTimeZone: 'Europe/Vienna' }),
      setting(),
    );
    const [comment, button, snapshot, replicate, errors] = nodes;
    assert.deepEqual(
      nodes.map(({ type, id, z }) => [type, id, z]),
      [
        ['comment', 'id3', 'tab'],
        ['inject', 'id4', 'tab'],
        ['zfs-snapshot', 'id2', 'tab'],
        ['zfs-replicate', 'id1', 'tab'],
        ['debug', 'id5', 'tab'],
      ],
    );
    assert.equal(comment?.['info'], 'what it does');
    assert.deepEqual(button?.['wires'], [['id2']]);
    assert.deepEqual(errors?.['wires'], []);
    assert.deepEqual(placeless(snapshot), {
      id: 'id2',
      type: 'zfs-snapshot',
      version: 1,
      z: 'tab',
      name: 'snapshots',
      datasets: ['tank/data'],
      recursive: true,
      timeZone: 'Europe/Vienna',
      retention: { keep: [{ type: 'age', value: 2, unit: 'week' }] },
      schedule: '@daily',
      scheduleTimeZone: 'Europe/Vienna',
      wires: [['id1'], [], ['id5']],
    });
    assert.deepEqual(placeless(replicate), {
      id: 'id1',
      type: 'zfs-replicate',
      version: 1,
      z: 'tab',
      name: 'tank/data - backup/data',
      sourceDatasets: ['tank/data'],
      recursive: true,
      createSnapshot: 'never',
      timeZone: 'Europe/Vienna',
      targetConnection: 'nas',
      targetDataset: 'backup/data',
      alertAfter: '50h',
      overlap: 'queue',
      wires: [[], [], ['id5']],
    });
    assert.deepEqual(credentials, {});
  });

  it('of what others take snapshots of: the replication runs by the schedule', () => {
    const nodes = made({
      sourceConnection: 'nas',
      snapshotSelection: 'schema',
      namingSchemas: ['auto-%Y-%m-%d_%H-%M'],
      schedule: 'custom',
      scheduleCron: ' 30 2 * * * ',
    });
    assert.equal(nodes['zfs-snapshot'], undefined);
    const replicate = nodes['zfs-replicate'];
    assert.equal(replicate?.['schedule'], '30 2 * * *');
    assert.equal(replicate?.['createSnapshot'], undefined, 'ifNone is the default');
    assert.equal(replicate?.['alertAfter'], undefined);
    assert.deepEqual(nodes['inject']?.['wires'], [[replicate?.id]]);
  });

  it('once: by its button, with a snapshot where there is none', () => {
    const nodes = made({ schedule: '', scheduleTimeZone: 'UTC', sourceLifetime: '2' });
    assert.equal(nodes['zfs-snapshot'], undefined);
    assert.deepEqual(placeless(nodes['zfs-replicate']), {
      id: 'id1',
      type: 'zfs-replicate',
      version: 1,
      z: 'tab',
      name: 'tank/data - backup/data',
      sourceDatasets: ['tank/data'],
      targetDataset: 'backup/data',
      wires: [[], [], ['id4']],
    });
  });

  it('takes its own snapshots where nobody else may, and wherever old ones are to go', () => {
    assert.equal(takesSnapshots(answers()), true);
    assert.equal(takesSnapshots(answers({ snapshotSelection: 'schema', namingSchemas: ['x-%s'] })), true);
    assert.equal(takesSnapshots(answers({ snapshotSelection: 'regex', nameRegex: 'x' })), false);
    assert.equal(takesSnapshots(answers({ sourceConnection: 'nas' })), false);
    const bare = { sourceConnection: 'nas', sourceIdle: Number.POSITIVE_INFINITY };
    assert.equal(takesSnapshots(answers(bare)), true);
    assert.equal(takesSnapshots(answers({ ...bare, takeSnapshots: false })), false, 'a person has said otherwise');
    const newest = (days: number, schedule: string): boolean =>
      takesSnapshots(answers({ sourceConnection: 'nas', schedule, sourceIdle: days * 86_400_000 }));
    const [fresh, old] = [newest(1, '@daily'), newest(3, '@daily')];
    assert.deepEqual([fresh, old, newest(3, '@weekly'), newest(16, '@weekly'), newest(1, '@hourly')], [false, true, false, true, false]); // prettier-ignore
    assert.equal(takesSnapshots(answers({ ...bare, snapshotSelection: 'regex', nameRegex: 'x' })), false);
    assert.equal(takesSnapshots(answers({ sourceConnection: 'nas', sourceLifetime: '3' })), true);
    assert.equal(takesForLifetime(answers({ sourceConnection: 'nas', sourceLifetime: '3' })), true);
    assert.equal(takesForLifetime(answers({ ...bare, sourceLifetime: '3' })), false, 'it does so without');
    assert.equal(takesSnapshots(answers({ takeSnapshots: false })), false);
    assert.equal(takesSnapshots(answers({ takeSnapshots: true, schedule: '' })), false);
  });

  it('names new snapshots so that they are selected', () => {
    const nodes = made({ snapshotSelection: 'schema', namingSchemas: ['x-%s', 'y-%s'] });
    assert.equal(nodes['zfs-snapshot']?.['namingSchema'], 'x-%s');
    assert.deepEqual(nodes['zfs-replicate']?.['namingSchemas'], ['x-%s', 'y-%s']);
  });

  it('has the target keep what the source keeps, or for a time of its own', () => {
    const own = { targetRetention: 'custom', targetLifetime: '3', targetLifetimeUnit: 'month' } as const;
    const policy = { keep: [{ type: 'age', value: 3, unit: 'month' }] };
    assert.deepEqual(made(own)['zfs-replicate']?.['targetRetentionPolicy'], policy);
    const like = made({ ...own, targetRetention: 'source' })['zfs-replicate'];
    assert.deepEqual([like?.['targetRetention'], like?.['targetRetentionPolicy']], ['source', undefined]);
  });

  it('hands the key on beside the nodes, and only where Node-RED keeps it', () => {
    const encryptionKey = keyOf(new Uint8Array(32).fill(0xab));
    assert.equal(encryptionKey, 'ab'.repeat(32));
    const key = answers({ encryption: 'key', encryptionKey });
    assert.ok(makesKey(key));
    const { nodes, credentials, ids } = makeFlow(key, setting());
    assert.deepEqual(credentials, { [ids.replicate]: { encryptionKey } });
    assert.doesNotMatch(JSON.stringify(nodes), /abab/);
    const elsewhere = { ...key, encryptionKeyLocation: '/root/key' };
    assert.deepEqual(makeFlow(elsewhere, setting()).credentials, {});
    assert.deepEqual(makeFlow({ ...key, encryption: 'none' }, setting()).credentials, {});
  });

  it('brings a new tab and the new connections that it uses, and refers to those that there are', () => {
    const connections = [
      { id: 'new', values: { name: 'nas', host: 'nas.lan', hostKeys: 'ssh-ed25519 AAAA', jumpConnection: 'gate' } },
      { id: 'gate', values: { name: 'gate', host: 'gate.lan', hostKeys: 'ssh-ed25519 AAAA' } },
      { id: 'other', values: { name: 'unused', host: 'other.lan', hostKeys: 'ssh-ed25519 AAAA' } },
    ];
    const flow = makeFlow(
      answers({ sourceConnection: 'known', targetConnection: 'new', connections }),
      setting({ newTab: 'Replications', place: { z: 'fresh', x: 160, y: 60 } }),
    );
    assert.deepEqual(flow.nodes.map(({ type, id, z }) => [type, id, z]).slice(0, 3), [
      ['tab', 'fresh', undefined],
      ['zfs-ssh-connection', 'new', undefined],
      ['zfs-ssh-connection', 'gate', undefined],
    ]);
    assert.deepEqual(flow.nodes.map(({ z }) => z).slice(3), Array(4).fill('fresh'));
  });

  it('stands in a line without overlapping, below its comment', () => {
    const { nodes } = makeFlow(answers({ name: 'n'.repeat(60) }), setting({ place: { z: 'tab', x: 200, y: 400 } }));
    const [comment, ...line] = nodes;
    assert.equal(comment?.['y'], 400);
    assert.deepEqual(new Set(line.map(({ y }) => y)), new Set([460]));
    const middles = line.map(({ x }) => Number(x));
    assert.ok(
      middles.every((x, index) => x % 20 === 0 && x - (middles[index - 1] ?? 0) >= 140),
      middles.join(),
    );
    // Half of a node of 60 letters.
    assert.ok((middles[3] ?? 0) - (middles[2] ?? 0) >= 240 + 50 + 40, middles.join());
  });
});

describe('the name of a new task', () => {
  it('has up to three sources, of more the first and the last', () => {
    assert.equal(suggestedName(['a', 'b', 'c'], 't'), 'a,b,c - t');
    assert.equal(suggestedName(['a', 'b', 'c', 'd'], 't'), 'a,...,d - t');
    assert.equal(suggestedName(['a'], ''), 'a');
    assert.equal(suggestedName([], ''), '');
  });
});
