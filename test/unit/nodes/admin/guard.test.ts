// Which requests an endpoint serves without a login, by their headers; that real ones of other sites are refused in a real
// Node-RED is shown in test/e2e/other-sites.test.ts.
import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import { objectionTo } from '../../../../nodes/admin/guard';

const judge = (headers: IncomingHttpHeaders, proxy = false): string | null =>
  objectionTo({ host: 'nas.lan:1880', 'content-type': 'application/json', ...headers }, { proxy });

describe('requests without a login', () => {
  it('are served from the editor itself and from what is no browser', () => {
    for (const headers of [
      {},
      { 'sec-fetch-site': 'same-origin', origin: 'http://nas.lan:1880' },
      { 'sec-fetch-site': 'none' },
      // Safari before 16.4 and other old ones have no Sec-Fetch-Site.
      { origin: 'http://nas.lan:1880' },
      { origin: 'https://NAS.lan:1880' },
      { host: 'nas.lan', origin: 'https://nas.lan:443' },
      { host: 'nas.lan:80', origin: 'http://nas.lan' },
      { host: '[fd00::1]:1880', origin: 'http://[fd00::1]:1880' },
      { 'content-type': 'application/json; charset=utf-8' },
    ]) {
      assert.equal(judge(headers), null, JSON.stringify(headers));
    }
  });

  it('are refused from every other site, whatever a page can forge', () => {
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'http://nas.lan:1880' },
      { 'sec-fetch-site': 'same-origin, cross-site' },
      { 'sec-fetch-site': '' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: 'file://' },
      { origin: 'http://nas.lan' },
      { origin: 'http://nas.lan:1880.evil.example' },
      { origin: 'http://nas.lan:1880@evil.example' },
      { origin: 'http://evil.example', 'x-forwarded-host': 'evil.example' },
      { host: '', origin: 'http://evil.example' },
      { host: undefined, origin: 'http://nas.lan:1880' },
    ]) {
      assert.equal(judge(headers), 'otherSite', JSON.stringify(headers));
    }
  });

  it('are refused unless they are JSON, which no form can send', () => {
    for (const type of [
      undefined,
      '',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain; application/json',
      'application/json-patch+json',
    ]) {
      assert.equal(judge({ 'content-type': type, 'sec-fetch-site': 'same-origin' }), 'notJson', String(type));
    }
  });

  it('are compared with the name that a trusted proxy was asked by', () => {
    const asked = { host: '127.0.0.1:1880', origin: 'https://flows.example', 'x-forwarded-host': 'flows.example' };
    assert.equal(judge(asked), 'otherSite');
    assert.equal(judge(asked, true), null);
    assert.equal(judge({ ...asked, 'x-forwarded-host': 'other.example, flows.example' }, true), 'otherSite');
  });

  it('never pass with an origin of another host', () => {
    fc.assert(
      fc.property(fc.webUrl(), fc.domain(), (url, host) => {
        const { origin, host: theirs } = new URL(url);
        fc.pre(theirs !== host);
        assert.equal(judge({ host, origin }), 'otherSite');
      }),
    );
  });
});
