// What is believed of a machine that was asked a moment ago.
import assert from 'node:assert/strict';
import { parseFacts, stillHolds, updateFacts } from '../../../src/host/facts';
import type { CommandResult } from '../../../src/host/host';

const answer = (lines: readonly string[], code = 0): CommandResult => {
  return { code, signal: null, stdout: lines.map((line) => `${line}\n`).join(''), stderr: '' };
};
const machine = [
  'machine.bootId\t1234-abcd',
  'machine.hostId\t 01 02 03 04',
  'kernel\t2.4.4',
  'platform\tLinux',
  'hostname\ta',
  'uid\t0',
  'zfs\t2.4.4',
  'aes\t1',
];
const changing = ['program\tzfs', 'program\tmbuffer', 'pool\ttank\t123\tONLINE'];
const known = parseFacts(answer([...machine, ...changing]), false, 'a');

describe('facts of a machine', () => {
  it('have the pools and programs of the last answer, and the rest as it was', () => {
    const now = answer(['program\tzfs', 'pool\ttank\t123\tDEGRADED', 'pool\tnew\t18446744073709551615\tONLINE']);
    assert.deepEqual(updateFacts(known, now, true), {
      ...known,
      noisyShell: true,
      programs: new Set(['zfs']),
      pools: [
        { name: 'tank', guid: '123', health: 'DEGRADED' },
        { name: 'new', guid: '18446744073709551615', health: 'ONLINE' },
      ],
    });
  });

  it('have the clock, and what the pools tell beside their health, where that is told', () => {
    const told = answer(['program\tzfs', 'clock\t1795678302', 'pool\ttank\t123\tONLINE\t456\tactive']);
    const facts = updateFacts(known, told, false);
    assert.equal(facts?.clock, 1795678302);
    assert.deepEqual(facts.pools, [{ name: 'tank', guid: '123', health: 'ONLINE', loadGuid: '456', keepsNotes: true }]);
    const disabled = answer(['program\tzfs', 'pool\ttank\t123\tONLINE\t456\tdisabled']);
    assert.equal(updateFacts(facts, disabled, false)?.pools[0]?.keepsNotes, false);
    // An old time is none.
    assert.equal('clock' in (updateFacts(facts, disabled, false) ?? { clock: 0 }), false);
  });

  it('say what tells this machine from others, and nothing where it cannot be read', () => {
    const { bootId, hostId, ...rest } = known.machine;
    assert.deepEqual([bootId, hostId], ['1234-abcd', ' 01 02 03 04']);
    assert.deepEqual(new Set(Object.values(rest)), new Set(['']));
    assert.equal(updateFacts(known, answer(changing), false)?.machine, known.machine);
  });

  it('are asked for anew when the answer is none, or ZFS is not there any more', () => {
    assert.equal(updateFacts(known, answer([]), false), null);
    assert.equal(updateFacts(known, answer(changing, 1), false), null);
    assert.equal(updateFacts(known, answer(['program\tmbuffer', 'pool\ttank\t123\tONLINE']), false), null);
  });

  it('are believed for minutes, those of a machine without ZFS never', () => {
    const minutes = (count: number): number => performance.now() - count * 60_000;
    assert.equal(stillHolds(undefined), false);
    assert.equal(stillHolds({ facts: known, asked: minutes(9) }), true);
    assert.equal(stillHolds({ facts: known, asked: minutes(11) }), false);
    assert.equal(stillHolds({ facts: { ...known, zfsVersion: '' }, asked: minutes(0) }), false);
  });
});
