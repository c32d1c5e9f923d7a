// Every script that carries a stream, against real sshd, under each `/bin/sh` and behind csh, on a machine that has nothing but
// what docs/far-side.md names. Titles name the scripts: test/unit/index/far-side-scripts.test.ts looks for them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalHost } from '../../../src/host/local/local-host';
import type { Host } from '../../../src/host/host';
import { transportFacts } from '../../../src/host/transport-facts';
import { findTagged } from '../../../src/host/tagged-processes';
import { Lanes } from '../../../src/stream/ways/lanes';
import { transfer, type TransferRequest, type TransferResult } from '../../../src/stream/transfer';
import { planWire, type Wire } from '../../../src/stream/wire/wire-plan';
import { documented, SIDES, useBareSide, type BareSide } from '../../support/bare-side';
import { ANY, script, side as sideOf } from '../../support/wire-bench';

const PROGRAMS = [
  ...documented('Required', 'Setting up with a password', 'Optional').filter(
    (program) => !/^(ncat|busybox|mbuffer|lz4|pigz|lzop|pv)$/.test(program),
  ),
  'yes', // what is sent here
];
const BYTES = 3_000_000;
/** Some of it a shell or `openssl s_client` would take for words of its own. */
const TEXT = `yes "$(printf "Q\\n\\\\\\\\0 it")" | head -c ${BYTES}`;
const WHOLE = execFileSync('/bin/sh', ['-c', `${TEXT} | cksum`], { encoding: 'utf8' }).trim();
const SLOW = script('i=0; while [ $i -lt 600 ]; do echo $i; sleep 1; i=$((i+1)); done; exit 3');

for (const [shell, account] of SIDES) {
  describe(`streams of a bare far side whose /bin/sh is ${path.basename(shell)}, account ${account}`, function () {
    this.timeout(60_000);
    let side: BareSide;
    let a: Host;
    let b: Host;
    let count = 0;
    const local = new LocalHost();
    const tag = (): string => `zfsflow.bare.${account}.${++count}`;

    useBareSide(shell, PROGRAMS, (made) => (side = made));
    before(() => {
      a = side.connect(account);
      b = side.connect('root');
    });

    async function move(source: Host, target: Host, more: Partial<TransferRequest> = {}): Promise<TransferResult> {
      return transfer({
        source,
        target,
        sendArgv: script(TEXT),
        receiveArgv: script('cksum >&2'),
        lanes: null,
        sameHost: false,
        tag: tag(),
        signal: AbortSignal.timeout(50_000),
        stallTimeoutMs: 60_000,
        ...more,
      });
    }

    async function assertNothingLeft(): Promise<void> {
      const left = (): string[] => side.processes(/zfsflow\.bare|s_server|s_client|sleep|\bnc\b/);
      for (let i = 0; i < 60 && left().length > 0; i++) await sleep(100);
      assert.deepEqual(left(), []);
      assert.equal((await b.run(['/bin/sh', '-c', 'ls -d /tmp/zfsflow-* 2>/dev/null; exit 0'])).stdout, '');
    }

    /** Both ends are on the far side, reached as two machines. */
    async function wire(transport: Wire['transport'], listens: 'source' | 'target', only: string): Promise<Wire> {
      const facts = await transportFacts(b, AbortSignal.timeout(20_000));
      const carries = new Set(['perl', 'bash', 'socat']);
      const programs = new Set([...facts.programs].filter((name) => only === name || !carries.has(name)));
      const netcats = ['tls', 'nc', 'bash'].includes(only) ? facts.netcats : [];
      const far = { ...sideOf('far', false), ...facts, programs, netcats };
      const options = { ...ANY, netcatActiveSide: listens };
      return planWire(transport, options, { source: far, target: far, ownAddresses: [] });
    }

    it('come and go, with the code of each part (remotePipelineScript)', async () => {
      for (const [source, target] of [
        [a, local],
        [local, a],
      ] as const) {
        const { stages } = await move(source, target);
        assert.deepEqual(
          stages.map(({ code }) => code),
          [0, 0],
        );
        assert.equal(stages.at(-1)?.stderr.trim(), WHOLE);
      }
      const failing = move(a, local, { sendArgv: script('echo x; echo "no such thing" >&2; exit 7') });
      await assert.rejects(failing, { code: 'TRANSFER_FAILED', message: /no such thing/ });
      await assertNothingLeft();
    });

    it('go through programs on their way (remotePipelineScript)', async () => {
      const filters = { sendFilters: [['gzip', '-c', '-3']], receiveFilters: [['gzip', '-dc']] };
      const { stages } = await move(a, local, filters);
      assert.equal(stages.at(-1)?.stderr.trim(), WHOLE);
    });

    it('stay on one machine, and are ended there (sendReceiveScript)', async () => {
      const { stages } = await move(a, a, { sameHost: true });
      assert.equal(stages.at(-1)?.stderr.trim(), WHOLE);
      const controller = new AbortController();
      const running = move(a, a, {
        sameHost: true,
        sendArgv: SLOW,
        tag: 'zfsflow.bare.one',
        signal: controller.signal,
      });
      const rejected = assert.rejects(running, { code: 'CANCELLED' });
      while ((await findTagged(b, 'zfsflow.bare.one')).length === 0) await sleep(50);
      controller.abort();
      await rejected;
      await assertNothingLeft();
    });

    it('ride on lanes (laneScript, laneLine)', async () => {
      const lanes = new Lanes();
      try {
        for (const text of ['first', 'sec\\nond', "th'ird"]) {
          const sendArgv = ['printf', '%s', text];
          const receiveArgv = script(`head -c ${text.length} >/tmp/lane`);
          await move(a, b, { lanes, sendArgv, receiveArgv });
          assert.equal((await b.run(['cat', '/tmp/lane'])).stdout, text);
        }
        const failing = move(a, b, { lanes, sendArgv: script('exit 9'), receiveArgv: script('cat >/dev/null') });
        await assert.rejects(failing, { code: 'TRANSFER_FAILED' });
      } finally {
        lanes.close();
      }
      await b.run(['rm', '-f', '/tmp/lane']);
      await assertNothingLeft();
    });

    for (const listens of ['source', 'target'] as const) {
      it(`go over TCP by whatever carries, the ${listens} listens (farEndScript, PERL, BASH_CONNECTS)`, async () => {
        const carriers = ['tls', 'nc', 'socat', 'perl', ...(listens === 'target' ? ['bash'] : [])];
        const over = async (carrier: string): Promise<void> => {
          const transport = carrier === 'tls' ? 'ssh+tls' : 'ssh+netcat';
          const { stages } = await move(a, b, { wire: await wire(transport, listens, carrier) });
          assert.equal(stages.at(-1)?.stderr.trim(), WHOLE, carrier);
        };
        // They wait for whole seconds.
        await Promise.all(carriers.map(over));
        await assertNothingLeft();
      });
    }

    it('over TCP are ended on both sides, and leave nothing (farEndScript)', async () => {
      const ended = async (carrier: string): Promise<void> => {
        const controller = new AbortController();
        let begin: () => void = () => undefined;
        const begun = new Promise<void>((resolve) => (begin = resolve));
        const running = move(a, b, {
          wire: await wire(carrier === 'tls' ? 'ssh+tls' : 'ssh+netcat', 'target', carrier),
          sendArgv: SLOW,
          receiveArgv: script('cat >/dev/null'),
          signal: controller.signal,
          onPath: () => begin(),
        });
        const rejected = assert.rejects(running, { code: 'CANCELLED' });
        await begun;
        controller.abort();
        await rejected;
      };
      await Promise.all(['tls', 'nc', 'perl'].map(ended));
      await assertNothingLeft();
    });
  });
}
