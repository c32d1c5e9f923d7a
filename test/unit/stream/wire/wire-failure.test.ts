// What a failed stream over TCP was, from what both ends say.
import assert from 'node:assert/strict';
import type { ErrorCode } from '../../../../src/base/errors';
import type { EndReport } from '../../../../src/stream/wire/wire-end';
import { wireFailure } from '../../../../src/stream/wire/wire-failure';
import { planWire } from '../../../../src/stream/wire/wire-plan';
import { ANY, side } from '../../../support/wire-bench';

describe('what a failed stream over TCP was', () => {
  const wire = planWire(
    'ssh+tls',
    { ...ANY, netcatPortMin: 6000, netcatPortMax: 6009 },
    { source: side('A', false), target: side('B', false), ownAddresses: [] },
  );
  const report = (more: Partial<EndReport> & { code?: number | null; stderr?: string; ended?: boolean }): EndReport => {
    const { code = 0, stderr = '', ended = false, ...rest } = more;
    const stage = { code, signal: null, stderr, ended };
    return { stage, between: [], connected: false, noPort: false, directory: '', said: '', ...rest };
  };
  const judge = (source: EndReport, target: EndReport, silentFor = 0): ErrorCode | null =>
    wireFailure({ wire, labels: { source: 'A', target: 'B' }, port: 6001, reports: { source, target }, silentFor })
      ?.code ?? null;
  const ended = report({ code: null, ended: true });
  const met = { connected: true };

  const cases: [string, EndReport, EndReport, ErrorCode | null, number?][] = [
    [
      'a wrong key',
      report({ code: 1, said: 'SSL alert number 40: handshake failure' }),
      ended,
      'AUTHENTICATION_FAILED',
    ],
    ['a certificate', report({ code: 1, said: 'certificate verify failed' }), ended, 'AUTHENTICATION_FAILED'],
    ['refused (Linux)', report({ code: 1, said: 'connect:errno=111' }), ended, 'CONNECTION_REFUSED'],
    ['refused (FreeBSD)', report({ code: 1, said: 'connect:errno=61' }), ended, 'CONNECTION_REFUSED'],
    ['no route', report({ code: 1, said: 'connect:errno=113' }), ended, 'HOST_UNREACHABLE'],
    [
      'no such name',
      report({ code: 1, said: 'BIO_lookup_ex:system lib: Name or service not known' }),
      ended,
      'HOST_NOT_FOUND',
    ],
    ['silence', ended, ended, 'CONNECTION_TIMEOUT', 15],
    ['no port', ended, report({ code: 94, noPort: true, said: 'Address already in use' }), 'UNSUPPORTED'],
    [
      'no such address',
      ended,
      report({ code: 94, noPort: true, said: 'Cannot assign requested address' }),
      'INVALID_OPTIONS',
    ],
    ['no FIFO', ended, report({ code: 96, stderr: 'mkfifo: Operation not permitted' }), 'UNSUPPORTED'],
    [
      'both ends only saw the other go',
      report({ ...met, code: 1, stderr: 'Broken pipe' }),
      report({ code: 1, stderr: 'cannot receive: incomplete stream' }),
      'CONNECTION_LOST',
    ],
    [
      'the receiver itself',
      report({ ...met, code: 141 }),
      report({ code: 1, stderr: 'cannot receive: out of space' }),
      null,
    ],
    [
      'the sender itself',
      report({ ...met, code: 1, stderr: "cannot open 'x'" }),
      report({ code: 1, stderr: 'cannot receive: incomplete stream' }),
      null,
    ],
    ['a carrier that says nothing, with both ends content', report({}), report({}), 'CONNECTION_LOST'],
  ];
  for (const [what, source, target, code, silentFor] of cases) {
    it(`${what}: ${code ?? 'theirs to tell'}`, () => assert.equal(judge(source, target, silentFor), code));
  }
});
