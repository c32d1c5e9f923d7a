// What tests of *Set up a TrueNAS* share: a fake one whose SSH lets nobody in, the endpoint of a real Node-RED, and a look at
// everything that was told and sent, in which no secret may be.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { Server } from 'ssh2';
import { selfSigned, type Certificate } from '../fake-truenas/certificates';
import type { ProfileName } from '../fake-truenas/profiles';
import { FakeTrueNas } from '../fake-truenas/server';
import { memorySide, type SshSide } from '../fake-truenas/ssh-side';
import { NO_SUDO, type FakeUser } from '../fake-truenas/state';
import { FlowBench, helper } from './flow-bench';
import { newKeyPair } from './key-pair';

const HOST_KEY = newKeyPair();
/** With characters that JSON and Python write in another way. */
export const PASSWORD = 'S3cr"et\\pass';
export const API_KEY = '3-VeryLongApiKeyThatNobodyMaySee';
export const SECRET = /S3cr|pass"|VeryLongApiKey|482913|PRIVATE KEY|THE-PRIVATE-HALF|THE-HASH|THE-SMB-HASH/;

const account = (more: Partial<FakeUser> & { username: string }): FakeUser => ({
  id: more.username.length + 40,
  uid: 3000,
  home: `/mnt/tank/${more.username}`,
  shell: '/usr/bin/bash',
  password: PASSWORD,
  privilege: 'full',
  sudo: NO_SUDO,
  ...more,
});

/** What their names say; those without a password are for SSH alone. */
const USERS: readonly FakeUser[] = [
  account({ username: 'root', id: 1, uid: 0, home: '/root' }),
  account({ username: 'truenas_admin', uid: 950, home: '/home/truenas_admin' }),
  account({ username: 'reader', privilege: 'readonly' }),
  account({ username: 'nobody-special', privilege: 'none' }),
  account({ username: 'homeless', home: '/var/empty', password: null }),
  account({ username: 'away', home: '/home/away', password: null }),
  account({ username: 'locked', locked: true }),
  account({ username: 'of-a-directory', foreign: true }),
  account({ username: 'otp', otp: true }),
];

/** An SSH server that lets nobody in, as one whose home has the wrong modes. */
class Doorkeeper {
  readonly offered: string[] = [];
  port = 0;
  readonly hostKey = HOST_KEY.public;
  private readonly server = new Server({ hostKeys: [HOST_KEY.private] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => {
      if (context.method === 'publickey') this.offered.push(context.key.data.toString('base64'));
      context.reject(['publickey']);
    });
  });

  async open(): Promise<this> {
    await new Promise<void>((resolve) => void this.server.listen(0, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }
}

export type Answer = Record<string, unknown> & {
  details: Record<string, unknown> & { certificate?: Record<string, string>; changed?: string[] };
};

/** The answer is a refusal with this code and these words somewhere. */
export function refused(answer: Answer, code: string, words: RegExp): void {
  assert.deepEqual([answer['ok'], answer['code']], [false, code], JSON.stringify(answer));
  assert.match(JSON.stringify(answer), words);
}

interface StartOptions {
  side?: SshSide;
  plain?: 'redirect' | 'serve';
  /** Its certificate; else one that all share. */
  own?: Certificate;
}

class TrueNasBench {
  readonly bench = new FlowBench();
  door = new Doorkeeper();
  /** Answers, as they came. */
  told: string[] = [];
  shared: Certificate | undefined;
  running: FakeTrueNas | undefined;
  private count = 0;

  get fake(): FakeTrueNas {
    assert.ok(this.running, 'not started');
    return this.running;
  }

  /** Instead of the one that runs, if one does. */
  async start(profile: ProfileName, { side, plain = 'redirect', own }: StartOptions = {}): Promise<void> {
    await this.running?.close();
    const homes = { '/root': null, '/home/truenas_admin': null, '/home/away': null, '/mnt/tank/locked': null };
    const certificate = own ?? (this.shared ??= await selfSigned());
    const behind = side ?? memorySide(homes, this.door);
    this.running = await FakeTrueNas.start({ profile, side: behind, users: USERS, certificate, plain });
  }

  /** As root, with the right password and the confirmed certificate, for a new connection. */
  async ask(more: object = {}): Promise<Answer> {
    const { url, fingerprint: certificate } = this.fake;
    const request = { id: `new-${++this.count}`, url, username: 'root', password: PASSWORD, certificate, ...more };
    const response = await helper.request().post('/zfs-flows/set-up-truenas').send(request).expect(200);
    this.told.push(JSON.stringify(response.body));
    return response.body as Answer;
  }

  /** Of all that was said to the TrueNAS. */
  sentNothingSecret(): void {
    for (const text of this.fake.heard) assert.doesNotMatch(text, SECRET);
  }
}

/** Hooks for a suite; after each test nothing that was told or logged has a secret in it. */
export function useTrueNas(): TrueNasBench {
  const nas = new TrueNasBench();
  before(() => nas.bench.open());
  beforeEach(async () => {
    nas.door = await new Doorkeeper().open();
    nas.told = [];
    await nas.bench.start([]);
  });
  afterEach(async () => {
    await nas.running?.close();
    nas.running = undefined;
    await nas.bench.stop();
    await nas.door.close();
    for (const text of [...nas.told, JSON.stringify(helper.log().args)]) assert.doesNotMatch(text, SECRET);
  });
  after(() => nas.bench.close());
  return nas;
}
