// sanoid.conf with lines of a crontab, as far as they map.
import assert from 'node:assert/strict';
import { importTools } from '../../../../nodes/admin/import-tools';
import { importFrom } from '../../../../src/import/import-from';
import type { DeployedConnection, Imported } from '../../../../src/import/result';

type Row = Record<string, unknown>;

const imported = (text: string, here = ''): Imported =>
  importFrom({ kind: 'document', document: text, field: 'text' }, { here, enable: new Set() }, importTools());

const byName = ({ nodes }: Imported): Map<unknown, Row> =>
  new Map(nodes.filter(({ type }) => type.startsWith('zfs-')).map((node) => [node['name'], node]));

const said = ({ findings }: Imported): string =>
  findings.map(({ level, message }) => `${level}: ${message}`).join('\n');

/** The example of sanoid's README, with a backup and a script. */
const CONF = `# sanoid
[data/home]
	use_template = production
[data/images]
	use_template = production ; inherited
	recursive = yes
	process_children_only = yes
[data/images/win7]
	hourly = 4
	daily = 0
	monthly = 0
[backup]
	use_template = backup
	recursive = zfs
	pre_snapshot_script = /bin/do --password THE-SECRET

[template_production]
        frequently = 0
        hourly = 36
        daily = 30
        monthly = 3
        yearly = 0
        autosnap = yes
        autoprune = yes
[template_backup]
  autosnap = no
  autoprune = yes
  hourly = 0
  daily = 14
  monthly = 0
`;

describe('import from sanoid', () => {
  it('takes the snapshots of each kind with the names, times and lifetimes of sanoid', () => {
    const result = imported(CONF);
    assert.equal(result.version, 'sanoid');
    const nodes = byName(result);
    assert.deepEqual(
      [...nodes.keys()].map(String).toSorted((a, b) => (a < b ? -1 : 1)),
      [
        'backup daily',
        'data/home daily',
        'data/home hourly',
        'data/home monthly',
        'data/images daily',
        'data/images hourly',
        'data/images monthly',
        'data/images/win7 hourly',
      ],
    );
    const daily = nodes.get('data/home daily') ?? {};
    assert.deepEqual(
      [daily['type'], daily['datasets'], daily['schedule'], daily['namingSchema'], daily['enabled']],
      ['zfs-snapshot', ['data/home'], '59 23 * * *', 'autosnap_%Y-%m-%d_%H:%M:%S_daily', false],
    );
    assert.deepEqual(daily['retention'], {
      keep: [
        { type: 'last', count: 30 },
        { type: 'age', value: 30, unit: 'day' },
      ],
    });
    assert.equal(nodes.get('data/home hourly')?.['schedule'], '0 * * * *');
    assert.equal(nodes.get('data/home monthly')?.['schedule'], '0 0 1 * *');
    assert.deepEqual(
      result.findings.filter(({ level }) => level === 'error'),
      [],
    );
  });

  it('leaves children alone, and what has a section of its own', () => {
    const images = byName(imported(CONF)).get('data/images hourly') ?? {};
    assert.deepEqual([images['recursive'], images['exclude']], [true, ['data/image[s]', 'data/images/win[7]']]);
  });

  it('only prunes where sanoid only prunes', () => {
    const result = imported(CONF);
    const backup = byName(result).get('backup daily') ?? {};
    assert.equal(backup['type'], 'zfs-retention-prune');
    assert.deepEqual(backup['scope'], { namingSchemas: ['autosnap_%Y-%m-%d_%H:%M:%S_daily'], nameRegex: '' });
    assert.match(said(result), /warn: pre_snapshot_script is not imported/);
    assert.doesNotMatch(JSON.stringify(result.nodes), /THE-SECRET/);
  });

  it('says what template is not there, and has sanoid defaults then', () => {
    const result = imported('[tank]\nuse_template = nothing\n');
    assert.match(said(result), /error: there is no template "nothing"/);
    assert.deepEqual([...byName(result).keys()], ['tank hourly', 'tank daily', 'tank monthly']);
  });
});

describe('import from a crontab with syncoid', () => {
  const line = (text: string, here = ''): { node: Row; ssh: Row | undefined; said: string } => {
    const result = imported(text, here);
    const node = result.nodes.find(({ type }) => type === 'zfs-replicate');
    assert.ok(node);
    return { node, ssh: result.nodes.find(({ type }) => type === 'zfs-ssh-connection'), said: said(result) };
  };

  it('replicates to another machine on the schedule of the line', () => {
    const { node, ssh } = line(
      '# m h\nSHELL=/bin/sh\n*/15 3-5  * * mon root KEY=THE-SECRET /usr/sbin/syncoid -r --no-sync-snap --sshkey=/root/.ssh/id --sshport 2222 --compress=zstd-fast --source-bwlimit=10m tank/vm "op@vault.lan:backup/a b" >/dev/null 2>&1 | curl THE-SECRET\n',
    );
    assert.deepEqual(
      [node['schedule'], node['recursive'], node['createSnapshot']],
      ['*/15 3-5 * * mon', true, 'never'],
    );
    assert.deepEqual([node['sourceConnection'], node['sourceDatasets']], ['', ['tank/vm']]);
    assert.deepEqual([node['targetConnection'], node['targetDataset']], [ssh?.['id'], 'backup/a b']);
    assert.deepEqual([node['streamCompression'], node['speedLimit']], ['zstd', '10m']);
    assert.deepEqual(
      [ssh?.['host'], ssh?.['username'], ssh?.['port'], ssh?.['authMethod'], ssh?.['keyFile']],
      ['vault.lan', 'op', 2222, 'keyFile', '/root/.ssh/id'],
    );
    assert.doesNotMatch(JSON.stringify(imported('0 0 * * * THE-SECRET=1 syncoid a b; THE-SECRET\n')), /THE-SECRET/);
  });

  it('knows pull, local, raw and what syncoid does by default', () => {
    const pull = line('@daily syncoid --sendoptions=w --force-delete --no-stream vault:tank/a tank/b\n');
    assert.deepEqual(
      [pull.node['schedule'], pull.node['sourceConnection'], pull.node['targetConnection']],
      ['@daily', pull.ssh?.['id'], ''],
    );
    assert.deepEqual(
      [pull.node['raw'], pull.node['whenDiverged'], pull.node['firstCopy']],
      ['always', 'recreate', 'newest'],
    );
    const local = line('syncoid tank/a tank/b --exclude=x', 'nas');
    assert.deepEqual([local.node['sourceConnection'], local.node['targetConnection']], ['nas', 'nas']);
    assert.deepEqual([local.node['createSnapshot'], local.node['streamCompression']], ['always', 'lzop']);
    assert.match(local.said, /--exclude is not imported/);
    assert.match(local.said, /stay until something prunes them/);
  });

  describe('where there are connections', () => {
    const b: DeployedConnection = { id: 'b', name: 'b', host: 'vault.lan', port: 22, username: 'op', keyFile: '' };
    const to = (
      deployed: readonly DeployedConnection[],
      more: { here?: string; host?: string; options?: string } = {},
    ): Imported => {
      const { here = '', host = 'op@Vault.lan', options = '' } = more;
      const document = `0 4 * * * syncoid ${options} tank/a ${host}:backup/a`;
      const choices = { here, enable: new Set<string>(), deployed };
      return importFrom({ kind: 'document', document, field: 'text' }, choices, importTools());
    };
    const target = ({ nodes }: Imported): unknown =>
      nodes.find(({ type }) => type === 'zfs-replicate')?.['targetConnection'];
    const made = ({ nodes }: Imported): string[] =>
      nodes.filter(({ type }) => type === 'zfs-ssh-connection').map(({ id }) => id);

    it('uses the one to the same account, and says so', () => {
      const result = to([{ ...b, id: 'other', port: 2222 }, b]);
      assert.deepEqual([target(result), made(result)], ['b', []]);
      const [told] = result.findings.filter(({ message }) => message.includes('your connection'));
      assert.deepEqual([told?.level, told?.message], ['info', 'uses your connection "b", which is there already']);
      assert.ok(
        result.items.some(({ item }) => item === told?.item),
        'it is said of the task',
      );
    });

    it('makes its own where none or more than one is meant, or where that has another key', () => {
      const hosts = { host: 'localhost' };
      for (const result of [
        to([]),
        to([{ ...b, username: 'root' }]),
        to([b, { ...b, id: 'c' }]),
        to([b], { options: '--sshkey=/root/.ssh/id' }),
        to([{ ...b, ...hosts }], { here: 'nas', host: 'op@localhost' }),
      ]) {
        assert.deepEqual([made(result).length, target(result)], [1, made(result)[0]]);
        assert.doesNotMatch(said(result), /your connection/);
      }
      const keyFile = '/root/.ssh/id';
      assert.equal(target(to([{ ...b, keyFile }], { options: `--sshkey=${keyFile}` })), 'b');
      assert.equal(target(to([{ ...b, ...hosts }], { host: 'op@localhost' })), 'b');
    });

    it('goes on with what an earlier import has made', () => {
      const [id = ''] = made(to([]));
      const again = to([{ ...b, id }]);
      assert.deepEqual([target(again), made(again)], [id, [id]]);
      assert.equal(target(to([{ ...b, id, host: 'moved' }, b])), id);
    });
  });

  it('comes with a sanoid.conf in one text, with the same ids each time', () => {
    const text = `${CONF}\n0 4 * * * syncoid data/home backup/home\n# 0 5 * * * syncoid data/x backup/x\n`;
    const result = imported(text);
    assert.deepEqual([byName(result).size, byName(result).has('data/home to backup/home')], [9, true]);
    assert.deepEqual(imported(text), result);
  });
});
