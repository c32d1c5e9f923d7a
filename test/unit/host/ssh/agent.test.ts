// Our SSH agent against OpenSSH's own client of agents, and the directory it lives in.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgent } from '../../../../src/host/ssh/agent';
import {
  createPrivateDirectory,
  removePrivateDirectory,
  SOCKET_NAME,
} from '../../../../src/host/ssh/private-directory';
import { publicKeyLine, readPrivateKey } from '../../../../src/host/ssh/private-key';

describe('our SSH agent', function () {
  this.timeout(30_000);
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'agent-test-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  /** Not synchronously: the agent is in this process. */
  async function run(file: string, args: readonly string[], socket: string): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(file, [...args], { env: { ...process.env, SSH_AUTH_SOCK: socket } }, (error, stdout) => {
        if (error) reject(error);
        else resolve(stdout);
      });
    });
  }

  for (const [name, ...args] of [
    ['ed25519', '-t', 'ed25519'],
    ['ecdsa256', '-t', 'ecdsa', '-b', '256'],
    ['ecdsa384', '-t', 'ecdsa', '-b', '384'],
    ['ecdsa521', '-t', 'ecdsa', '-b', '521'],
    ['rsa', '-t', 'rsa', '-b', '2048'],
  ] as const) {
    it(`shows and signs with an ${name} key, and with no other`, async () => {
      const file = join(directory, name);
      execFileSync('ssh-keygen', ['-q', ...args, '-N', '', '-C', 'test', '-f', file]);
      const other = join(directory, `${name}-other`);
      execFileSync('ssh-keygen', ['-q', ...args, '-N', '', '-f', other]);
      const key = readPrivateKey(readFileSync(file, 'utf8'), undefined);
      rmSync(file);
      rmSync(other);
      const agent = await startAgent(key, join(directory, `${name}.sock`));
      try {
        assert.equal((await run('ssh-add', ['-L'], agent.socket)).trim(), publicKeyLine(key));
        const data = join(directory, `${name}.data`);
        writeFileSync(data, 'data');
        // Many times: the length of an ECDSA signature varies.
        for (let round = 0; round < 10; round++) {
          rmSync(`${data}.sig`, { force: true });
          await run('ssh-keygen', ['-Y', 'sign', '-q', '-f', `${file}.pub`, '-n', 'test', data], agent.socket);
          const check = ['-Y', 'check-novalidate', '-n', 'test', '-s', `${data}.sig`];
          assert.equal(spawnSync('ssh-keygen', check, { input: 'data' }).status, 0);
        }
        const refused = ['-Y', 'sign', '-q', '-f', `${other}.pub`, '-n', 'test', data];
        await assert.rejects(run('ssh-keygen', refused, agent.socket));
      } finally {
        agent.close();
      }
    });
  }

  it('survives clients that send nonsense', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const key = readPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), undefined);
    const agent = await startAgent(key, join(directory, 'nonsense.sock'));
    for (const bytes of [
      [0xff, 0xff, 0xff, 0xff, 1],
      [0, 0, 0, 1, 99],
      [0, 0, 0, 5, 13, 0, 0, 0, 9],
      [0, 0, 0, 0, 0],
      [1],
    ]) {
      const socket = createConnection(agent.socket);
      socket.on('error', () => undefined);
      socket.end(Buffer.from(bytes));
      socket.resume();
      await new Promise((resolve) => socket.once('close', resolve));
    }
    assert.equal((await run('ssh-add', ['-L'], agent.socket)).split(' ')[0], 'ssh-ed25519');
    agent.close();
  });
});

describe('private directories', () => {
  it('are closed to others and gone when released', () => {
    const directory = createPrivateDirectory();
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    removePrivateDirectory(directory);
    assert.equal(existsSync(directory), false);
  });

  it('are removed when the process exits, and after a crash by the next process', async () => {
    const module = JSON.stringify(require.resolve('../../../../src/host/ssh/private-directory.ts'));
    const make = (end: string): string => {
      const script = `console.log(require(${module}).createPrivateDirectory()); ${end}`;
      const args = ['--require', require.resolve('tsx/cjs'), '-e', script];
      return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
    };
    assert.equal(existsSync(make('')), false);
    const dead = spawnSync('true').pid;
    const left = join(tmpdir(), `zfsflow-${dead}-abcdef`);
    const live = join(tmpdir(), `zfsflow-${process.pid}-abcdef`);
    const unlike = join(tmpdir(), `zfsflow-${dead}-abcdefgh`);
    for (const path of [left, live, unlike]) mkdirSync(path, { mode: 0o700 });
    writeFileSync(join(left, 'known_hosts'), '');
    try {
      make('setTimeout(() => 0, 300)');
      for (let tries = 0; existsSync(left) && tries < 50; tries++) await sleep(20);
      assert.deepEqual(
        [left, live, unlike].map((path) => existsSync(path)),
        [false, true, true],
      );
    } finally {
      for (const path of [left, live, unlike]) rmSync(path, { recursive: true, force: true });
    }
  });

  it('fit the length of a socket path wherever TMPDIR points', () => {
    const directory = createPrivateDirectory();
    assert.ok(join(directory, SOCKET_NAME).length <= 103);
    assert.deepEqual(readdirSync(directory), []);
    removePrivateDirectory(directory);
  });
});
