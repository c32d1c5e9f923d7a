// What a machine can do, by what is known of it: programs, versions, sudo, rights by dataset.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { judge, SOURCE_RIGHTS, TARGET_RIGHTS, type Findings } from '../../../src/readiness/judge';
import type { NodeReadiness, Readiness } from '../../../src/readiness/readiness';

const POOL = { name: 'tank', guid: '1', health: 'ONLINE' };

type Given = Partial<Omit<Findings, 'facts' | 'carriers'>> & {
  facts?: Partial<Findings['facts']>;
  carriers?: Partial<Findings['carriers']>;
};

function found({ facts, carriers, ...others }: Given = {}): Readiness {
  return judge({
    user: 'op',
    allowed: new Map(),
    jump: false,
    ...others,
    facts: {
      platform: 'Linux',
      zfsVersion: '2.2.6-1',
      zfsKernelVersion: '2.2.6-1',
      isRoot: true,
      programs: new Set(['zfs', 'zpool', 'zstd', 'mbuffer']),
      pools: [POOL],
      ...facts,
    },
    carriers: {
      openssl: 'OpenSSL 3.0.19',
      hasTls: true,
      netcats: [],
      programs: new Set(['mktemp', 'mkfifo', 'perl']),
      ...carriers,
    },
  });
}

const node = ({ nodes }: Readiness, name: string, role?: string): NodeReadiness =>
  nodes.find((one) => one.node === name && one.role === role) ?? assert.fail(`nothing is said of ${name}`);

const allowed = (byDataset: Record<string, readonly string[]>): Findings['allowed'] =>
  new Map(Object.entries(byDataset).map(([dataset, rights]) => [dataset, new Set(rights)]));

describe('what a machine can do', () => {
  it('is everything for root', () => {
    const { rights, nodes, transports, helpers } = found();
    assert.equal(rights, 'root');
    for (const one of [...nodes, ...transports]) assert.deepEqual([one.ok, one.missing], [true, []]);
    assert.ok(nodes.every(({ limits, where }) => limits.length === 0 && where === undefined));
    assert.deepEqual(helpers, { present: ['zstd', 'mbuffer'], absent: ['lz4', 'pigz', 'gzip', 'xz', 'lzop'] });
  });

  it('is nothing without ZFS in the kernel, without a pool, or with one that is too old', () => {
    const lack = (facts: Partial<Findings['facts']>): unknown[] =>
      found({ facts }).nodes.map(({ ok, missing }) => [ok, missing]);
    const all = (missing: object): unknown[] => found().nodes.map(() => [false, [missing]]);
    assert.deepEqual(lack({ zfsKernelVersion: '' }), all({ kind: 'module' }));
    assert.deepEqual(lack({ pools: [] }), all({ kind: 'pool' }));
    assert.deepEqual(
      lack({ zfsVersion: '0.8.3-1ubuntu12' }),
      all({ kind: 'zfs', needs: '2.0', has: '0.8.3-1ubuntu12' }),
    );
    for (const zfsVersion of ['2.0.0', '2.1.9-FreeBSD_g92e0d9d18', '10.1']) {
      assert.ok(
        found({ facts: { zfsVersion } }).nodes.every(({ ok }) => ok),
        zfsVersion,
      );
    }
  });

  it('beside SSH takes a program to carry data, and no other connection in between', () => {
    const said = (given: Given): unknown => {
      const [ssh, ...others] = found(given).transports;
      assert.deepEqual(ssh, { transport: 'ssh', ok: true, missing: [] });
      return others.map(({ ok, missing }) => [
        ok,
        missing.map((lack) => (lack.kind === 'program' ? lack.anyOf[0] : lack.kind)),
      ]);
    };
    const netcat = { flavour: 'openbsd', command: ['nc'] } as const;
    const handing = ['mktemp', 'mkfifo'];
    const carriers = (...programs: string[]): Given => ({ carriers: { programs: new Set(programs) } });
    assert.deepEqual(said(carriers(...handing, 'socat')), [
      [true, []],
      [true, []],
    ]);
    // It cannot listen.
    assert.deepEqual(said(carriers(...handing, 'bash')), [
      [true, []],
      [false, ['perl']],
    ]);
    assert.deepEqual(said(carriers('perl')), [
      [false, handing],
      [false, handing],
    ]);
    const withNetcat = (ends: boolean): Given => {
      return { carriers: { programs: new Set(handing), netcats: [{ ...netcat, ends }] } };
    };
    assert.deepEqual(said(withNetcat(true)), [
      [true, []],
      [true, []],
    ]);
    assert.deepEqual(said(withNetcat(false)), [
      [true, []],
      [false, ['perl']],
    ]);
    assert.deepEqual(said({ carriers: { openssl: '', hasTls: false } }), [
      [false, ['openssl']],
      [true, []],
    ]);
    assert.deepEqual(found({ carriers: { openssl: 'LibreSSL 3.8', hasTls: false } }).transports[1]?.missing, [
      { kind: 'openssl', has: 'LibreSSL 3.8' },
    ]);
    assert.deepEqual(said({ jump: true }), [
      [false, ['jump']],
      [false, ['jump']],
    ]);
  });

  it('hangs on sudo where the connection names it: on what it lets through, and on whether it is there', () => {
    const facts = { isRoot: false };
    const good = found({ facts, privilege: { by: 'sudo', installed: true, refused: new Map() } });
    assert.deepEqual([good.rights, good.nodes.every(({ ok }) => ok)], ['sudo', true]);
    const refused = new Map([['zpool', 'sudo: a password is required']]);
    const half = found({ facts: { ...facts, pools: [] }, privilege: { by: 'sudo', installed: true, refused } });
    for (const { ok, missing } of half.nodes) {
      assert.equal(ok, false);
      assert.deepEqual(missing, [
        { kind: 'privilege', by: 'sudo', command: 'zpool', said: 'sudo: a password is required' },
      ]);
    }
    const none = found({ facts, privilege: { by: 'doas', installed: false, refused: new Map() } });
    for (const { missing } of none.nodes) assert.deepEqual(missing, [{ kind: 'program', anyOf: ['doas'] }]);
  });

  const IN = ['mount', 'receive', 'create', 'canmount', 'userprop', 'hold', 'release'];

  it('is told by dataset where zfs allow gives the rights', () => {
    const readiness = found({
      facts: { isRoot: false },
      allowed: allowed({ tank: ['mount'], 'tank/data': SOURCE_RIGHTS, 'tank/in': IN }),
    });
    assert.equal(readiness.rights, 'allow');
    assert.deepEqual(node(readiness, 'zfs-snapshot'), {
      node: 'zfs-snapshot',
      ok: true,
      missing: [],
      limits: [],
      where: ['tank/data'],
    });
    assert.deepEqual(node(readiness, 'zfs-replicate', 'source').where, ['tank/data']);
    assert.deepEqual(node(readiness, 'zfs-retention-prune').limits, ['oneByOne']);
    assert.deepEqual(node(readiness, 'zfs-verify').limits, ['noDrill']);
    const bsd = found({ facts: { isRoot: false, platform: 'FreeBSD' }, allowed: allowed({ tank: SOURCE_RIGHTS }) });
    assert.deepEqual(node(bsd, 'zfs-verify').limits, []);
    assert.equal(node(readiness, 'zfs-list-snapshots').ok, true);
    const { ok, missing } = node(readiness, 'zfs-replicate', 'target');
    assert.equal(ok, false);
    const [lack] = missing;
    assert.ok(lack?.kind === 'rights' && missing.length === 1);
    assert.deepEqual([lack.user, lack.dataset], ['op', 'tank/in']);
    assert.deepEqual(new Set([...lack.rights, ...IN]), new Set(TARGET_RIGHTS));
  });

  it('names the pool where nothing is allowed anywhere', () => {
    const readiness = found({ facts: { isRoot: false }, allowed: allowed({ 'tank/a/b': [], tank: [], 'tank/a': [] }) });
    assert.deepEqual(node(readiness, 'zfs-retention-prune').missing, [
      { kind: 'rights', user: 'op', rights: ['destroy', 'mount'], dataset: 'tank' },
    ]);
  });

  it('takes the very rights that the README tells to give', () => {
    const readme = readFileSync(path.resolve(__dirname, '../../../README.md'), 'utf8');
    for (const [rights, side] of [
      [SOURCE_RIGHTS, 'SOURCE'],
      [TARGET_RIGHTS, 'TARGET'],
    ] as const) {
      assert.ok(readme.includes(`\`zfs allow USER ${rights.join(',')} ${side}\``), side);
    }
  });
});
