// A stream for which `auto` chose TCP and found no way: it goes over SSH, and the result tells of that and of nothing else.
import assert from 'node:assert/strict';
import { limitedTransfer } from '../../../../src/replication/execute/limited-transfer';
import type { Run } from '../../../../src/replication/setup/run';
import { RateLimit } from '../../../../src/stream/rate-limit';
import { planWire } from '../../../../src/stream/wire/wire-plan';
import { ANY, machines, script, side } from '../../../support/wire-bench';

describe('a stream that falls back to SSH', function () {
  this.timeout(30_000);

  it('is sent, with one warning, and without the words of the receiver that got nothing', async () => {
    const { source, target } = machines();
    assert.ok(source && target);
    const sides = { source: side('A', false), target: side('B', false), ownAddresses: [] };
    const wire = planWire('ssh+tls', { ...ANY, netcatConnectAddress: 'no-such-name.invalid' }, sides);
    const warned: string[] = [];
    const events: unknown[] = [];
    const run = {
      source: source.host,
      target: target.host,
      sameHost: false,
      transport: 'relay',
      options: { streamCompression: 'none', stallTimeout: 30_000, resumable: true, transport: 'auto' },
      rateLimit: new RateLimit(0),
      ctx: { jobId: 'job', signal: AbortSignal.timeout(30_000), emit: (event: unknown) => events.push(event) },
    } as unknown as Run;
    const planned = {
      plan: { dstId: 'none', source: 'tank/a' },
      paths: { wireFor: async () => Promise.resolve(wire), fellBack: () => true },
      book: { warnRun: (texts: string[]) => warned.push(...texts) },
    } as unknown as Parameters<typeof limitedTransfer>[1];
    const lines: string[] = [];
    const receive =
      'IFS= read -r x || { echo "cannot receive: failed to read from stream" >&2; exit 1; }; echo "got $x" >&2';
    await limitedTransfer(run, planned, {
      sendArgv: script('echo stream'),
      receiveArgv: script(receive),
      lanes: null,
      bytes: 1,
      onReceiverLine: (line) => lines.push(line),
    });
    assert.deepEqual(lines, ['got stream']);
    assert.equal(warned.length, 1);
    assert.match(warned.join(), /^fell back to ssh: A could not connect to B at no-such-name.invalid/);
    assert.equal(events.length, 1);
  });
});
