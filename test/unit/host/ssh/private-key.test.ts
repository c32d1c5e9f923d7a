// Private keys in every format that people have, made by ssh-keygen and openssl, and the messages for broken ones.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZfsFlowError } from '../../../../src/base/errors';
import { generateKeyPair } from '../../../../src/host/ssh/key-pair';
import { publicKeyLine, readPrivateKey } from '../../../../src/host/ssh/private-key';

const publicKeyOf = (privateKey: string, passphrase?: string, comment?: string): string =>
  publicKeyLine(readPrivateKey(privateKey, passphrase), comment);

describe('private keys', function () {
  this.timeout(60_000);
  let directory: string;
  let count = 0;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'private-key-test-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  function keygen(...args: string[]): { text: string; publicKey: string } {
    const file = join(directory, String(count++));
    execFileSync('ssh-keygen', ['-q', '-C', 'a comment', '-f', file, ...args]);
    return { text: readFileSync(file, 'utf8'), publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
  }

  function openssl(...args: string[]): string {
    return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  }

  /** What ssh-keygen says the public key is: type and blob. */
  function publicHalf(text: string): string {
    const file = join(directory, String(count++));
    writeFileSync(file, text, { mode: 0o600 });
    return execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).split(' ').slice(0, 2).join(' ').trim();
  }

  function opensslPublic(text: string): Buffer {
    return execFileSync('openssl', ['pkey', '-pubout', '-outform', 'DER'], { input: text });
  }

  function blob(publicLine: string): Buffer {
    return Buffer.from(publicLine.split(' ')[1] ?? '', 'base64');
  }

  function assertSigns(text: string, passphrase?: string): void {
    const key = readPrivateKey(text, passphrase);
    const data = Buffer.from('data');
    const signature = key.type === 'ssh-rsa' ? key.sign(data, 'sha256') : key.sign(data);
    assert.ok(Buffer.isBuffer(signature));
    const verified = key.type === 'ssh-rsa' ? key.verify(data, signature, 'sha256') : key.verify(data, signature);
    assert.equal(verified, true);
  }

  const kinds = [
    ['Ed25519', ['-t', 'ed25519']],
    ['ECDSA P-256', ['-t', 'ecdsa', '-b', '256']],
    ['ECDSA P-384', ['-t', 'ecdsa', '-b', '384']],
    ['ECDSA P-521', ['-t', 'ecdsa', '-b', '521']],
    ['RSA', ['-t', 'rsa', '-b', '2048']],
  ] as const;
  for (const [name, args] of kinds) {
    it(`${name} in OpenSSH format, plain, encrypted, and mangled by a clipboard`, () => {
      const { text, publicKey } = keygen(...args, '-N', '');
      assert.equal(publicKeyOf(text), publicKey);
      assertSigns(text);
      const mangled = `\uFEFF  ${text.trimEnd().replaceAll('\n', '  \r\n ')}`;
      assert.equal(publicKeyOf(mangled), publicKey);
      const encrypted = keygen(...args, '-N', 'secret phrase');
      assert.equal(publicKeyOf(encrypted.text, 'secret phrase'), encrypted.publicKey);
    });
  }

  for (const [name, args] of kinds.slice(1)) {
    it(`${name} in PEM (PKCS#1, SEC 1), plain and encrypted`, () => {
      const { text, publicKey } = keygen(...args, '-m', 'PEM', '-N', '');
      assert.equal(publicKeyOf(text, undefined, 'a comment'), publicKey);
      assertSigns(text);
      const encrypted = keygen(...args, '-m', 'PEM', '-N', 'secret');
      assert.equal(publicKeyOf(encrypted.text, 'secret', 'a comment'), encrypted.publicKey);
      assert.match(encrypted.text, /ENCRYPTED/);
    });
  }

  const pkcs8 = [
    ['Ed25519', ['-algorithm', 'ed25519']],
    ['ECDSA', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['RSA', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
  ] as const;
  for (const [name, args] of pkcs8) {
    it(`${name} in PKCS#8, plain and encrypted`, () => {
      const text = openssl('genpkey', ...args);
      assert.match(text, /BEGIN PRIVATE KEY/);
      // ssh-keygen does not read such Ed25519 keys itself.
      if (name === 'Ed25519')
        assert.deepEqual(blob(publicKeyOf(text)).subarray(-32), opensslPublic(text).subarray(-32));
      else assert.equal(publicKeyOf(text), publicHalf(text));
      assertSigns(text);
      const encrypted = openssl('genpkey', ...args, '-aes256', '-pass', 'pass:secret');
      assert.match(encrypted, /BEGIN ENCRYPTED PRIVATE KEY/);
      assertSigns(encrypted, 'secret');
    });
  }

  it('that do not work say why', () => {
    const openssh = keygen('-t', 'ed25519', '-N', 'secret').text;
    const pem = keygen('-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', 'secret').text;
    const encrypted8 = openssl('genpkey', '-algorithm', 'ed25519', '-aes256', '-pass', 'pass:secret');
    const { publicKey, text } = keygen('-t', 'ed25519', '-N', '');
    const cases: [string, string | undefined, RegExp][] = [
      ['', undefined, /no private key is configured/],
      ['hello', undefined, /cannot be read/],
      [publicKey, undefined, /public key, not a private one/],
      [openssh, undefined, /encrypted and no passphrase/],
      [openssh, '', /encrypted and no passphrase/],
      [openssh, 'wrong', /passphrase does not fit/],
      [pem, undefined, /encrypted and no passphrase/],
      [pem, 'wrong', /passphrase does not fit/],
      [encrypted8, undefined, /encrypted and no passphrase/],
      [encrypted8, 'wrong', /passphrase does not fit/],
      [text.replace(/\n.{30}/, '\n'), undefined, /cannot be read/],
      ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', undefined, /not a valid PKCS#8/],
      [openssl('genpkey', '-algorithm', 'X25519'), undefined, /"x25519" are not supported/],
      [keygen('-t', 'ecdsa', '-N', '').text.slice(0, 200), undefined, /cannot be read/],
    ];
    for (const [key, passphrase, expected] of cases) {
      assert.throws(
        () => readPrivateKey(key, passphrase),
        (error) => {
          assert.ok(error instanceof ZfsFlowError);
          assert.equal(error.code, 'AUTHENTICATION_FAILED');
          assert.match(error.message, expected);
          assert.ok(!error.message.includes('AAAA'));
          return true;
        },
      );
    }
  });

  it('that are generated are read by ssh-keygen and fit their public line', async () => {
    const pairs = [await generateKeyPair('rsa', 'me@here'), await generateKeyPair('ed25519', 'me@here')];
    // ssh2's own generator fails for the one in 256 whose public half begins with a zero byte.
    do pairs.push(await generateKeyPair('ed25519', 'me@here'));
    while (blob(pairs.at(-1)?.publicKey ?? '').at(-32) !== 0);
    for (const { privateKey, publicKey } of [...pairs.slice(0, 5), ...pairs.slice(-1)]) {
      assert.equal(`${publicHalf(privateKey)} me@here`, publicKey);
    }
  });
});
