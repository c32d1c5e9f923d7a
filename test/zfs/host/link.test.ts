// An SSH server that cannot be reached, and connections that break: each has its own code, and the next command connects
// again.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ZfsFlowError } from '../../../src/base/errors';
import { discoverHostKeys } from '../../../src/host/ssh/host-keys';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import type { Machine } from '../../lab/machine';
import { assertRefused } from '../../support/engine';
import { useConnections, useMachines } from '../../support/machines';

describe('a host over SSH', function () {
  this.timeout(60_000);
  let a: Machine;
  let host: SshHost;
  const open = useConnections(() => a);

  useMachines({ a: {} }, (machines) => ({ a } = machines));
  beforeEach(() => {
    host = open({});
  });

  describe('that cannot be reached', () => {
    it('gets the code of what is wrong', async () => {
      const closed = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => closed.once('listening', resolve));
      const { port } = closed.address() as { port: number };
      await new Promise((resolve) => closed.close(resolve));
      await assertRefused(open({ port }), 'CONNECTION_REFUSED', /the connection was refused/);
      await assertRefused(open({ host: 'no-such-host.invalid' }), 'HOST_NOT_FOUND', /the host name cannot be resolved/);
      await assert.rejects(discoverHostKeys('127.0.0.1', port), { code: 'CONNECTION_REFUSED' });
    });

    it('is given up after connectTimeout, wherever it hangs', async () => {
      await a.link.cut();
      try {
        const start = performance.now();
        await assert.rejects(open({ connectTimeout: 1 }).run(['true']), {
          code: 'CONNECTION_TIMEOUT',
          retryable: true,
        });
        assert.ok(performance.now() - start < 5000);
      } finally {
        await a.link.restore();
      }
    });

    it('is not taken for an SSH server when it is none', async () => {
      const servers: Server[] = [];
      const serve = async (greeting: string | null): Promise<number> => {
        const server = createServer((socket) => {
          socket.on('error', () => undefined);
          if (greeting === null) socket.end();
          else socket.end(greeting);
        });
        servers.push(server.listen(0, '127.0.0.1'));
        await new Promise((resolve) => server.once('listening', resolve));
        return (server.address() as { port: number }).port;
      };
      for (const greeting of [null, 'HTTP/1.1 400 Bad Request\r\n\r\n', 'SSH-2.0-x\r\n', '\0\0\0\0']) {
        await assert.rejects(open({ port: await serve(greeting), connectTimeout: 2 }).run(['true']), {
          code: /CONNECTION_(LOST|TIMEOUT)/,
        });
      }
      for (const server of servers) server.close();
    });
  });

  describe('whose connection breaks', () => {
    it('fails what runs after three missed keepalives, then connects again', async () => {
      const one = open({ keepaliveInterval: 1 });
      assert.equal((await one.run(['echo', '1'])).stdout, '1\n');
      await a.link.cut();
      const start = performance.now();
      const running = Array.from({ length: 3 }, () => one.run(['sleep', '60']));
      const results = await Promise.allSettled(running);
      for (const result of results) {
        assert.equal(result.status, 'rejected');
        assert.equal((result.reason as ZfsFlowError).code, 'CONNECTION_LOST');
        assert.match((result.reason as ZfsFlowError).message, /no longer answers/);
      }
      const took = performance.now() - start;
      assert.ok(took > 2500 && took < 9000, `took ${took} ms`);
      await a.link.restore();
      assert.equal((await one.run(['echo', '2'])).stdout, '2\n');
      assert.equal(one.counters.connections, 2);
    });

    it('fails at once when it is reset, with and without commands, and connects again', async () => {
      const one = open({});
      for (let round = 1; round <= 3; round++) {
        await one.run(['true']);
        const running = one.run(['sleep', '60']);
        const rejected = assert.rejects(running, { code: 'CONNECTION_LOST', retryable: true });
        await sleep(100);
        await a.link.reset();
        await rejected;
        await one.run(['true']);
        await a.link.reset();
        while ((await a.link.stats()).open > 0) await sleep(10);
        // The reset has reached this process; its turn to read it comes before this is over.
        await sleep(50);
        assert.equal((await one.run(['echo', 'idle'])).stdout, 'idle\n');
      }
    });

    it('fails commands when we close it, and works again afterwards', async () => {
      await host.run(['true']);
      const rejected = assert.rejects(host.run(['sleep', '60']), { code: 'CONNECTION_LOST' });
      await sleep(100);
      await host.close();
      await rejected;
      assert.equal((await host.run(['echo', 'again'])).stdout, 'again\n');
    });

    it('waits a little longer after each failure, and connects as soon as it can', async () => {
      await a.link.cut();
      const one = open({ connectTimeout: 0.2 });
      const start = performance.now();
      for (let attempt = 0; attempt < 3; attempt++) await assert.rejects(one.run(['true']));
      const took = performance.now() - start;
      // Three attempts of 0.2 s, after none, 0.5 and 1 s.
      assert.ok(took > 1900 && took < 6000, `took ${took} ms`);
      await a.link.restore();
      const controller = new AbortController();
      const waiting = one.run(['true'], { signal: controller.signal });
      controller.abort();
      await assert.rejects(waiting, { code: 'CANCELLED' });
    });
  });
});
