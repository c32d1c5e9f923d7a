// Pinned host keys: what the field accepts, fingerprints as ssh-keygen computes them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprint, hostKeyAlgorithms, hostKeyLine, parseHostKeys } from '../../../../src/host/ssh/host-keys';

describe('host keys', () => {
  let directory: string;
  const lines: Record<string, string> = {};

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'host-keys-test-'));
    for (const type of ['ed25519', 'ecdsa', 'rsa']) {
      const file = join(directory, type);
      execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'root@nas', '-f', file]);
      lines[type] = readFileSync(`${file}.pub`, 'utf8').trim();
    }
  });
  after(() => rmSync(directory, { recursive: true }));

  it('have the fingerprints of ssh-keygen', () => {
    for (const [type, line] of Object.entries(lines)) {
      const said = execFileSync('ssh-keygen', ['-l', '-f', join(directory, `${type}.pub`)], { encoding: 'utf8' });
      const [key] = parseHostKeys(line);
      assert.ok(key);
      assert.equal(fingerprint(key), said.split(' ')[1]);
    }
  });

  it('are read from public key and known_hosts lines, with comments, blank lines and Windows line ends', () => {
    const { ed25519 = '', rsa = '', ecdsa = '' } = lines;
    const text = `# nas\r\n\r\n${ed25519}\r\n  nas,10.0.0.1 ${rsa}  \r\n|1|abc=|def= ${ecdsa}\r\n[nas]:2222 ${ecdsa}`;
    const keys = parseHostKeys(text);
    assert.deepEqual(
      keys.map(({ type }) => type),
      ['ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
    );
    assert.deepEqual(parseHostKeys(keys.map(hostKeyLine).join('\n')), keys);
    assert.deepEqual(parseHostKeys(' \n# nothing\n'), []);
  });

  it('are read whatever became of their line breaks [B15]', () => {
    const { ed25519 = '', rsa = '', ecdsa = '' } = lines;
    const text = [`# nas`, ed25519, `nas,10.0.0.1 ${rsa}`, `|1|abc=|def= ${ecdsa}`, ''].join('\n');
    const keys = parseHostKeys(text);
    assert.equal(keys.length, 3);
    for (const mangled of [
      JSON.stringify(text),
      text.replaceAll('\n', '\\n'),
      text.replaceAll('\n', '\\r\\n'),
      text.replaceAll('\n', '\r'),
      text.replaceAll('\n', '\u2028'),
      text.replace('# nas\n', '').replaceAll('\n', ' '),
      text.replace('# nas\n', '').replaceAll('\n', '  '),
      `\uFEFF${text.replaceAll(' ', '\u00A0')}`,
      text.replaceAll(/^(.+)$/gm, '"$1"'),
      text.replaceAll(/^/gm, '\t'),
      // A terminal of 80 columns.
      text.replaceAll(/^(.{81,})$/gm, (line) => line.replaceAll(/.{80}/g, '$&\n').replace(/ root@nas/, '')),
    ]) {
      const read = parseHostKeys(mangled);
      assert.deepEqual(read, keys, mangled);
    }
    assert.deepEqual(parseHostKeys(`${ed25519} # before: ${rsa}`), parseHostKeys(ed25519));
  });

  it('that are cut off are refused, for they would look like an attack [B15]', () => {
    for (const line of Object.values(lines)) {
      const [type, base64 = ''] = line.split(' ');
      for (const part of [base64.slice(0, -8), base64.slice(0, 48), `${base64}AAAA`.replace('=', '')]) {
        assert.throws(() => parseHostKeys(`nas ${type} ${part}`), { code: 'INVALID_OPTIONS', field: 'hostKeys' }, part);
      }
    }
  });

  it('that cannot be read are refused, never ignored', () => {
    const { ed25519 = '', rsa = '' } = lines;
    const [, base64 = ''] = ed25519.split(' ');
    for (const text of [
      'nonsense',
      'ssh-ed25519',
      'ssh-ed25519 AAAA',
      `ssh-rsa ${base64}`,
      `${rsa}\nnas ssh-ed25519`,
      `@cert-authority * ${rsa}`,
      `@revoked nas ${rsa}`,
      'SHA256:uNiVztksCsDhcc0u9e8BrYZk4nZQeLKp1k4tE',
    ]) {
      assert.throws(() => parseHostKeys(text), { code: 'INVALID_OPTIONS', field: 'hostKeys' }, text);
    }
  });

  it('of RSA stand for signatures with SHA-2 only', () => {
    assert.deepEqual(hostKeyAlgorithms(['ssh-rsa', 'ssh-ed25519', 'ssh-rsa']), [
      'rsa-sha2-512',
      'rsa-sha2-256',
      'ssh-ed25519',
    ]);
  });
});
