// Streams over TCP with the programs that far machines have: who listens and who connects, on
// which ports, and what is said where nobody can. No ZFS: test/zfs/replication/transports.test.ts has that.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  assertNothingLeft,
  COMMANDS,
  COUNT,
  digest,
  freePort,
  held,
  machines,
  received,
  refused,
  script,
  sendOver,
  type Sending,
} from '../../../support/wire-bench';

describe('streams over TCP', function () {
  this.timeout(40_000);
  const whole = digest(COMMANDS);

  afterEach(assertNothingLeft);

  const places = [
    ['far', 'far'],
    ['near', 'far'],
    ['far', 'near'],
  ] as const;
  for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
    for (const [from, to] of places) {
      for (const netcatActiveSide of ['source', 'target'] as const) {
        it(`${transport}, ${from} to ${to}, the ${netcatActiveSide} listens: every byte, the code of both ends`, async () => {
          const sent = await sendOver({
            transport,
            ends: machines(from, to),
            options: { netcatActiveSide },
            send: script(COMMANDS),
          });
          assert.equal(received(sent).trim().split(' ')[0], whole);
          assert.equal(sent.path?.listen, netcatActiveSide);
          assert.equal(sent.path?.protocol, transport === 'ssh+tls' ? 'TLSv1.3' : undefined);
        });
      }
    }
  }

  for (const only of ['openbsd', 'traditional', 'ncat', 'busybox', 'socat', 'perl']) {
    for (const netcatActiveSide of ['source', 'target'] as const) {
      it(`${only} alone, the ${netcatActiveSide} listens`, async () => {
        const options = { netcatActiveSide };
        const sent = await sendOver({ transport: 'ssh+netcat', only, options, send: script(COMMANDS) });
        assert.equal(received(sent).trim().split(' ')[0], whole);
      });
    }
  }

  it('a single byte and nothing at all arrive as that', async () => {
    for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
      for (const text of ['printf Q', ':']) {
        const sent = await sendOver({ transport, send: script(text), receive: COUNT });
        assert.equal(received(sent).trim(), text === ':' ? '0' : '1');
      }
    }
  });

  it('goes through filters at both ends', async () => {
    for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
      const more = { sendFilters: [['gzip', '-c']], receiveFilters: [['gzip', '-dc'], ['cat']] };
      const sent = await sendOver({ transport, send: script(COMMANDS), more });
      assert.equal(received(sent).trim().split(' ')[0], whole);
    }
  });

  it('IPv6', async () => {
    const options = { netcatListenAddress: '::1', netcatConnectAddress: '::1' };
    for (const [transport, only] of [
      ['ssh+tls', ''],
      ['ssh+netcat', 'perl'],
      ['ssh+netcat', 'openbsd'],
      ['ssh+netcat', 'busybox'],
      ['ssh+netcat', 'socat'],
      ['ssh+netcat', 'ncat'],
    ] as const) {
      const sent = await sendOver({ transport, only, options, send: script(COMMANDS) });
      assert.equal(received(sent).trim().split(' ')[0], whole, `${transport} ${only}`);
    }
  });

  it('"::" is every address, those of IPv4 too', async () => {
    const options = { netcatListenAddress: '::', netcatConnectAddress: '127.0.0.1' };
    for (const [transport, to, only] of [
      ['ssh+tls', 'far', ''],
      ['ssh+tls', 'near', ''],
      ['ssh+netcat', 'near', ''],
      ['ssh+netcat', 'far', 'perl'],
      ['ssh+netcat', 'far', 'openbsd'],
      ['ssh+netcat', 'far', 'busybox'],
      ['ssh+netcat', 'far', 'socat'],
      ['ssh+netcat', 'far', 'ncat'],
      ['ssh+netcat', 'far', 'traditional'],
    ] as const) {
      const ends = machines('far', to);
      const more = { ...options, netcatActiveSide: 'target' } as const;
      const sent = await sendOver({ transport, ends, only, options: more, send: script(COMMANDS) });
      assert.equal(received(sent).trim().split(' ')[0], whole, `${transport} ${to} ${only}`);
    }
  });

  it('CHACHA20 where a machine has no AES instructions', async () => {
    const change: Sending['change'] = (wire) => {
      const cipher = 'TLS_CHACHA20_POLY1305_SHA256';
      const tls = { kind: 'tls', cipher, noCaStore: true } as const;
      const { source, target } = wire.carriers;
      return { ...wire, cipher, carriers: { source: source && tls, target: target && tls } };
    };
    for (const [from, to] of places) {
      const sent = await sendOver({ ends: machines(from, to), change, send: script(COMMANDS) });
      assert.equal(received(sent).trim().split(' ')[0], whole);
      assert.equal(sent.path?.cipher, 'TLS_CHACHA20_POLY1305_SHA256');
    }
  });

  describe('ports', () => {
    it('one that is taken is passed over; none that is free is UNSUPPORTED and names the range', async () => {
      const { server, port } = await held();
      for (const [transport, to] of [
        ['ssh+tls', 'far'],
        ['ssh+netcat', 'far'],
        ['ssh+tls', 'near'],
      ] as const) {
        const ends = machines('far', to);
        const taken = { netcatPortMin: port, netcatPortMax: port, netcatActiveSide: 'target' } as const;
        const error = await refused('UNSUPPORTED', { transport, ends, options: taken });
        assert.match(error.message, new RegExp(`${port} to ${port} on (B|local)`));
        const sent = await sendOver({
          transport,
          ends: machines('far', to),
          options: { ...taken, netcatPortMax: port + 3 },
        });
        assert.notEqual(sent.path?.port, port);
      }
      server.close();
    });

    it('an address that the machine has not is INVALID_OPTIONS', async () => {
      for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
        for (const netcatListenAddress of ['203.0.113.7', 'no-such-name.invalid']) {
          const error = await refused('INVALID_OPTIONS', { transport, options: { netcatListenAddress } });
          assert.equal(error.field, 'netcatListenAddress');
          assert.match(error.message, /^netcatListenAddress: B has no address /);
        }
      }
    });

    it('a port that nobody answers on says who could not reach whom, and what to open', async () => {
      const ways = (['ssh+tls', 'ssh+netcat'] as const).flatMap((transport) =>
        (['far', 'near'] as const).map((from) => ({ transport, from })),
      );
      await Promise.all(
        ways.map(async ({ transport, from }) => {
          const port = await freePort();
          // It listens on another address than the one that is connected to.
          const options = { netcatConnectAddress: '127.0.0.2', netcatPortMin: port, netcatPortMax: port };
          const error = await refused('CONNECTION_REFUSED', { transport, ends: machines(from, 'far'), options });
          assert.match(error.message, new RegExp(`^(A|local) could not connect to B at 127.0.0.2:${port}: refused`));
          assert.match(error.hint ?? '', new RegExp(`Open TCP ${port}–${port} from (A|local) to B`));
          assert.equal(error.retryable, true);
        }),
      );
    });

    it('a name that does not exist is HOST_NOT_FOUND', async () => {
      for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
        const error = await refused('HOST_NOT_FOUND', {
          transport,
          options: { netcatConnectAddress: 'no-such-name.invalid' },
        });
        assert.match(error.hint ?? '', /netcatConnectAddress/);
      }
    });

    it('silence ends an attempt within 20 s', async () => {
      // Its queue is full, so the kernel drops what else would connect.
      const program =
        'use Socket; socket(S,PF_INET,SOCK_STREAM,0); bind(S,sockaddr_in(0,inet_aton("127.0.0.3"))); listen(S,0); ' +
        '$|=1; print((sockaddr_in(getsockname(S)))[0]); sleep 60';
      const blocked = spawn('perl', ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      const port = Number(String((await once(blocked.stdout, 'data'))[0]));
      const filling = [1, 2].map(() => connect(port, '127.0.0.3').on('error', () => undefined));
      await sleep(200);
      const begun = Date.now();
      const options = { netcatConnectAddress: '127.0.0.3', netcatPortMin: port, netcatPortMax: port };
      const errors = await Promise.all([
        refused('CONNECTION_TIMEOUT', { options }),
        refused('CONNECTION_TIMEOUT', {
          transport: 'ssh+netcat',
          ends: machines('near', 'far'),
          options: { ...options, netcatListenAddress: '127.0.0.9' },
        }),
      ]);
      assert.ok(Date.now() - begun < 20_000);
      for (const error of errors) assert.match(error.message, /no answer within 15 s/);
      for (const one of filling) one.destroy();
      blocked.kill('SIGKILL');
    });
  });
});
