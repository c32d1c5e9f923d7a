// What a lane does with bytes that arrive while their reader is slow or has gone. The server is ssh2's own, because only
// there a test decides which bytes share a packet; that real shells do the same is test/zfs/stream/lanes.test.ts.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, type Connection, type ServerChannel } from 'ssh2';
import { ZfsFlowError } from '../../../../src/base/errors';
import type { Host } from '../../../../src/host/host';
import { LocalHost } from '../../../../src/host/local/local-host';
import { SshHost } from '../../../../src/host/ssh/ssh-host';
import type { Endpoint } from '../../../../src/stream/ways/endpoint';
import { Lane } from '../../../../src/stream/ways/lane';
import { Lanes } from '../../../../src/stream/ways/lanes';
import { runSmallTransfer } from '../../../../src/stream/ways/small-transfer';
import type { Watch } from '../../../../src/stream/ways/way';
import { newKeyPair } from '../../../support/key-pair';

const HOST_KEYS = newKeyPair();
/** Divides the buffer of a stream of every Node.js, so that one of some chunks in a row is the one that fills it. */
const CHUNK = 4096;

/** What a lane's shell would print for the command of a line; the key and what follows it end its output. */
type Play = (channel: ServerChannel, key: string) => void;

/** An SSH server whose lanes play what the test says instead of running anything. */
class Stage {
  /** Exec channels that were opened. */
  opened = 0;
  play: Play = () => undefined;
  port = 0;
  private readonly clients = new Set<Connection>();
  private readonly server = new Server({ hostKeys: [HOST_KEYS.private] }, (client) => {
    this.clients.add(client);
    client.on('error', () => undefined);
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      accept().on('exec', (take) => {
        this.opened++;
        this.run(take());
      });
    });
  });

  async open(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.end();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }

  private run(channel: ServerChannel): void {
    channel.on('error', () => undefined);
    channel.on('data', (data: Buffer) => {
      const key = /^([0-9a-f]{24}) '?\/bin\/sh/.exec(data.toString())?.[1];
      if (key !== undefined) this.play(channel, key);
    });
    channel.on('end', () => leave(channel, 0));
  }
}

function leave(channel: ServerChannel, code: number): void {
  channel.exit(code);
  channel.end();
}

/** Prints so many chunks, the last in one packet with the key. */
function prints(chunks: number): Play {
  return (channel, key) => {
    for (let chunk = 1; chunk < chunks; chunk++) channel.write(Buffer.alloc(CHUNK));
    channel.stderr.write(`${key} 0\n`);
    channel.write(Buffer.concat([Buffer.alloc(CHUNK), Buffer.from(`${key} 0\n`)]));
  };
}

const printsForEver: Play = (channel) => {
  const more = (): void => {
    while (channel.writable && channel.write(Buffer.alloc(CHUNK)));
  };
  channel.on('drain', more);
  more();
};

describe('a lane', () => {
  let stage: Stage;
  let host: SshHost;
  let free: Lane[];

  beforeEach(async () => {
    stage = await new Stage().open();
    host = connect(stage.port);
    free = [];
  });
  afterEach(async () => {
    await host.close();
    await stage.close();
  });

  /** One channel at once: a slot that is not given back stops everything after it. */
  function connect(port: number): SshHost {
    return new SshHost({
      id: 'far',
      label: 'far',
      host: '127.0.0.1',
      port,
      username: 'root',
      auth: { method: 'password', password: 'x' },
      hostKeys: HOST_KEYS.public,
      ciphers: 'auto',
      connectTimeout: 10,
      keepaliveInterval: 0,
      sudo: 'none',
      zfsPath: '',
      maxSessions: 1,
    });
  }

  const open = async (): Promise<Lane> =>
    Lane.open(host.channels, (lane) => free.push(lane), AbortSignal.timeout(10_000));
  const start = (lane: Lane): Endpoint => lane.start(['send'], 'zfsflow.test', false);

  /** Fails when the only slot is still taken. */
  async function assertSlotFree(): Promise<void> {
    (await open()).close();
  }

  /** As much as fits has arrived, and nobody reads it. */
  async function untilFull({ stdout }: Endpoint): Promise<void> {
    while (stdout.readableLength < stdout.readableHighWaterMark) await sleep(5);
    await sleep(50);
  }

  const small = async (target: { host: Host; argv: string[] }, lanes: Lanes, watch: Partial<Watch> = {}) =>
    runSmallTransfer(
      { source: host, sendArgv: ['send'], target: target.host, receiveArgv: target.argv, tag: 'zfsflow.test' },
      lanes,
      { onLine: () => false, onBytes: () => undefined, signal: new AbortController().signal, ...watch },
    );

  it('goes on after a stream whose end came while its reader was behind', async () => {
    const lane = await open();
    // Two buffers of 16 or 64 KiB, by Node's version, stand between channel and reader; one of these fills both.
    for (let chunks = 1; chunks <= 40; chunks++) {
      stage.play = prints(chunks);
      const command = start(lane);
      await sleep(15);
      const [said] = await Promise.all([text(command.stdout), text(command.stderr)]);
      assert.equal(said.length, chunks * CHUNK);
      assert.equal((await command.ended).code, 0);
      command.release();
      assert.equal(free.splice(0).length, 1, `after ${chunks} chunks`);
    }
    assert.equal(stage.opened, 1);
  });

  it('carries stream after stream to a slow receiver of this machine', async () => {
    const lanes = new Lanes();
    const local = new LocalHost();
    for (const chunks of [40, 41, 50, 64, 250]) {
      stage.play = prints(chunks);
      const results = await small({ host: local, argv: ['sh', '-c', 'sleep 0.1; wc -c >&2'] }, lanes);
      assert.deepEqual(
        results.map(({ code, stderr }) => [code, stderr.trim()]),
        [
          [0, ''],
          [0, String(chunks * CHUNK)],
        ],
      );
    }
    assert.equal(stage.opened, 1);
    lanes.close();
    await assertSlotFree();
  });

  it('gives its channel back when its command is ended while nobody reads', async () => {
    stage.play = printsForEver;
    const command = start(await open());
    await untilFull(command);
    command.end();
    assert.equal((await command.ended).code, null);
    await assertSlotFree();
  });

  it('gives its channel back when a transfer is cancelled while its receiver takes nothing', async () => {
    stage.play = printsForEver;
    const stop = new AbortController();
    const moving = small({ host: new LocalHost(), argv: ['sleep', '60'] }, new Lanes(), { signal: stop.signal });
    await sleep(500);
    stop.abort();
    const results = await moving;
    assert.ok(results.every(({ code, ended }) => code !== 0 && ended));
    await assertSlotFree();
  });

  it('gives its channel back when who follows the transfer fails', async () => {
    stage.play = (channel) => {
      channel.stderr.write('a line\n');
      printsForEver(channel, '');
    };
    const fails = (): never => {
      throw new RangeError('the listener');
    };
    const taker = { host: new LocalHost(), argv: ['sleep', '60'] };
    await assert.rejects(small(taker, new Lanes(), { onLine: fails }), /the listener/);
    await assertSlotFree();
  });

  it('gives its channel back when the other side of the transfer cannot be had', async () => {
    stage.play = printsForEver;
    const other = await new Stage().open();
    await other.close();
    const closed = connect(other.port);
    // Refused only after a wait, because it was tried just now: the sender has filled every buffer by then.
    await assert.rejects(closed.run(['true']));
    await assert.rejects(small({ host: closed, argv: ['receive'] }, new Lanes()), ZfsFlowError);
    await assertSlotFree();
  });

  it('gives its channel back although the command over there does not end', async () => {
    // Like sshd, which answers only when the command has ended.
    stage.play = (channel) => (channel.close = () => undefined);
    const command = start(await open());
    await sleep(50);
    command.end();
    assert.equal((await command.ended).code, null);
    await assertSlotFree();
  });

  it('is not used again after its command was ended, although that had just succeeded', async () => {
    stage.play = prints(1);
    const command = start(await open());
    await Promise.all([text(command.stdout), command.ended]);
    command.end();
    command.release();
    assert.equal(free.length, 0);
    await assertSlotFree();
  });

  it('is not used again when more comes after the end of a command', async () => {
    stage.play = (channel, key) => {
      channel.stderr.write(`${key} 0\n`);
      channel.write(`all${key} 0\nmore`);
    };
    const command = start(await open());
    const [said] = await Promise.all([text(command.stdout), command.ended]);
    command.release();
    assert.equal(said, 'all');
    assert.equal(free.length, 0);
    await assertSlotFree();
  });

  it('takes its shell ending with 0 for no success of the command', async () => {
    stage.play = (channel) => leave(channel, 0);
    const { ended } = start(await open());
    await assert.rejects(ended, (error) => {
      assert.ok(error instanceof ZfsFlowError);
      return error.code === 'TRANSFER_FAILED' && error.retryable;
    });
    await assertSlotFree();
  });

  it('takes one of two markers for no success either, and keeps what was said', async () => {
    stage.play = (channel, key) => {
      channel.write(`part${key} 0\n`);
      channel.stderr.write(Buffer.alloc(30 * CHUNK, 'x'));
      leave(channel, 0);
    };
    const command = start(await open());
    const [said, complaint] = await Promise.all([
      text(command.stdout),
      text(command.stderr),
      assert.rejects(command.ended),
    ]);
    assert.equal(said, 'part');
    assert.equal(complaint.length, 30 * CHUNK);
  });
});
