// When a run leaves SSH: `auto` only where it was seen that TLS pays, once; what was asked for always, or with an error.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZfsFlowError } from '../../../../src/base/errors';
import type { CommandResult, Host, HostFacts } from '../../../../src/host/host';
import { DataPaths, askedTransport } from '../../../../src/replication/execute/data-paths';
import { localMachine } from '../../../support/local-channels';
import { ANY } from '../../../support/wire-bench';

const MB = 1 << 20;
const LARGE = 300 * MB;

/** What a machine answers, with TCP buffers of so many bytes. */
function answers(buffer: number): string {
  return [
    'openssl\tOpenSSL 3.0.19 27 Jan 2026',
    'options\t2',
    ...['mktemp', 'mkfifo', 'bash', 'perl'].map((name) => `program\t${name}`),
    `linux\t4096 16384 ${buffer}\t4096 131072 ${buffer}`,
    'ssh\t192.0.2.7 4000 192.0.2.9 22',
  ].join('\n');
}

/** `rttMs`: added to every line that it echoes; undefined for this machine itself. */
function machine(id: string, buffer: number, rttMs?: number): Host {
  const far = localMachine(id);
  far.beforeLine = async () => sleep(rttMs ?? 0);
  const run = async (): Promise<CommandResult> =>
    Promise.resolve({ code: 0, signal: null, stdout: answers(buffer), stderr: '' });
  const host = Object.assign(Object.create(far.host) as Host, { run });
  return rttMs === undefined ? Object.assign(host, { isLocal: true, channels: undefined }) : host;
}

type Ends = ConstructorParameters<typeof DataPaths>[0];

function endsOf(transport: string, source: Host, target: Host, more: object = {}): Ends {
  const facts = { aes: true } as HostFacts;
  const options = { ...ANY, transport };
  const ctx = { signal: new AbortController().signal };
  const rateLimit = { limited: false };
  return {
    source,
    target,
    sourceFacts: facts,
    targetFacts: facts,
    sameHost: false,
    options,
    rateLimit,
    ctx,
    ...more,
  } as unknown as Ends;
}

describe('the way of a stream', function () {
  this.timeout(20_000);

  const slow = (id: string): [Host, Host] => [machine(`${id}-near`, 64 * MB), machine(`${id}-far`, 64 * MB, 30)];

  it('auto is TLS where it pays, and falls back once: the next runs stay with SSH', async () => {
    const [near, far] = slow('a');
    const paths = new DataPaths(endsOf('auto', near, far));
    assert.equal((await paths.wireFor(LARGE))?.transport, 'ssh+tls');
    assert.equal(await paths.wireFor(LARGE / 2), null, 'a small stream');
    const refused = new ZfsFlowError('CONNECTION_REFUSED', 'refused');
    assert.equal(paths.fellBack(refused), true);
    assert.equal(await paths.wireFor(LARGE), null);
    assert.equal(await new DataPaths(endsOf('auto', near, far)).wireFor(LARGE), null, 'another run');
    const back = new DataPaths(endsOf('auto', far, near));
    assert.equal((await back.wireFor(LARGE))?.listen, 'source', 'the other direction is another way');
  });

  it('auto is SSH over a short way, with small buffers, and between two remote machines', async () => {
    const [near, far] = slow('b');
    for (const [source, target] of [
      [near, machine('b-close', 64 * MB, 0)],
      [near, machine('b-small', 6 * MB, 30)],
      [far, machine('b-other', 64 * MB, 30)],
    ] as const) {
      assert.equal(await new DataPaths(endsOf('auto', source, target)).wireFor(LARGE), null);
    }
  });

  it('a failure of the stream itself is no reason to fall back, and what was asked for never does', async () => {
    const [near, far] = slow('c');
    assert.equal(new DataPaths(endsOf('auto', near, far)).fellBack(new ZfsFlowError('CONNECTION_LOST', '')), false);
    const asked = new DataPaths(endsOf('ssh+tls', near, far));
    assert.equal(asked.fellBack(new ZfsFlowError('CONNECTION_REFUSED', '')), false);
    assert.equal((await asked.wireFor(1))?.transport, 'ssh+tls');
  });

  it('what was asked for is not the way within one machine, nor of two remote ones under a limit', () => {
    const [near, far] = slow('d');
    const other = machine('d-other', MB, 1);
    const limited = { rateLimit: { limited: true } };
    assert.equal(askedTransport(endsOf('ssh+tls', near, far, limited)), 'ssh+tls');
    assert.equal(askedTransport(endsOf('ssh+tls', far, other, limited)), null);
    assert.equal(askedTransport(endsOf('ssh+netcat', far, other)), 'ssh+netcat');
    assert.equal(askedTransport(endsOf('ssh+netcat', far, other, { sameHost: true })), null);
  });

  it('a connection through another machine is refused where TCP was asked for, and is SSH for auto', async () => {
    const [near, far] = slow('e');
    Object.assign(far, { viaJump: true });
    await assert.rejects(new DataPaths(endsOf('ssh+tls', near, far)).wireFor(LARGE), {
      code: 'UNSUPPORTED',
      field: 'transport',
    });
    assert.equal(await new DataPaths(endsOf('auto', near, far)).wireFor(LARGE), null);
  });

  it('says that the data is unencrypted, and which buffers limit it, with the sysctl and the gain', async () => {
    const [near] = slow('f');
    const small = machine('f-small', 4 * MB, 60);
    const warnings = await new DataPaths(endsOf('ssh+netcat', near, small)).warnings(LARGE);
    assert.match(warnings[0] ?? '', /unencrypted/);
    assert.match(
      warnings[1] ?? '',
      /^TCP buffers of f-small limit a stream to about \d+ MB\/s at (?:5[89]|[6-9]\d) ms: raise the third value of net\.ipv4\.tcp_rmem on f-small and the third value of net\.ipv4\.tcp_wmem on f-near to \d+, for up to \d\.\d times/,
    );
    const hint = await new DataPaths(endsOf('auto', near, small)).warnings(LARGE);
    assert.match(hint.join(), /with larger TCP buffers ssh\+tls would be faster/);
    assert.deepEqual(await new DataPaths(endsOf('auto', near, small)).warnings(MB), [], 'not for a small stream');
  });
});
