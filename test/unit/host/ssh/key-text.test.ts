// Private keys that came through something: each mangling that public reports tell of, and several of them at once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { ZfsFlowError } from '../../../../src/base/errors';
import { readPrivateKey } from '../../../../src/host/ssh/private-key';

interface Sample {
  name: string;
  text: string;
  passphrase?: string;
}

const PASSPHRASE = 'correct horse';

/** What becomes of the line breaks. Each but the first and `kept` alone makes it one line. */
const BREAKS: Readonly<Record<string, (text: string) => string>> = {
  kept: (text) => text,
  'last one missing': (text) => text.trimEnd(),
  gone: (text) => text.replaceAll('\n', ''),
  blanks: (text) => text.replaceAll('\n', ' '),
  'literal \\n': (text) => text.replaceAll('\n', '\\n'),
  'literal \\r\\n': (text) => text.replaceAll('\n', '\\r\\n'),
  'doubly escaped': (text) => text.replaceAll('\n', '\\\\n'),
  'a JSON string': (text) => JSON.stringify(text),
  'a JSON string in a JSON string': (text) => JSON.stringify(JSON.stringify(text)),
  CRLF: (text) => text.replaceAll('\n', '\r\n'),
  CR: (text) => text.replaceAll('\n', '\r'),
  'CR CR LF': (text) => text.replaceAll('\n', '\r\r\n'),
  'percent encoding': (text) => encodeURIComponent(text),
  'line separators': (text) => text.replaceAll('\n', '\u2028'),
  // home-assistant/addons#3700: a folded YAML scalar.
  folded: (text) =>
    text.trimEnd().replaceAll('\n', ' ').replace('-----END OPENSSH PRIVATE', '-----END OPENSSH\n PRIVATE'),
  'blank lines between': (text) => text.replaceAll('\n', '\n\n'),
  // webfactory/ssh-agent#233.
  'blanks, and an escaped end': (text) => `${text.trimEnd().replaceAll('\n', ' ')}\\n`,
};

const AROUND: Readonly<Record<string, (text: string) => string>> = {
  nothing: (text) => text,
  BOM: (text) => `\uFEFF${text}`,
  indentation: (text) => text.replaceAll(/^/gm, '\t    '),
  'blanks at the ends of lines': (text) => text.replaceAll(/$/gm, '  '),
  NBSP: (text) => text.replaceAll(/^/gm, '\u00A0'),
  'zero-width blanks': (text) => text.replaceAll('-----', '\u200B-----'),
  quotes: (text) => `'${text}'`,
  'text before': (text) => `Bag Attributes\n    friendlyName: nas\nKey Attributes: <No Attributes>\n${text}`,
  'text after': (text) => `${text}\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@here\n`,
  // PowerShell's `>`.
  'UTF-16': (text) => Buffer.from(`\uFEFF${text}`, 'utf16le').toString('utf8'),
  'a mail': (text) => text.replaceAll(/^/gm, '> '),
  'a YAML list': (text) => text.replaceAll(/^(.+)$/gm, '  - "$1"'),
  'fewer dashes': (text) => text.replaceAll('-----', '----'),
  'dashes of a word processor': (text) => text.replaceAll('-----', '\u2014\u2014-'),
};

function field(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Version 2 of PuTTY's format, not encrypted (PuTTY's manual, appendix C). */
function ppk2(key: KeyObject): string {
  const jwk = key.export({ format: 'jwk' }) as Record<string, string>;
  const number = (name: string): Buffer => {
    const bytes = Buffer.from(jwk[name] ?? '', 'base64url');
    return field((bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);
  };
  const open = Buffer.concat([field('ssh-rsa'), number('e'), number('n')]);
  const closed = Buffer.concat([number('d'), number('p'), number('q'), number('qi')]);
  const macKey = createHash('sha1').update('putty-private-key-file-mac-key').digest();
  const signed = [field('ssh-rsa'), field('none'), field('me'), field(open), field(closed)];
  const mac = createHmac('sha1', macKey).update(Buffer.concat(signed)).digest('hex');
  const lines = (bytes: Buffer): string[] => bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return [
    'PuTTY-User-Key-File-2: ssh-rsa',
    'Encryption: none',
    'Comment: me',
    `Public-Lines: ${lines(open).length}`,
    ...lines(open),
    `Private-Lines: ${lines(closed).length}`,
    ...lines(closed),
    `Private-MAC: ${mac}`,
    '',
  ].join('\n');
}

describe('the text of a private key', function () {
  this.timeout(120_000);
  const samples: Sample[] = [];
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'key-text-test-'));
    const keygen = (name: string, passphrase: string, ...args: string[]): void => {
      const file = join(directory, name.replaceAll(/\W/g, ''));
      execFileSync('ssh-keygen', ['-q', '-C', 'a comment', '-N', passphrase, '-f', file, ...args]);
      samples.push({ name, text: readFileSync(file, 'utf8'), ...(passphrase === '' ? {} : { passphrase }) });
    };
    keygen('Ed25519', '', '-t', 'ed25519');
    keygen('Ed25519, encrypted', PASSPHRASE, '-t', 'ed25519', '-a', '1');
    keygen('RSA in PEM', '', '-t', 'rsa', '-b', '2048', '-m', 'PEM');
    keygen('RSA in PEM, encrypted', PASSPHRASE, '-t', 'rsa', '-b', '2048', '-m', 'PEM');
    keygen('ECDSA in PEM, encrypted', PASSPHRASE, '-t', 'ecdsa', '-m', 'PEM');
    const { privateKey } = generateKeyPairSync('ed25519');
    samples.push({ name: 'PKCS#8', text: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() });
    const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const des = rsa.export({ type: 'pkcs1', format: 'pem', cipher: 'des-ede3-cbc', passphrase: PASSPHRASE });
    samples.push({ name: 'RSA with 3DES', text: des.toString(), passphrase: PASSPHRASE });
  });
  after(() => rmSync(directory, { recursive: true }));

  const publicHalf = ({ text, passphrase }: Sample): string =>
    readPrivateKey(text, passphrase).getPublicSSH().toString('base64');

  for (const [name, mangle] of Object.entries(BREAKS)) {
    it(`is read with its line breaks: ${name} [B15]`, () => {
      for (const sample of samples) {
        assert.equal(publicHalf({ ...sample, text: mangle(sample.text) }), publicHalf(sample), sample.name);
      }
    });
  }

  for (const [name, wrap] of Object.entries(AROUND)) {
    it(`is read with around it: ${name} [B15]`, () => {
      for (const sample of samples) {
        assert.equal(publicHalf({ ...sample, text: wrap(sample.text) }), publicHalf(sample), sample.name);
      }
    });
  }

  it('is read after several of these, in any order [B15]', () => {
    const manglings = fc.tuple(
      fc.constantFrom(...Object.keys(AROUND)),
      fc.constantFrom(...Object.keys(BREAKS)),
      fc.constantFrom('nothing', 'BOM', 'quotes', 'blanks at the ends of lines', 'NBSP'),
    );
    fc.assert(
      fc.property(fc.nat(samples.length - 1), manglings, (index, [around, breaks, outside]) => {
        const sample = samples[index] as Sample;
        const steps = [AROUND[around], BREAKS[breaks], AROUND[outside]];
        const text = steps.reduce((so, step) => step?.(so) ?? so, sample.text);
        assert.equal(publicHalf({ ...sample, text }), publicHalf(sample), sample.name);
      }),
      { numRuns: 400 },
    );
  });

  it('is read from its base64, and from the body alone of an OpenSSH key [B15]', () => {
    for (const sample of samples) {
      const encoded = Buffer.from(sample.text).toString('base64');
      assert.equal(publicHalf({ ...sample, text: encoded }), publicHalf(sample), sample.name);
      assert.equal(publicHalf({ ...sample, text: `${encoded.match(/.{1,76}/g)?.join('\n')}\n` }), publicHalf(sample));
    }
    const [ed25519] = samples as [Sample];
    const body = ed25519.text.split('\n').slice(1, -2).join('\n');
    assert.equal(publicHalf({ ...ed25519, text: body }), publicHalf(ed25519));
  });

  it('is read from a PuTTY key of version 2, as far as ssh2 reads it [B15]', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = readPrivateKey(ppk2(privateKey).replaceAll('\n', '\r\n'), undefined);
    const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    assert.deepEqual(key.getPublicSSH(), readPrivateKey(pem, undefined).getPublicSSH());
  });

  it('that is something else says what it is, and one that is locked says so [B15]', () => {
    const [plain, encrypted] = samples as [Sample, Sample];
    const publicLine = readFileSync(join(directory, 'Ed25519.pub'), 'utf8');
    const ppk = 'PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\nComment: me\r\nPublic-Lines: 2\r\nAAAA\r\n';
    const cases: [text: string, passphrase: string | undefined, expected: RegExp][] = [
      [ppk, undefined, /PuTTY key, export it as OpenSSH/],
      [ppk.replaceAll('\r\n', ' '), undefined, /PuTTY key, export it as OpenSSH/],
      [ppk.replace('-3:', '-2:'), undefined, /PuTTY key, export it as OpenSSH/],
      [publicLine, undefined, /public key, not a private one/],
      [`# mine\n${publicLine}`, undefined, /public key, not a private one/],
      [JSON.stringify(publicLine), undefined, /public key, not a private one/],
      ['---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----', undefined, /public key/],
      ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', undefined, /public key/],
      ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', undefined, /a certificate/],
      ['---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----', '', /ssh\.com/],
      ['~/.ssh/id_ed25519', undefined, /path of a file/],
      ['/root/.ssh/id_rsa\n', undefined, /path of a file/],
      ['SHA256:uNiVztksCsDhcc0u9e8BrYZk4nZQeLKp1k4tEXcVfPY', undefined, /fingerprint/],
      [plain.text.slice(0, 200), undefined, /cut off/],
      [encrypted.text.replaceAll('\n', ' '), undefined, /encrypted and no passphrase/],
      [encrypted.text.replaceAll('\n', '\\n'), 'wrong', /passphrase does not fit/],
    ];
    for (const [text, passphrase, expected] of cases) {
      assert.throws(
        () => readPrivateKey(text, passphrase),
        (error) => {
          assert.ok(error instanceof ZfsFlowError);
          assert.equal(error.code, 'AUTHENTICATION_FAILED');
          assert.match(error.message, expected, text);
          assert.ok(!error.message.includes('AAAA'));
          return true;
        },
      );
    }
  });
});
