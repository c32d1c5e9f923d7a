// Which netcat a program is, and whether it can be used.
import assert from 'node:assert/strict';
import { netcatOf } from '../../../src/host/transport-facts';
import { plainCarrier } from '../../../src/host/shell/carrier-commands';

describe('netcats', () => {
  it('are told by their help, and unknown ones are not used', () => {
    assert.deepEqual(netcatOf('nc', 'OpenBSD netcat (Debian patchlevel 1.219-1) usage: nc [-46CDdFhklNnrStUuvZz]'), {
      flavour: 'openbsd',
      command: ['nc'],
      ends: true,
    });
    assert.equal(netcatOf('nc', 'usage: nc [-46DdEFhklMNnOorStUuvz] [-e policy]')?.ends, true);
    // FreeBSD's before 2013, and Debian's of the time: it would never end.
    assert.equal(netcatOf('nc', 'usage: nc [-46DdEhklnorStUuvz] [-e policy]')?.ends, false);
    assert.equal(netcatOf('nc', '[v1.10-47] connect to somewhere: nc [-options]')?.flavour, 'traditional');
    assert.equal(netcatOf('ncat', 'Ncat 7.93 ( https://nmap.org/ncat )')?.flavour, 'ncat');
    assert.deepEqual(netcatOf('busybox nc', 'BusyBox v1.36.1 Usage: nc [-iN] [-wN] [-l] [-p PORT]')?.command, [
      'busybox',
      'nc',
    ]);
    assert.equal(netcatOf('nc', 'BusyBox v1.36.1 Usage: nc IPADDR PORT'), undefined);
    assert.equal(netcatOf('nc', 'GNU netcat 0.7.1, a rewrite'), undefined);
  });

  it('one that cannot end a stream does not send', () => {
    const old = { flavour: 'openbsd', command: ['nc'], ends: false } as const;
    const has = { programs: new Set<string>(), netcats: [old] };
    assert.equal(plainCarrier({ direction: 'send', listens: false }, has), undefined);
    assert.equal(plainCarrier({ direction: 'receive', listens: true }, has)?.kind, 'copy');
  });
});
