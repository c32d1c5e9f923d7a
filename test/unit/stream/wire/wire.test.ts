// What is decided about a stream over TCP without any machine: the key's form, ports, addresses, who listens, which program,
// what a failure was, and when `auto` chooses it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { ErrorCode } from '../../../../src/base/errors';
import { netcatOf } from '../../../../src/host/transport-facts';
import { farEndScript, type FarEnd } from '../../../../src/host/shell/far-end-script';
import { remoteCommand } from '../../../../src/host/shell/quote';
import { plainCarrier, type Carrier } from '../../../../src/host/shell/carrier-commands';
import { bufferLimit, tlsPays, usableWindow } from '../../../../src/stream/wire/auto-rule';
import { tlsSession } from '../../../../src/stream/wire/tls-session';
import type { EndReport } from '../../../../src/stream/wire/wire-end';
import { wireFailure } from '../../../../src/stream/wire/wire-failure';
import {
  listeningSide,
  planWire,
  portRange,
  portsToTry,
  type Wire,
  type WireSide,
} from '../../../../src/stream/wire/wire-plan';
import { ANY, side } from '../../../support/wire-bench';

const MB = 1 << 20;
const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index));

describe('the key of a transfer', () => {
  it('is a session that openssl reads', () => {
    const der = tlsSession(KEY, 'TLS_AES_128_GCM_SHA256', 1_700_000_000);
    const expected =
      '303d' +
      '020101' +
      '02020304' +
      '04021301' +
      '0400' +
      `0420${KEY.toString('hex')}` +
      'a1060204' +
      '6553f100' +
      'a20402020e10';
    assert.equal(der.toString('hex'), expected);
    const text = `-----BEGIN SSL SESSION PARAMETERS-----\n${der.toString('base64')}\n-----END SSL SESSION PARAMETERS-----\n`;
    const shown = execFileSync('openssl', ['sess_id', '-noout', '-text'], { input: text, encoding: 'utf8' });
    assert.match(shown, /Protocol *: TLSv1\.3/);
    assert.match(shown, /Cipher *: TLS_AES_128_GCM_SHA256/);
    assert.match(shown, new RegExp(KEY.toString('hex'), 'i'));
    assert.match(shown, /Timeout *: 3600/);
    // One line, which every openssl takes.
    assert.equal(der.toString('base64').length, 84);
    assert.throws(() => tlsSession(Buffer.alloc(16), 'TLS_AES_128_GCM_SHA256', 0), RangeError);
  });
});

describe('ports and sides', () => {
  it('begin anywhere in the range, go round, and stay in it', () => {
    const range = portRange({ ...ANY, netcatPortMin: 6000, netcatPortMax: 6003 });
    assert.deepEqual(portsToTry(range, 0.5), [6002, 6003, 6000, 6001]);
    assert.deepEqual(portsToTry(range, 0.999999), [6003, 6000, 6001, 6002]);
    assert.equal(portsToTry(portRange(ANY), 0.3).length, 20);
    assert.deepEqual(portRange({ ...ANY, netcatPortMin: 5000 }), { min: 5000, max: 65_535, isAny: false });
    assert.deepEqual(portRange({ ...ANY, netcatPortMax: 5000 }), { min: 1024, max: 5000, isAny: false });
  });

  it('the side that is reached by SSH listens, of two the target', () => {
    const [near, far] = [{ isLocal: true }, { isLocal: false }];
    assert.equal(listeningSide('auto', near, far), 'target');
    assert.equal(listeningSide('auto', far, near), 'source');
    assert.equal(listeningSide('auto', far, far), 'target');
    assert.equal(listeningSide('source', near, far), 'source');
    assert.equal(listeningSide('local', near, far), 'source');
    assert.equal(listeningSide('remote', far, near), 'source');
    for (const asked of ['local', 'remote'] as const) {
      assert.throws(() => listeningSide(asked, far, far), { code: 'INVALID_OPTIONS', field: 'netcatActiveSide' });
    }
  });

  it('addresses: the host name of the other connection, or where the connection came from', () => {
    const near = side('local', true);
    const far: WireSide = {
      ...side('B', false),
      address: 'b.example',
      sshConnection: ['192.0.2.7', '4000', '192.0.2.9', '22'],
    };
    const push = planWire('ssh+tls', ANY, { source: near, target: far, ownAddresses: [] });
    assert.deepEqual([push.listenAddress, push.connectAddress], ['', 'b.example']);
    const options = { ...ANY, netcatActiveSide: 'local' } as const;
    const behind = planWire('ssh+tls', options, { source: far, target: near, ownAddresses: ['10.0.0.1'] });
    assert.deepEqual([behind.listenAddress, behind.connectAddress], ['', '192.0.2.7']);
    const own = planWire('ssh+tls', options, { source: far, target: near, ownAddresses: ['192.0.2.7'] });
    assert.equal(own.listenAddress, '192.0.2.7');
    const said = { ...options, netcatListenAddress: '::', netcatConnectAddress: 'nat.example' };
    const asked = planWire('ssh+tls', said, { source: far, target: near, ownAddresses: ['192.0.2.7'] });
    assert.deepEqual([asked.listenAddress, asked.connectAddress], ['::', 'nat.example']);
  });

  it('CHACHA20 unless both have AES instructions', () => {
    const plan = (aes: boolean): Wire =>
      planWire('ssh+tls', ANY, { source: { ...side('A', false), aes }, target: side('B', false), ownAddresses: [] });
    assert.equal(plan(true).cipher, 'TLS_AES_128_GCM_SHA256');
    assert.equal(plan(false).cipher, 'TLS_CHACHA20_POLY1305_SHA256');
  });

  it('a program that is missing is named, with its machine', () => {
    const bare: WireSide = { ...side('B', false), hasTls: false, netcats: [], programs: new Set(['mktemp', 'mkfifo']) };
    for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
      const plan = (): Wire => planWire(transport, ANY, { source: side('A', true), target: bare, ownAddresses: [] });
      assert.throws(plan, { code: 'COMMAND_NOT_FOUND', host: 'B' });
    }
    const noFifo = { ...side('B', false), programs: new Set(['bash', 'mktemp']) };
    const plan = (): Wire => planWire('ssh+tls', ANY, { source: side('A', true), target: noFifo, ownAddresses: [] });
    assert.throws(plan, { code: 'COMMAND_NOT_FOUND', message: /mkfifo on B/ });
  });
});

describe('netcats', () => {
  it('are told by their help, and unknown ones are not used', () => {
    assert.deepEqual(netcatOf('nc', 'OpenBSD netcat (Debian patchlevel 1.219-1) usage: nc [-46CDdFhklNnrStUuvZz]'), {
      flavour: 'openbsd',
      command: ['nc'],
      ends: true,
    });
    assert.equal(netcatOf('nc', 'usage: nc [-46DdEFhklMNnOorStUuvz] [-e policy]')?.ends, true);
    // FreeBSD's before 2013, and Debian's of the time: it would never end.
    assert.equal(netcatOf('nc', 'usage: nc [-46DdEhklnorStUuvz] [-e policy]')?.ends, false);
    assert.equal(netcatOf('nc', '[v1.10-47] connect to somewhere: nc [-options]')?.flavour, 'traditional');
    assert.equal(netcatOf('ncat', 'Ncat 7.93 ( https://nmap.org/ncat )')?.flavour, 'ncat');
    assert.deepEqual(netcatOf('busybox nc', 'BusyBox v1.36.1 Usage: nc [-iN] [-wN] [-l] [-p PORT]')?.command, [
      'busybox',
      'nc',
    ]);
    assert.equal(netcatOf('nc', 'BusyBox v1.36.1 Usage: nc IPADDR PORT'), undefined);
    assert.equal(netcatOf('nc', 'GNU netcat 0.7.1, a rewrite'), undefined);
  });

  it('one that cannot end a stream does not send', () => {
    const old = { flavour: 'openbsd', command: ['nc'], ends: false } as const;
    const has = { programs: new Set<string>(), netcats: [old] };
    assert.equal(plainCarrier({ direction: 'send', listens: false }, has), undefined);
    assert.equal(plainCarrier({ direction: 'receive', listens: true }, has)?.kind, 'copy');
  });
});

describe('the script of a far end', () => {
  const carriers: Carrier[] = [
    { kind: 'tls', cipher: 'TLS_AES_128_GCM_SHA256', noCaStore: true },
    { kind: 'handOver', program: 'perl' },
    { kind: 'copy', program: 'socat' },
    { kind: 'copy', program: 'netcat', netcat: { flavour: 'openbsd', command: ['nc'], ends: true } },
  ];

  it('is printable ASCII that every login shell carries, and POSIX', () => {
    for (const carrier of carriers) {
      for (const direction of ['send', 'receive'] as const) {
        for (const listens of [true, false]) {
          const commands = [
            ['zfs', 'send', "tank/it's ü@a"],
            ['zstd', '-c'],
          ];
          const end: FarEnd = {
            carrier,
            direction,
            listens,
            commands,
            address: listens ? '' : 'fe80::1',
            ports: [6000, 6001],
          };
          const script = farEndScript(end, 'zfsflow-marker-of-the-test', { zfsPath: '', privilege: 'sudo' });
          assert.match(script, /^[ -~]+$/);
          assert.ok(!script.includes('zfsflow-marker-of-the-test'));
          assert.ok(remoteCommand(script, 'zfsflow.t.1').length < 40_000);
          execFileSync('/bin/sh', ['-n', '-c', script]);
          execFileSync('/bin/bash', ['--posix', '-n', '-c', script]);
        }
      }
    }
  });
});

describe('what a failed stream over TCP was', () => {
  const wire = planWire(
    'ssh+tls',
    { ...ANY, netcatPortMin: 6000, netcatPortMax: 6009 },
    { source: side('A', false), target: side('B', false), ownAddresses: [] },
  );
  const report = (more: Partial<EndReport> & { code?: number | null; stderr?: string; ended?: boolean }): EndReport => {
    const { code = 0, stderr = '', ended = false, ...rest } = more;
    const stage = { code, signal: null, stderr, ended };
    return { stage, between: [], connected: false, noPort: false, directory: '', said: '', ...rest };
  };
  const judge = (source: EndReport, target: EndReport, silentFor = 0): ErrorCode | null =>
    wireFailure({ wire, labels: { source: 'A', target: 'B' }, port: 6001, reports: { source, target }, silentFor })
      ?.code ?? null;
  const ended = report({ code: null, ended: true });
  const met = { connected: true };

  const cases: [string, EndReport, EndReport, ErrorCode | null, number?][] = [
    [
      'a wrong key',
      report({ code: 1, said: 'SSL alert number 40: handshake failure' }),
      ended,
      'AUTHENTICATION_FAILED',
    ],
    ['a certificate', report({ code: 1, said: 'certificate verify failed' }), ended, 'AUTHENTICATION_FAILED'],
    ['refused (Linux)', report({ code: 1, said: 'connect:errno=111' }), ended, 'CONNECTION_REFUSED'],
    ['refused (FreeBSD)', report({ code: 1, said: 'connect:errno=61' }), ended, 'CONNECTION_REFUSED'],
    ['no route', report({ code: 1, said: 'connect:errno=113' }), ended, 'HOST_UNREACHABLE'],
    [
      'no such name',
      report({ code: 1, said: 'BIO_lookup_ex:system lib: Name or service not known' }),
      ended,
      'HOST_NOT_FOUND',
    ],
    ['silence', ended, ended, 'CONNECTION_TIMEOUT', 15],
    ['no port', ended, report({ code: 94, noPort: true, said: 'Address already in use' }), 'UNSUPPORTED'],
    [
      'no such address',
      ended,
      report({ code: 94, noPort: true, said: 'Cannot assign requested address' }),
      'INVALID_OPTIONS',
    ],
    ['no FIFO', ended, report({ code: 96, stderr: 'mkfifo: Operation not permitted' }), 'UNSUPPORTED'],
    [
      'both ends only saw the other go',
      report({ ...met, code: 1, stderr: 'Broken pipe' }),
      report({ code: 1, stderr: 'cannot receive: incomplete stream' }),
      'CONNECTION_LOST',
    ],
    [
      'the receiver itself',
      report({ ...met, code: 141 }),
      report({ code: 1, stderr: 'cannot receive: out of space' }),
      null,
    ],
    [
      'the sender itself',
      report({ ...met, code: 1, stderr: "cannot open 'x'" }),
      report({ code: 1, stderr: 'cannot receive: incomplete stream' }),
      null,
    ],
    ['a carrier that says nothing, with both ends content', report({}), report({}), 'CONNECTION_LOST'],
  ];
  for (const [what, source, target, code, silentFor] of cases) {
    it(`${what}: ${code ?? 'theirs to tell'}`, () => assert.equal(judge(source, target, silentFor), code));
  }
});

describe('auto', () => {
  const large = { send: 64 * MB, receive: 64 * MB };
  const linux = { send: 4 * MB, receive: 6 * MB };

  it('is TLS only for large streams over long ways with large buffers', () => {
    assert.equal(tlsPays({ bytes: 256 * MB, rttMs: 25, buffers: large }), true);
    assert.equal(tlsPays({ bytes: 255 * MB, rttMs: 25, buffers: large }), false);
    assert.equal(tlsPays({ bytes: 256 * MB, rttMs: 24, buffers: large }), false);
    assert.equal(tlsPays({ bytes: 256 * MB, rttMs: 100, buffers: linux }), false, "Linux's defaults");
    assert.equal(tlsPays({ bytes: 256 * MB, rttMs: 100, buffers: { send: 0, receive: 0 } }), false, 'nothing is known');
  });

  it("knows what Linux's default buffers give, whose they are, and what more would", () => {
    assert.equal(usableWindow(linux), Math.floor(4 * MB * 0.65));
    const limit = bufferLimit(linux, 100);
    assert.ok(limit);
    assert.equal(Math.round(limit.rate / 1e6), 27);
    assert.equal(limit.side, 'source');
    assert.equal(limit.wanted, 24 * MB);
    assert.ok(limit.gain > 4 && limit.gain < 5);
    assert.equal(bufferLimit(large, 100), null);
    assert.equal(bufferLimit(linux, 1), null);
  });
});
