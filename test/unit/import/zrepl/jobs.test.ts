// zrepl's YAML, as far as it maps. Shapes of the jobs: zrepl's documentation.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { importTools } from '../../../../nodes/admin/import-tools';
import { ZfsFlowError } from '../../../../src/base/errors';
import { importFrom } from '../../../../src/import/import-from';
import type { DeployedConnection, Imported } from '../../../../src/import/result';
import { treesOf } from '../../../../src/import/zrepl/filesystems';
import { durationOf, policyOf } from '../../../../src/import/zrepl/pruning';

type Row = Record<string, unknown>;

const imported = (text: string, deployed: readonly DeployedConnection[] = []): Imported =>
  importFrom(
    { kind: 'document', document: text, field: 'text' },
    { here: '', enable: new Set(), deployed },
    importTools(),
  );

const said = ({ findings }: Imported): string =>
  findings.map(({ level, message }) => `${level}: ${message}`).join('\n');

const PUSH = `jobs:
- name: prod_to_backups
  type: push
  connect:
    type: CONNECT
  filesystems:
    "tank/prod<": true
    "tank/prod/tmp<": false
    "tank/prod/logs": false
  snapshotting:
    type: periodic
    interval: 10m
    prefix: zrepl_
    hooks:
    - {type: mysql-lock-tables, dsn: "user:THE-SECRET@tcp(localhost)/"}
  pruning:
    keep_sender:
    - type: not_replicated
    - {type: last_n, count: 10}
    keep_receiver:
    - {type: grid, grid: "1x1h(keep=all) | 24x1h | 30x1d | 6x30d", regex: "^zrepl_.*"}
`;
const SINK = `- name: sink
  type: sink
  root_fs: "backup/sink"
  serve: {type: local, listener_name: here}
`;

describe('import from zrepl', () => {
  const find = (result: Imported, type: string): Row => {
    const node = result.nodes.find((one) => one.type === type);
    assert.ok(node, type);
    return node;
  };

  it('a push to a sink of the same text is complete', () => {
    const text = PUSH.replace('type: CONNECT', 'type: local\n    listener_name: here\n    client_identity: prod');
    const result = imported(text + SINK);
    assert.equal(result.version, 'zrepl');
    assert.deepEqual(
      result.findings.filter(({ level }) => level === 'error'),
      [],
    );
    const [snap, repl] = [find(result, 'zfs-snapshot'), find(result, 'zfs-replicate')];
    assert.deepEqual(
      [snap['schedule'], snap['namingSchema'], snap['timeZone']],
      ['*/10 * * * *', 'zrepl_%Y%m%d_%H%M%S_000', 'UTC'],
    );
    assert.deepEqual([snap['recursive'], snap['exclude']], [true, ['tank/prod/tmp', 'tank/prod/log[s]']]);
    assert.deepEqual(snap['retention'], { keep: [{ type: 'last', count: 10 }] });
    assert.deepEqual(snap['wires'], [[repl['id']], [], []]);
    assert.deepEqual([repl['sourceDatasets'], repl['targetDataset']], [['tank/prod'], 'backup/sink/prod/tank/prod']);
    assert.deepEqual(repl['targetRetentionPolicy'], {
      keep: [
        { type: 'age', value: 1, unit: 'hour' },
        { type: 'every', period: 'hour', count: 25 },
        { type: 'every', period: 'day', count: 32 },
        { type: 'every', period: 'month', count: 8 },
      ],
    });
    assert.deepEqual(repl['targetRetentionScope'], { namingSchemas: ['zrepl_%Y%m%d_%H%M%S_000'], nameRegex: '' });
    assert.match(said(result), /warn: hooks are not imported/);
    assert.doesNotMatch(JSON.stringify(result), /THE-SECRET/);
  });

  it('a push to another machine lacks its target, which is said, and is no run', () => {
    const ssh = PUSH.replace(
      'type: CONNECT',
      'type: ssh+stdinserver\n    host: vault\n    user: op\n    port: 2222\n    identity_file: /etc/zrepl/id',
    );
    const result = imported(ssh);
    const [repl, connection] = [find(result, 'zfs-replicate'), find(result, 'zfs-ssh-connection')];
    assert.equal(repl['targetDataset'], '');
    assert.match(said(result), /error: its target \(root_fs of the sink\)/);
    assert.deepEqual(
      [connection['host'], connection['port'], connection['username'], connection['keyFile']],
      ['vault', 2222, 'op', '/etc/zrepl/id'],
    );
    const tls = imported(PUSH.replace('type: CONNECT', 'type: tls\n    address: "vault:8888"'));
    assert.deepEqual([find(tls, 'zfs-ssh-connection')['host'], find(tls, 'zfs-ssh-connection')['port']], ['vault', 22]);
    assert.match(said(tls), /needs an SSH login/);
  });

  it('says once what is missing in a task', () => {
    const errors = (result: Imported, kind: string): string[] =>
      result.findings.filter(({ item, level }) => item.startsWith(kind) && level === 'error').map((one) => one.message);
    const push = imported(PUSH.replace('type: CONNECT', 'type: tls\n    address: "vault:8888"'));
    assert.deepEqual(errors(push, 'repl'), ['its target (root_fs of the sink) stands on the other machine: enter it']);
    assert.equal(push.items.find(({ item }) => item.startsWith('repl'))?.whyDisabled, 'it cannot run as it is');
    const pull = imported(`jobs:
- {name: pull, type: pull, root_fs: backup, interval: 1h, connect: {type: tcp, address: "a:1"}, pruning: {}}
`);
    assert.deepEqual(errors(pull, 'repl'), [
      'its datasets (filesystems of the source) stand on the other machine: enter them',
    ]);
    assert.equal(find(pull, 'zfs-replicate')['enabled'], false);
    const wrong = imported(PUSH.replace('type: CONNECT', 'type: local').replace('"tank/prod<"', '"tank//prod<"'));
    assert.match(errors(wrong, 'snap').join(), /cannot be used as it is \(datasets/, 'what nobody has said yet');
  });

  it('speaks of a grid where there is one, and of what is pruned where something is', () => {
    const notes = (result: Imported, kind: string): string[] =>
      result.findings
        .filter(({ item, level }) => item.startsWith(kind) && level === 'info')
        .map(({ message }) => message)
        .filter((message) => !message.startsWith('becomes'));
    const local = PUSH.replace('type: CONNECT', 'type: local\n    listener_name: here\n    client_identity: prod');
    const both = imported(local + SINK);
    const names = 'snapshots of other names are never pruned';
    assert.deepEqual(notes(both, 'snap'), [names]);
    assert.deepEqual(notes(both, 'repl'), [
      'a grid counts its intervals from now here, so that a few more are kept',
      names,
    ]);
    const nothing = imported(
      local.replace(/ {4}- \{type: grid.*\n/, '').replace(/ {4}- \{type: last_n.*\n/, '') + SINK,
    );
    assert.deepEqual([notes(nothing, 'snap'), notes(nothing, 'repl')], [[], []]);
  });

  it('goes to a machine by the connection that there is', () => {
    const text = PUSH.replace('type: CONNECT', 'type: tls\n    address: "vault:8888"');
    const vault = { id: 'b', name: 'my vault', host: 'vault', port: 22, username: 'root', keyFile: '' };
    const result = imported(text, [vault]);
    assert.equal(find(result, 'zfs-replicate')['targetConnection'], 'b');
    assert.match(said(result), /info: uses your connection "my vault"/);
    assert.doesNotMatch(said(result), /needs an SSH login/, 'it has one');
    assert.ok(!result.nodes.some(({ type }) => type === 'zfs-ssh-connection'));
  });

  it('a schedule is taken without the blanks around it', () => {
    const cron = `jobs:
- {name: s, type: snap, filesystems: {a: true}, snapshotting: {type: cron, cron: "0 0 1 * * ", prefix: z_}}
`;
    assert.equal(find(imported(cron), 'zfs-snapshot')['schedule'], '0 0 1 * *');
  });

  it('a pull knows its datasets where the source was given too', () => {
    const pull = `jobs:
- {name: pull, type: pull, root_fs: backup/pull, interval: 1h, connect: {type: tcp, address: "a:1"}, pruning: {}}
`;
    assert.match(said(imported(pull)), /error: .*stand on the other machine/);
    const source =
      '- {name: source, type: source, filesystems: {"tank/a": true}, snapshotting: {type: manual}, serve: {type: tcp}}\n';
    const repl = find(imported(pull + source), 'zfs-replicate');
    assert.deepEqual(
      [repl['sourceDatasets'], repl['targetDataset'], repl['schedule']],
      [['tank/a'], 'backup/pull/tank/a', '0 * * * *'],
    );
  });

  it('a filter of file systems is trees with what is left out', () => {
    assert.deepEqual(treesOf({ 'a<': true, 'a/b<': true, 'c/d': true, 'a/x<': false }).trees, [
      { recursive: true, datasets: ['a'], exclude: ['a/x'] },
      { recursive: false, datasets: ['c/d'], exclude: [] },
    ]);
    assert.match(treesOf({ '<': true }).problems.join(), /every dataset/);
    assert.match(treesOf({ 'a<': true, 'a/b<': false, 'a/b/c': true }).problems.join(), /a\/b\/c back in/);
    assert.match(treesOf(null).problems.join(), /no dataset/);
  });

  it('nothing is pruned by rules that cannot be read', () => {
    assert.deepEqual(policyOf([{ type: 'last_n', count: 3 }, { type: 'moon' }]).policy, null);
    assert.deepEqual(policyOf([{ type: 'grid', grid: '1x1h | nonsense' }]).policy, null);
    assert.deepEqual(policyOf([{ type: 'regex', regex: 'x', negate: true }]), { policy: null, problems: [] });
    assert.deepEqual(policyOf([{ type: 'grid', grid: '3x15m | 4x1w(keep=2)' }]).policy, {
      keep: [
        { type: 'age', value: 1, unit: 'hour' },
        { type: 'age', value: 673, unit: 'hour' },
      ],
    });
    assert.deepEqual(['10m', '1h30m', '1 d', '', '5', 'x'].map(durationOf), [600, 5400, 86_400, null, null, null]);
  });

  it('takes any YAML without trouble', () => {
    const lines = fc.array(
      fc.constantFrom(
        ...PUSH.split('\n'),
        ...SINK.split('\n'),
        '- type: pull',
        '  x: &a [*a]',
        '  y: !!binary x',
        '\t',
        '[x]',
        '0 0 * * * syncoid a b',
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(lines, (some) => {
        try {
          imported(`jobs:\n${some.join('\n')}`);
        } catch (error) {
          assert.ok(error instanceof ZfsFlowError && error.code === 'INVALID_OPTIONS', String(error));
          assert.doesNotMatch(error.message, /THE-SECRET/);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is not blown up by aliases', () => {
    const bomb = [
      'a0: &a0 [x, x]',
      ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`),
      'jobs: *a30',
    ];
    assert.throws(() => imported(bomb.join('\n')), { code: 'INVALID_OPTIONS' });
  });
});
