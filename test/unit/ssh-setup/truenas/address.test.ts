import assert from 'node:assert/strict';
import { followable, hostHeader, parseAddress, shownUrl } from '../../../../src/ssh-setup/truenas/address';

describe('the address of a TrueNAS', () => {
  it('is what a person types or copies', () => {
    const cases: [string, boolean, string, number][] = [
      ['nas', true, 'nas', 443],
      ['nas.lan:8443', true, 'nas.lan', 8443],
      [' https://NAS.lan/ui/sessions/signin?x=1#y ', true, 'nas.lan', 443],
      ['wss://nas/websocket', true, 'nas', 443],
      ['http://10.0.0.5', false, '10.0.0.5', 80],
      ['http://10.0.0.5:8080/', false, '10.0.0.5', 8080],
      ['https://[fd00::5]:444', true, 'fd00::5', 444],
      ['[fd00::5]', true, 'fd00::5', 443],
    ];
    for (const [text, secure, host, port] of cases) assert.deepEqual(parseAddress(text), { secure, host, port }, text);
  });

  it('is refused with the name of the field, and never repeated', () => {
    for (const text of [
      '',
      ' ',
      'ftp://nas',
      'https://',
      'https://a b',
      'root:S3cret@nas',
      'https://root@nas',
      'nas:99999',
    ]) {
      assert.throws(
        () => parseAddress(text),
        (error: Error & { code?: string; field?: string }) => {
          assert.deepEqual([error.code, error.field], ['INVALID_OPTIONS', 'url'], text);
          return !/S3cret/.test(error.message);
        },
      );
    }
  });

  it('is written as servers want it and people know it', () => {
    assert.equal(hostHeader(parseAddress('https://nas')), 'nas');
    assert.equal(hostHeader(parseAddress('http://nas:443')), 'nas:443');
    assert.equal(hostHeader(parseAddress('https://[fd00::5]:444')), '[fd00::5]:444');
    assert.equal(shownUrl(parseAddress('nas:8443')), 'https://nas:8443');
  });

  it('is another one only where http leads to https on the same host', () => {
    const plain = parseAddress('http://nas');
    assert.deepEqual(followable(plain, 'https://nas:444/ui'), { secure: true, host: 'nas', port: 444 });
    for (const location of ['https://evil/', 'http://nas:81/', '/relative', undefined, 'x']) {
      assert.equal(followable(plain, location), undefined, location);
    }
    assert.equal(followable(parseAddress('https://nas'), 'https://nas:444/'), undefined);
  });
});
