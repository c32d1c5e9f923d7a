// From TrueNAS's answers to a flow: the samples of the study to the letter, each version, and what must hold of any answer.
import assert from 'node:assert/strict';
import { importTools } from '../../../../nodes/admin/import-tools';
import type { Imported, ImportChoices } from '../../../../src/import/result';
import { readDocuments } from '../../../../src/import/truenas/documents';
import { importTrueNas } from '../../../../src/import/truenas/map';
import { answersOf, PASSPHRASE, PRIVATE_KEY, sample, VERSIONS, type VersionName } from './samples';

type Row = Record<string, unknown>;

const tools = importTools();

function imported(json: unknown, choices: Partial<ImportChoices> = {}, fallbackName = 'attic'): Imported {
  return importTrueNas({ dump: readDocuments(json), fallbackName }, { here: '', enable: new Set(), ...choices }, tools);
}

/** The node with this item in its id. */
function nodeOf({ nodes }: Imported, kind: string): Row {
  const found = nodes.find(({ id }) => id.startsWith(`zfs-imp-${kind}-`));
  assert.ok(found, kind);
  return found;
}

const said = ({ findings }: Imported, item: string, level?: string): string =>
  findings
    .filter((one) => one.item === item && (level === undefined || one.level === level))
    .map(({ message }) => message)
    .join('\n');

describe('import from TrueNAS', () => {
  describe('sample A of the study: push from CORE, started by a snapshot task', () => {
    const here = { host: 'attic.lan', hostKeys: 'ssh-ed25519 AAAAC3…' };
    const enable = new Set(['snap-5', 'repl-4']);

    it('becomes the flow that the study expects, no secret in it', () => {
      const result = imported(sample('a'), { here, enable });
      const hash = /[0-9a-f]{8}$/.exec(result.nodes[0]?.id ?? '')?.[0] ?? '';
      assert.equal(hash.length, 8);
      const text = JSON.stringify(sample('a-flow')).replaceAll('1a2b3c4d', hash);
      const expected = JSON.parse(text) as Row[];
      const others = result.nodes.filter(({ type }) => type !== 'comment');
      assert.deepEqual(
        others.map(({ id }) => id),
        expected.map(({ id }) => id),
      );
      for (const [index, want] of expected.entries()) {
        const got = others[index] ?? {};
        const same = Object.fromEntries(Object.keys(want).map((name) => [name, (got as Row)[name]]));
        assert.deepEqual(same, want);
      }
      assert.doesNotMatch(JSON.stringify(result.nodes), /BEGIN OPENSSH|b3Bl/);
      assert.deepEqual([...result.secrets.keys()], [`zfs-imp-ssh-2-${hash}`]);
      assert.match(result.secrets.get(`zfs-imp-ssh-2-${hash}`)?.['privateKey'] ?? '', /^-----BEGIN OPENSSH/);
      assert.equal(result.version, 'CORE');
    });

    it('reports what is different', () => {
      const report = said(imported(sample('a'), { here, enable }), 'repl-4');
      for (const text of [/data passes this machine/, /refused, where TrueNAS rolls it back/, /exactly as old/]) {
        assert.match(report, text);
      }
    });

    it('is disabled unless the person said otherwise', () => {
      for (const [some, snap, repl] of [
        [[], false, false],
        [['repl-4'], false, true],
        [['repl-4', 'snap-5'], true, true],
      ] as const) {
        const result = imported(sample('a'), { enable: new Set(some) });
        assert.deepEqual([nodeOf(result, 'snap-5')['enabled'], nodeOf(result, 'repl-4')['enabled']], [snap, repl]);
      }
    });

    it('has every property of the tables, so that the editor compares like with like', () => {
      for (const node of imported(sample('a')).nodes) {
        const table = (tools.fields as Record<string, object>)[node.type];
        if (table === undefined) continue;
        assert.deepEqual(
          Object.keys(table).filter((name) => !(name in node)),
          [],
          node.id,
        );
      }
    });

    it('has a comment for each row with what its tasks were, without secrets', () => {
      const comments = imported(sample('a')).nodes.filter(({ type }) => type === 'comment');
      assert.equal(comments.length, 1);
      assert.match(String(comments[0]?.['info']), /"speed_limit": 5242880.*"lifetime_unit": "WEEK"/s);
    });
  });

  describe('sample B: pull by regex over SSH+NETCAT with sudo', () => {
    const values = (here: string): Row => nodeOf(imported(sample('b'), { here }), 'repl-11');

    it('becomes what the study expects', () => {
      const result = imported(sample('b'));
      const repl = nodeOf(result, 'repl-11');
      const ssh = nodeOf(result, 'ssh-7');
      const some = (node: Row, ...names: string[]): unknown[] => names.map((name) => node[name]);
      assert.deepEqual(some(ssh, 'username', 'port', 'sudo', 'host', 'connectTimeout'), [
        'replicator',
        2222,
        'sudo',
        '10.20.0.8',
        15,
      ]);
      assert.deepEqual(some(repl, 'sourceConnection', 'targetConnection'), [ssh['id'], '']);
      assert.deepEqual(some(repl, 'nameRegex', 'snapshotSelection'), ['^(?:(auto|weekly)-.*)$', 'regex']);
      assert.deepEqual(some(repl, 'whenDiverged', 'encryption', 'readonly', 'logLevel', 'retries', 'targetRetention'), [
        'recreate',
        'inherit',
        'require',
        'debug',
        3,
        'source',
      ]);
      assert.deepEqual(repl['propertiesExclude'], ['mountpoint', 'sharenfs', 'sharesmb', 'quota']);
      assert.deepEqual(repl['propertiesOverride'], { compression: 'zstd' });
      assert.deepEqual(some(repl, 'schedule', 'scheduleBegin', 'scheduleEnd'), [
        '30 22 * * mon,tue,wed,thu,fri',
        '20:00',
        '06:00',
      ]);
      assert.deepEqual(
        some(
          repl,
          'transport',
          'netcatActiveSide',
          'netcatListenAddress',
          'netcatPortMin',
          'netcatPortMax',
          'netcatConnectAddress',
        ),
        ['ssh+netcat', 'remote', '10.20.0.8', 50_000, 50_100, ''],
      );
      assert.deepEqual(repl['exclude'], ['flash/*/cache']);
      assert.match(said(result, 'repl-11', 'warn'), /not encrypted/);
      assert.equal(result.version, 'SCALE');
    });

    it('names the side that listens where the TrueNAS is remote too', () => {
      assert.equal(values('nas')['netcatActiveSide'], 'source');
      const push = [{ ...(sample('b') as Row[])[0], direction: 'PUSH' }];
      assert.equal(nodeOf(imported(push, { here: 'nas' }), 'repl-11')['netcatActiveSide'], 'target');
    });

    it('is accepted by the engine on this machine and from another one', () => {
      for (const here of ['', 'nas']) {
        const result = imported(sample('b'), { here, enable: new Set(['repl-11']) });
        assert.equal(said(result, 'repl-11', 'error'), '');
        assert.equal(nodeOf(result, 'repl-11')['enabled'], true);
      }
    });

    it('says that the key of its connection is missing', () => {
      assert.match(said(imported(sample('b')), 'ssh-7', 'warn'), /key missing/);
    });
  });

  it('sample C: two tasks of one schema have one policy', () => {
    const result = imported(sample('c'));
    const policy = {
      keep: [
        { type: 'age', value: 1, unit: 'day' },
        { type: 'schedule', cron: '0 * * * *', value: 1, unit: 'day', begin: '08:00', end: '20:00' },
        { type: 'schedule', cron: '30 1 * * *', value: 2, unit: 'month' },
      ],
    };
    const [hourly, daily] = [nodeOf(result, 'snap-8'), nodeOf(result, 'snap-9')];
    assert.deepEqual([hourly['retention'], daily['retention']], [policy, policy]);
    assert.deepEqual([daily['scheduleBegin'], daily['scheduleEnd']], ['', '']);
    assert.deepEqual([hourly['scheduleBegin'], hourly['scheduleEnd']], ['08:00', '20:00']);
    assert.match(said(result, 'snap-8', 'warn'), /none of the schedules is kept for ever by TrueNAS, here for 1 day/);
  });

  for (const name of Object.keys(VERSIONS) as VersionName[]) {
    describe(name, () => {
      const { core } = VERSIONS[name];

      it('is recognised, and both tasks come with connection, key and zone', () => {
        const result = imported(answersOf(name), { enable: new Set(['snap-5', 'repl-4', 'repl-7']) });
        assert.equal(result.version, name);
        assert.deepEqual(
          result.findings.filter(({ level }) => level === 'error'),
          [],
        );
        const ssh = nodeOf(result, 'ssh-2');
        const [push, pull] = [nodeOf(result, 'repl-4'), nodeOf(result, 'repl-7')];
        const wanted = {
          sudo: core ? 'none' : 'sudo',
          username: core ? 'root' : 'replicator',
          host: 'vault.lan',
          port: 2022,
          connectTimeout: 20,
          ciphers: 'auto',
        };
        assert.deepEqual({ ...ssh, ...wanted }, ssh);
        assert.deepEqual([push['targetConnection'], pull['sourceConnection']], [ssh['id'], ssh['id']]);
        assert.deepEqual(nodeOf(result, 'snap-5')['wires'], [[push['id']], [], []]);
        assert.deepEqual(push['namingSchemas'], ['auto-%Y-%m-%d_%H-%M']);
        assert.deepEqual([push['schedule'], push['overlap'], push['encryption']], ['', 'queue', 'key']);
        assert.deepEqual([pull['schedule'], pull['scheduleTimeZone']], ['30 4 * * *', 'Europe/Vienna']);
        assert.deepEqual(pull['targetRetentionPolicy'], { keep: [{ type: 'age', value: 3, unit: 'month' }] });
        assert.deepEqual(
          result.secrets,
          new Map([
            [ssh['id'], { privateKey: PRIVATE_KEY }],
            [push['id'], { encryptionKey: PASSPHRASE }],
          ]),
        );
        assert.doesNotMatch(JSON.stringify([result.nodes, result.findings]), /THE-SECRET|THE-PASSPHRASE/);
        assert.equal(nodeOf(result, 'tab')['label'], 'Imported from attic');
      });

      it('without rights to see secrets has everything but them', () => {
        const text = JSON.stringify(answersOf(name))
          .replaceAll(JSON.stringify(PRIVATE_KEY), '"********"')
          .replaceAll(PASSPHRASE, '********');
        const result = imported(text);
        assert.deepEqual([...result.secrets], []);
        assert.match(said(result, 'ssh-2', 'warn'), /key missing.*not shown/);
        assert.match(said(result, 'repl-4', 'warn'), /key missing/);
      });
    });
  }

  it('gives the same ids for the same host, however it was read, and others for another', () => {
    const answers = answersOf('SCALE 25.10.6');
    const ids = (json: unknown): string[] => imported(json).nodes.map(({ id }) => id);
    const first = ids(answers);
    assert.equal(new Set(first).size, first.length);
    assert.deepEqual(ids({ ...answers, 'system.info': { hostname: 'ATTIC', version: '25.10.6' } }), first);
    const other = ids({ ...answers, 'system.info': { hostname: 'cellar', version: '25.10.6' } });
    assert.deepEqual(
      other.filter((id) => first.includes(id)),
      [],
    );
  });

  describe('what does not fit', () => {
    const change = (index: number, more: Row): Record<string, unknown> => {
      const answers = answersOf('SCALE 25.10.6');
      const all = answers['replication.query'] as Row[];
      return { ...answers, 'replication.query': all.map((row, at) => (at === index ? { ...row, ...more } : row)) };
    };
    const changeTask = (more: Row): Record<string, unknown> => {
      const answers = answersOf('SCALE 25.10.6');
      const [task] = answers['pool.snapshottask.query'] as Row[];
      return { ...answers, 'pool.snapshottask.query': [{ ...task, ...more }] };
    };
    const all = { enable: new Set(['snap-5', 'repl-4', 'repl-7']) };

    it('an unknown word stops the item, not the import', () => {
      const result = imported(change(0, { transport: 'PIGEON' }));
      assert.match(said(result, 'repl-4', 'error'), /is left out: transport is "PIGEON"/);
      assert.ok(!result.nodes.some(({ id }) => id.includes('repl-4')));
      assert.ok(nodeOf(result, 'repl-7'));
      assert.deepEqual(nodeOf(result, 'snap-5')['wires'], [[], [], []]);
      assert.match(said(imported(change(0, { transport: 'LEGACY' })), 'repl-4', 'error'), /LEGACY/);
    });

    it('a schedule that our parser refuses goes, stays in the comment, and disables the node', () => {
      const result = imported(
        changeTask({ schedule: { minute: '*/90', hour: '3', dom: '*', month: '*', dow: '*' } }),
        all,
      );
      const snap = nodeOf(result, 'snap-5');
      assert.deepEqual([snap['schedule'], snap['enabled']], ['', false]);
      assert.match(JSON.stringify(nodeOf(result, 'note-repl-4')), /\*\/90/);
      assert.match(said(result, 'snap-5', 'error'), /longer than its range/);
    });

    it('what our readers refuse is disabled, with the property', () => {
      const result = imported(change(1, { target_dataset: 'tank//mail' }), all);
      assert.equal(nodeOf(result, 'repl-7')['enabled'], false);
      assert.match(said(result, 'repl-7', 'error'), /targetDataset/);
    });

    it('a dangling id disables, and never means this machine', () => {
      const answers = change(0, { ssh_credentials: 9, periodic_snapshot_tasks: [{ id: 99 }] });
      const result = imported(answers, { here: 'nas', ...all });
      const repl = nodeOf(result, 'repl-4');
      assert.equal(repl['enabled'], false);
      assert.equal(repl['targetConnection'], nodeOf(result, 'ssh-9')['id']);
      assert.equal(nodeOf(result, 'ssh-9')['host'], '');
      assert.match(
        said(result, 'repl-4', 'warn'),
        /SSH connection \(9\) is not there.*\n.*snapshot task.*\(99\) is not there/s,
      );
    });

    it('what was disabled there stays so', () => {
      const result = imported(change(1, { enabled: false }), all);
      assert.equal(nodeOf(result, 'repl-7')['enabled'], false);
      assert.match(said(result, 'repl-7', 'warn'), /was disabled where it comes from/);
    });

    it('tasks that differ in sudo have two connections with the key of one', () => {
      const result = imported(change(1, { sudo: false }));
      const [ssh, sudo] = [nodeOf(result, 'ssh-2'), nodeOf(result, 'sudo-2')];
      assert.deepEqual([ssh['sudo'], sudo['sudo'], sudo['name']], ['none', 'sudo', 'vault (sudo)']);
      assert.deepEqual(
        [nodeOf(result, 'repl-4')['targetConnection'], nodeOf(result, 'repl-7')['sourceConnection']],
        [sudo['id'], ssh['id']],
      );
      assert.deepEqual(result.secrets.get(String(sudo['id'])), result.secrets.get(String(ssh['id'])));
    });

    it('a pool that is replicated as a whole leaves out what TrueNAS leaves out', () => {
      const result = imported(change(0, { source_datasets: ['tank'], target_dataset: 'backup/all' }));
      assert.deepEqual(nodeOf(result, 'repl-4')['exclude'], ['tank/.system']);
    });

    it('a full copy is one, with the names that its retention may delete', () => {
      const result = imported(change(1, { replicate: true }), all);
      const repl = nodeOf(result, 'repl-7');
      assert.deepEqual([repl['fullFilesystem'], repl['snapshotSelection'], repl['enabled']], [true, 'all', true]);
      assert.deepEqual(repl['targetRetentionScope'], { namingSchemas: ['daily-%Y-%m-%d_%H-%M'], nameRegex: '' });
    });

    it('without properties nothing is sent raw', () => {
      const repl = nodeOf(imported(change(1, { properties: false })), 'repl-7');
      assert.deepEqual([repl['includeProperties'], repl['raw']], [false, 'never']);
    });

    it('what only a person starts has a button', () => {
      const result = imported(change(0, { auto: false }));
      assert.deepEqual(nodeOf(result, 'button-repl-4')['wires'], [[nodeOf(result, 'repl-4')['id']]]);
      assert.deepEqual(nodeOf(result, 'snap-5')['wires'], [[], [], []]);
    });

    it('lifetimes by schedule keep what is of none as long as the longest, never less', () => {
      const schedule = { minute: '0', hour: '0', dom: '1', month: '*', dow: '*' };
      const lifetimes = [{ schedule, lifetime_value: 1, lifetime_unit: 'YEAR' }];
      const result = imported(change(1, { lifetime_value: null, lifetime_unit: null, lifetimes }));
      assert.deepEqual(nodeOf(result, 'repl-7')['targetRetentionPolicy'], {
        keep: [
          { type: 'age', value: 1, unit: 'year' },
          { type: 'schedule', cron: '0 0 1 * *', value: 1, unit: 'year' },
        ],
      });
    });

    it('two items of one id are one', () => {
      const answers = answersOf('SCALE 25.10.6');
      const tasks = answers['pool.snapshottask.query'] as Row[];
      const result = imported({ ...answers, 'pool.snapshottask.query': [...tasks, ...tasks] });
      const ids = result.nodes.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      assert.match(said(result, 'import', 'error'), /no id of its own/);
    });
  });
});
