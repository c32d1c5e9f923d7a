// A page of another site, open in the same browser as nobody's Node-RED without a login: whatever it tries, no endpoint does
// anything for it and none of its answers can be read. The servers that a request would reach are counted.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page, Request } from 'playwright-core';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir, nodeRed5, type Platform } from '../package/node-red';
import { BlackHole } from '../support/flow-bench';
import { launch } from './browser';

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];

/** What a page tries, in the words of a browser: the status, or what kept it from reading one. */
type Attempt = (url: string, body: object) => Promise<string>;

const ATTEMPTS: Record<string, Attempt> = {
  json: async (url, body) => {
    const headers = { 'content-type': 'application/json' };
    return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) }).then(String, String);
  },
  'json with a forged name of the host': async (url, body) => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-host': location.host };
    return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) }).then(String, String);
  },
  'text that is JSON': async (url, body) =>
    fetch(url, { method: 'POST', mode: 'no-cors', body: JSON.stringify(body) }).then(String, String),
  'a form': async (url, body) => {
    const fields = new URLSearchParams(Object.entries(body).map(([name, value]) => [name, String(value)]));
    return fetch(url, { method: 'POST', mode: 'no-cors', body: fields }).then(String, String);
  },
  beacon: async (url, body) => {
    const sent = navigator.sendBeacon(url, new Blob([JSON.stringify(body)], { type: 'text/plain' }));
    return Promise.resolve(String(sent));
  },
};

for (const [label, platform] of platforms) {
  describe(`pages of other sites, ${label}`, function () {
    this.timeout(300_000);
    let nodeRed: NodeRed;
    let browser: Browser;
    let site: Server;
    let hole: BlackHole;
    let page: Page;

    before(async () => {
      hole = await new BlackHole().open();
      site = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<p>elsewhere'));
      await new Promise<void>((resolve) => {
        site.listen(0, '127.0.0.1', resolve);
      });
      [nodeRed, browser] = await Promise.all([
        NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT })),
        launch(),
      ]);
    });
    after(async () => {
      await browser?.close();
      await nodeRed?.stop();
      await hole?.close();
      site?.close();
    });
    beforeEach(async () => {
      page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    });
    afterEach(() => page.close());

    const question = (): object => ({ host: '127.0.0.1', port: hole.port, connectTimeout: 1, connection: 'none' });

    for (const [name, attempt] of Object.entries(ATTEMPTS)) {
      it(`get nowhere with ${name}`, async () => {
        for (const endpoint of [
          'discover-host-key',
          'test-connection',
          'set-up-remote',
          'generate-key-pair',
          'set-up-truenas',
          'forget-staged-key',
          'tasks/run',
          'tasks/cancel',
          'tasks/pause',
        ]) {
          const answers: number[] = [];
          page.on('response', (response) => {
            if (response.request().method() === 'POST') answers.push(response.status());
          });
          const isPost = (request: Request): boolean => request.method() === 'POST';
          // An answer that the page may not read is a failed request to it.
          const posted = Promise.race([
            page.waitForEvent('requestfinished', isPost),
            page.waitForEvent('requestfailed', isPost),
          ]);
          const url = `${nodeRed.url}/zfs-flows/${endpoint}`;
          const said = await page.evaluate<string>(
            `(${attempt.toString()})(${JSON.stringify(url)}, ${JSON.stringify(question())})`,
          );
          await posted;
          assert.deepEqual(
            answers.filter((status) => status !== 403),
            [],
            `${endpoint}: ${said}`,
          );
          assert.doesNotMatch(said, /\bok\b|PRIVATE/);
        }
        assert.equal(hole.connections, 0, 'a connection was made');
      });
    }

    it('see no task, no log and no figure', async () => {
      for (const endpoint of ['tasks', 'tasks/log?id=n', 'metrics']) {
        const url = `${nodeRed.url}/zfs-flows/${endpoint}`;
        const read = await page.evaluate(
          (asked) =>
            fetch(asked).then(
              (answer) => answer.text(),
              () => 'nothing',
            ),
          url,
        );
        assert.equal(read, 'nothing', endpoint);
      }
    });

    it('read no answer, and the editor itself goes on', async () => {
      const url = `${nodeRed.url}/zfs-flows/next-runs`;
      const options = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"schedule":"@daily"}',
      };
      const own = await fetch(url, options);
      assert.equal(own.status, 200);
      assert.equal(own.headers.get('access-control-allow-origin'), null);
      assert.equal(own.headers.get('cache-control'), 'private, no-cache');
      const forged = await fetch(url, { ...options, headers: { ...options.headers, origin: 'http://evil.example' } });
      assert.equal(forged.status, 403);
      assert.equal(forged.headers.get('access-control-allow-origin'), null);
      const refusal = (await forged.json()) as Record<string, unknown>;
      assert.deepEqual([refusal['ok'], refusal['code']], [false, 'FORBIDDEN']);
      await page.goto(nodeRed.url);
      const status = await page.evaluate<number>(
        `fetch('zfs-flows/next-runs', ${JSON.stringify(options)}).then(({ status }) => status)`,
      );
      assert.equal(status, 200);
    });
  });
}
