// Which facts make two connections one machine, and which two: tables of what the world has, and what must hold for all.
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  isOneMachine,
  mayShareKernel,
  tellsApart,
  type Identity,
  type MachineFacts,
  type Sighting,
} from '../../../src/host/machine-identity';
import { machineFacts } from '../../support/builders';

type More = Partial<Omit<Identity, 'machine'> & MachineFacts>;

const LINUX: More = {
  platform: 'Linux',
  hostname: 'nas',
  bootId: 'boot-1',
  hostId: ' 01 02 03 04',
  machineId: 'machine-1',
  hostKeys: '123 456',
  pidNamespace: 'pid:[4026531836]',
  userNamespace: 'user:[4026531837]',
};
const FREEBSD: More = {
  platform: 'FreeBSD',
  hostname: 'nas',
  hostUuid: 'uuid-1',
  bootTime: '{ sec = 1 }',
  jailed: '0',
};

function identity({ platform = 'Linux', hostname = '', isRoot = true, ...facts }: More): Identity {
  return { platform, hostname, isRoot, machine: machineFacts(facts) };
}

/** A process of the first seen from the second, and the other way round. */
interface Row {
  what: string;
  a: More;
  b: More;
  seen: [Sighting, Sighting];
  /** Streams for b may be carried on a. */
  one: boolean;
  /** Pools of one GUID may be one pool. */
  kernel: boolean;
}

const inner = { ...LINUX, hostname: 'ct', machineId: 'ct', hostKeys: '', pidNamespace: 'pid:[4026532201]' };
const rows: Row[] = [
  { what: 'a machine and itself', a: LINUX, b: LINUX, seen: ['own', 'own'], one: true, kernel: true },
  {
    what: 'root and an account',
    a: LINUX,
    b: { ...LINUX, isRoot: false },
    seen: ['own', 'own'],
    one: true,
    kernel: true,
  },
  {
    what: 'root and an account that may not see the processes of others (hidepid)',
    a: LINUX,
    b: { ...LINUX, isRoot: false },
    seen: ['none', 'own'],
    one: false,
    kernel: true,
  },
  {
    what: 'clones that were started each for itself',
    a: LINUX,
    b: { ...LINUX, bootId: 'boot-2' },
    seen: ['none', 'none'],
    one: false,
    kernel: false,
  },
  { what: 'clones with their memory', a: LINUX, b: LINUX, seen: ['none', 'none'], one: false, kernel: false },
  {
    what: 'clones with their memory, by accounts: nothing shows that they are two',
    a: { ...LINUX, isRoot: false },
    b: { ...LINUX, isRoot: false },
    seen: ['none', 'none'],
    one: false,
    kernel: true,
  },
  {
    what: 'clones by accounts, each started for itself',
    a: { ...LINUX, isRoot: false },
    b: { ...LINUX, isRoot: false, bootId: 'boot-2' },
    seen: ['none', 'none'],
    one: false,
    kernel: false,
  },
  { what: 'a container and its host', a: inner, b: LINUX, seen: ['inner', 'none'], one: false, kernel: true },
  {
    what: 'a container with a boot id of its own (systemd-nspawn, LXC)',
    a: LINUX,
    b: { ...inner, bootId: 'boot-ct' },
    seen: ['none', 'inner'],
    one: false,
    kernel: true,
  },
  {
    what: 'two such containers, which see nothing of each other',
    a: { ...inner, bootId: 'ct-1' },
    b: { ...inner, hostname: 'other', bootId: 'ct-2' },
    seen: ['none', 'none'],
    one: false,
    kernel: true,
  },
  {
    what: 'such containers on machines with different kernels',
    a: { ...inner, bootId: 'ct-1', kernel: 'Linux #1' },
    b: { ...inner, bootId: 'ct-2', kernel: 'Linux #2' },
    seen: ['none', 'none'],
    one: false,
    kernel: false,
  },
  {
    what: 'a container with a boot id of its own, and its host, where nobody looked',
    a: { ...inner, bootId: 'boot-ct', kernel: 'Linux #1' },
    b: { ...LINUX, kernel: 'Linux #1' },
    seen: ['unknown', 'unknown'],
    one: false,
    kernel: true,
  },
  {
    what: 'a container that shares name and processes with its host, but not its rights',
    a: LINUX,
    b: { ...LINUX, userNamespace: 'user:[4026532300]' },
    seen: ['own', 'own'],
    one: false,
    kernel: true,
  },
  { what: 'FreeBSD and itself', a: FREEBSD, b: FREEBSD, seen: ['own', 'own'], one: true, kernel: true },
  { what: 'FreeBSD and its clone', a: FREEBSD, b: FREEBSD, seen: ['none', 'none'], one: false, kernel: false },
  {
    what: 'a jail and its host, by names that agree',
    a: { ...FREEBSD, jailed: '1' },
    b: FREEBSD,
    seen: ['own', 'none'],
    one: false,
    kernel: true,
  },
  {
    what: 'two jails',
    a: { ...FREEBSD, jailed: '1' },
    b: { ...FREEBSD, jailed: '1', hostname: 'other' },
    seen: ['none', 'none'],
    one: false,
    kernel: true,
  },
  {
    what: 'the controllers of a cluster that share a pool, one after the other',
    a: LINUX,
    b: { ...LINUX, hostname: 'nas-b', bootId: 'boot-2' },
    seen: ['none', 'none'],
    one: false,
    kernel: false,
  },
  {
    what: 'a machine that got another name from DHCP between two questions',
    a: LINUX,
    b: { ...LINUX, hostname: 'dhcp-12' },
    seen: ['own', 'own'],
    one: false,
    kernel: true,
  },
  { what: 'two systems', a: LINUX, b: FREEBSD, seen: ['none', 'none'], one: false, kernel: false },
  { what: 'nothing known but that it is seen', a: {}, b: {}, seen: ['own', 'own'], one: true, kernel: true },
  { what: 'nothing known at all', a: {}, b: {}, seen: ['unknown', 'unknown'], one: false, kernel: true },
  {
    what: 'host ids that were never set',
    a: { ...LINUX, hostId: ' 00 00 00 00' },
    b: LINUX,
    seen: ['own', 'own'],
    one: true,
    kernel: true,
  },
];

const anyIdentity: fc.Arbitrary<Identity> = fc
  .record({
    platform: fc.constantFrom('Linux', 'FreeBSD'),
    hostname: fc.constantFrom('x', 'y'),
    isRoot: fc.boolean(),
    bootId: fc.constantFrom('', '1', '2'),
    hostId: fc.constantFrom('', '0', '1', '2'),
    hostKeys: fc.constantFrom('', '1', '2'),
    pidNamespace: fc.constantFrom('', 'pid:[4026531836]', 'pid:[4026532201]'),
    jailed: fc.constantFrom('', '0', '1'),
  })
  .map(identity);
const anySighting = fc.constantFrom<Sighting>('own', 'inner', 'none', 'unknown');

describe('the identity of machines', () => {
  for (const { what, a, b, seen, one, kernel } of rows) {
    it(`${what}: ${one ? 'one machine' : 'two machines'}${kernel && !one ? ', perhaps one kernel' : ''} [B1]`, () => {
      const [left, right] = [identity(a), identity(b)];
      assert.equal(isOneMachine(left, right, seen[0]), one);
      assert.equal(mayShareKernel(left, right, ...seen), kernel);
      assert.equal(mayShareKernel(right, left, seen[1], seen[0]), kernel);
    });
  }

  it('is proven by nothing but a process that is seen: facts alone only tell apart [B1]', () => {
    fc.assert(
      fc.property(anyIdentity, anyIdentity, anySighting, (a, b, seen) => {
        if (isOneMachine(a, b, seen)) assert.ok(seen === 'own' && !tellsApart(a, b));
        assert.ok(!tellsApart(a, a), 'nothing tells a machine from itself');
        assert.equal(tellsApart(a, b), tellsApart(b, a));
      }),
    );
  });

  it('never lets streams go where pools of one GUID could be two [B1]', () => {
    fc.assert(
      fc.property(anyIdentity, anyIdentity, anySighting, anySighting, (a, b, there, back) => {
        if (isOneMachine(a, b, there)) assert.ok(mayShareKernel(a, b, there, back));
        assert.equal(mayShareKernel(a, b, there, back), mayShareKernel(b, a, back, there));
      }),
    );
  });

  it('a fact less never makes two machines of one, nor a fact more one of two', () => {
    fc.assert(
      fc.property(anyIdentity, anyIdentity, fc.constantFrom('bootId', 'hostId', 'hostKeys'), (a, b, fact) => {
        const less = { ...a, machine: { ...a.machine, [fact]: '' } };
        if (!tellsApart(a, b)) assert.ok(!tellsApart(less, b));
      }),
    );
  });
});
