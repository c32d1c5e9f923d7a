// Streams over TCP that somebody disturbs: strangers at the port, ends that die, a cancelled run; and who could read the
// secret. No success that is none, and nothing left.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ZfsFlowError } from '../../../../src/base/errors';
import { until } from '../../../support/job';
import { localMachine } from '../../../support/local-channels';
import {
  assertNothingLeft,
  COMMANDS,
  COUNT,
  digest,
  ENDLESS,
  failure,
  freePort,
  isListening,
  machines,
  received,
  refused,
  running,
  script,
  sendOver,
  type Ends,
  type Sending,
} from '../../../support/wire-bench';

describe('streams over TCP, disturbed', function () {
  this.timeout(40_000);
  const whole = digest(COMMANDS);

  afterEach(assertNothingLeft);

  describe('strangers', () => {
    /** Does something to the port as soon as somebody listens on it, before the right one comes. */
    async function withStranger(sending: Sending, stranger: (port: number) => Promise<unknown>): Promise<void> {
      const port = await freePort();
      const ends = sending.ends ?? machines('far', 'far');
      // The right one is told where to connect to only after the stranger was there.
      if (ends.source) ends.source.beforeLine = async (line) => void (/^\d+\n$/.test(line) && (await stranger(port)));
      const options = { ...sending.options, netcatPortMin: port, netcatPortMax: port };
      const sent = await sendOver({ ...sending, ends, options, send: script(COMMANDS) });
      assert.equal(received(sent).trim().split(' ')[0], whole);
    }

    async function says(port: number, bytes: string): Promise<void> {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.resume();
      socket.end(bytes);
      // Not `once`, which an error would reject.
      await new Promise((resolve) => socket.on('close', resolve));
    }

    async function openssl(port: number, ...more: string[]): Promise<void> {
      const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', ...more], {
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      child.stdin.end('stranger');
      await once(child, 'close');
    }

    it('ssh+tls: a scan, noise, no key, a wrong key: the right one still gets in, and nothing of theirs arrives', async () => {
      {
        await withStranger({}, async (port) => {
          await says(port, '');
          await sleep(300);
          await says(port, 'GET / HTTP/1.0\r\n\r\n');
          await sleep(300);
          await openssl(port);
          await sleep(300);
          await openssl(port, '-psk', '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
          await sleep(300);
        });
      }
    });

    for (const only of ['perl', 'openbsd', 'traditional', 'ncat', 'busybox', 'socat']) {
      it(`ssh+netcat with ${only}: who comes without the token goes with nothing, and the right one still gets in`, async () => {
        await withStranger({ transport: 'ssh+netcat', only }, async (port) => {
          await says(port, '');
          await until(() => isListening(port));
          await says(port, `${'0'.repeat(64)}\nstranger`);
          await until(() => isListening(port));
        });
      });
    }

    it('one that says nothing keeps nobody out of perl', async () => {
      const open: ReturnType<typeof connect>[] = [];
      await withStranger({ transport: 'ssh+netcat', only: 'perl' }, async (port) => {
        open.push(connect(port, '127.0.0.1').on('error', () => undefined));
        await sleep(100);
      });
      for (const one of open) one.destroy();
    });

    for (const from of ['far', 'near'] as const) {
      it(`ssh+tls from ${from}: the right one gets in that came while one that says nothing was there`, async () => {
        let silent: ReturnType<typeof connect> | undefined;
        const ends = machines(from, 'far');
        const hold = async (port: number): Promise<void> => {
          silent = connect(port, '127.0.0.1').on('error', () => undefined);
          await once(silent, 'connect');
          setTimeout(() => silent?.destroy(), 1_500);
        };
        // The near one is told of the port by the far one, whose line it waits for.
        if (ends.source) await withStranger({ ends }, hold);
        else {
          const port = await freePort();
          const sending = sendOver({
            ends,
            options: { netcatPortMin: port, netcatPortMax: port },
            send: script(COMMANDS),
          });
          await until(() => isListening(port));
          await hold(port);
          assert.equal(
            received(await sending)
              .trim()
              .split(' ')[0],
            whole,
          );
        }
      });
    }

    it('a listener of this machine goes on too, whatever comes first', async () => {
      for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
        const silent: ReturnType<typeof connect>[] = [];
        const options = { netcatActiveSide: 'target' } as const;
        await withStranger({ transport, ends: machines('far', 'near'), options }, async (port) => {
          silent.push(connect(port, '127.0.0.1').on('error', () => undefined));
          await says(port, '');
          await says(port, `${'0'.repeat(64)}\nstranger`);
        });
        for (const one of silent) one.destroy();
      }
    });

    it('a server that shows a certificate instead of the key gets nothing', async () => {
      const { source, target } = machines('far', 'far');
      const port = await freePort();
      const key = execFileSync('/bin/sh', [
        '-c',
        'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout - -subj /CN=127.0.0.1 -days 1 2>/dev/null',
      ]);
      const thief = spawn(
        '/bin/sh',
        [
          '-c',
          `cat >/tmp/wire-thief.pem; exec openssl s_server -accept 127.0.0.2:${port} -cert /tmp/wire-thief.pem -key /tmp/wire-thief.pem -quiet`,
        ],
        { stdio: ['pipe', 'pipe', 'ignore'] },
      );
      let stolen = 0;
      thief.stdout.on('data', (chunk: Buffer) => (stolen += chunk.length));
      thief.stdin.write(key);
      thief.stdin.end();
      try {
        await sleep(500);
        const options = { netcatConnectAddress: '127.0.0.2', netcatPortMin: port, netcatPortMax: port };
        for (const ends of [{ source, target }, machines('near', 'far')]) {
          const error = await refused('AUTHENTICATION_FAILED', { ends, options });
          assert.match(error.message, /does not know the key/);
        }
        assert.equal(stolen, 0);
      } finally {
        thief.kill('SIGKILL');
        execFileSync('rm', ['-f', '/tmp/wire-thief.pem']);
      }
    });
  });

  describe('what breaks', () => {
    interface Broken {
      sending: Promise<ZfsFlowError>;
      ends: Ends;
    }

    async function begun(sending: Sending = {}): Promise<Broken> {
      const ends = sending.ends ?? machines();
      let met = false;
      const more = { ...sending.more, onPath: () => (met = true) };
      const running = failure({ send: ENDLESS, receive: COUNT, ...sending, ends, more });
      await until(() => met);
      await sleep(300);
      return { sending: running, ends };
    }

    function kill(pattern: RegExp): void {
      const found = running(pattern).filter(({ args }) => pattern.test(args));
      assert.ok(found.length > 0, `nothing like ${String(pattern)} runs`);
      for (const { pid } of found) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended with another of them.
        }
      }
    }

    for (const carrier of ['s_server', 's_client', 'whole end']) {
      it(`killing ${carrier} is no success`, async () => {
        const { sending } = await begun();
        // The scripts have these words in their arguments too: all of that end's shells, its watchdog among them.
        kill(carrier === 'whole end' ? / s_server / : new RegExp(`^openssl ${carrier}`));
        await sending;
      });
    }

    it('killing the process of this machine is no success', async () => {
      for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
        const { sending } = await begun({ transport, ends: machines('near', 'far') });
        kill(/tcp-pipe/);
        await sending;
      }
    });

    it('killing the shell of an end is no success, and its watchdog tidies up', async () => {
      for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
        for (const name of ['source', 'target'] as const) {
          const { sending, ends } = await begun({ transport });
          const pid = ends[name]?.groups.at(-1);
          assert.ok(pid);
          process.kill(pid, 'SIGKILL');
          await sending;
          await assertNothingLeft();
        }
      }
    });

    it('a receiver that ends ends all, with its own code', async () => {
      for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
        for (const netcatActiveSide of ['source', 'target'] as const) {
          const options = { netcatActiveSide };
          const receive = script('head -c 200000 >/dev/null; echo "cannot receive: out of space" >&2; exit 3');
          const error = await failure({ transport, options, send: ENDLESS, receive });
          assert.match(error.message, /receiving on B failed: cannot receive: out of space/);
          assert.equal(error.exitCode, 3);
        }
      }
    });

    it('a sender that fails is the cause, although the receiver saw only an end', async () => {
      for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
        const send = script('head -c 200000 /dev/zero; echo "cannot send: no such thing" >&2; exit 4');
        const error = await failure({ transport, send, receive: COUNT });
        assert.match(error.message, /sending from A failed: cannot send: no such thing/);
      }
    });

    it('cancelling ends everything', async () => {
      for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
        const stop = new AbortController();
        const { sending } = await begun({ transport, more: { signal: stop.signal } });
        stop.abort();
        assert.equal((await sending).code, 'CANCELLED');
        await assertNothingLeft();
      }
    });

    it('a directory that is cleaned away meanwhile is no failure', async () => {
      const TMPDIR = mkdtempSync(join(tmpdir(), 'cleaned-'));
      const cleaned = (): string[] => readdirSync(TMPDIR).map((name) => join(TMPDIR, name));
      for (const netcatActiveSide of ['source', 'target'] as const) {
        const ends = { source: localMachine('A', { env: { TMPDIR } }), target: localMachine('B', { env: { TMPDIR } }) };
        const send = script('for i in 1 2 3; do echo line; sleep 0.4; done');
        const sending = sendOver({ ends, options: { netcatActiveSide }, send, receive: COUNT });
        await until(() => cleaned().length === 2);
        await sleep(700);
        for (const path of cleaned()) rmSync(path, { recursive: true });
        assert.equal(received(await sending).trim(), '15');
      }
      rmSync(TMPDIR, { recursive: true });
    });

    it('a stream that stands still is TRANSFER_STALLED', async () => {
      const send = script('head -c 100000 /dev/zero; sleep 30');
      assert.equal((await failure({ send, receive: COUNT, more: { stallTimeoutMs: 1500 } })).code, 'TRANSFER_STALLED');
    });
  });

  it('the secret is on no command line, in no environment and in no file', async () => {
    for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
      const ends = machines('near', 'far');
      const { target } = ends;
      const sending = sendOver({ transport, ends, send: script('head -c 300000 /dev/zero; sleep 1'), receive: COUNT });
      await sleep(900);
      assert.ok(target);
      const [secret = ''] = target.written;
      assert.ok(secret.length >= 64, secret);
      // The key itself is in the middle of the text for openssl.
      const parts = [secret, secret.slice(20, 50)];
      const texts = readdirSync('/proc').flatMap((pid) => {
        if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
        return ['cmdline', 'environ'].map((name) => {
          try {
            return readFileSync(`/proc/${pid}/${name}`, 'latin1');
          } catch {
            return '';
          }
        });
      });
      for (const part of parts) assert.ok(!texts.some((text) => text.includes(part)), 'in the process list');
      assert.ok(!target.commands.some((command) => parts.some((part) => command.includes(part))));
      const files = execFileSync('/bin/sh', ['-c', 'cat /tmp/zfsflow-*/e 2>/dev/null; :'], { encoding: 'utf8' });
      assert.ok(!parts.some((part) => files.includes(part)));
      await sending;
    }
  });
});
