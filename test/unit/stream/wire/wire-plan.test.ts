// Ports, addresses and who listens.
import assert from 'node:assert/strict';
import {
  listeningSide,
  planWire,
  portRange,
  portsToTry,
  type Wire,
  type WireSide,
} from '../../../../src/stream/wire/wire-plan';
import { ANY, side } from '../../../support/wire-bench';

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
