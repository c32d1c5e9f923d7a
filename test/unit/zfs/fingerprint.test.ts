// Whether what ZFS notes about snapshots can be relied on, by what the machine says of itself.
import assert from 'node:assert/strict';
import { hasNotes, notesOf } from '../../../src/zfs/fingerprint';

const tank = { name: 'tank', guid: '1', health: 'ONLINE', loadGuid: '7', keepsNotes: true };
const home = { name: 'home', guid: '2', health: 'ONLINE', loadGuid: '8', keepsNotes: true };
const facts = { zfsVersion: '2.2.0-1', zfsKernelVersion: '2.4.4-1~bpo13+1', pools: [tank, home] };

describe('notes of changed snapshots', () => {
  it('came with OpenZFS 2.2, the kernel as well as the commands', () => {
    assert.equal(hasNotes(facts), true);
    assert.equal(hasNotes({ zfsVersion: '3.0.0', zfsKernelVersion: '2.10.1' }), true);
    for (const old of ['2.1.15-pve1', '0.8.6', '', '1.9']) {
      assert.equal(hasNotes({ ...facts, zfsVersion: old }), false, old);
      assert.equal(hasNotes({ ...facts, zfsKernelVersion: old }), false, old);
    }
  });

  it('hold good until a pool is imported anew, of the pools that are meant', () => {
    const before = notesOf(facts, ['tank/a', 'tank/b@x']);
    assert.equal(notesOf({ ...facts, pools: [tank, { ...home, loadGuid: '9' }] }, ['tank/a']), before);
    assert.notEqual(notesOf({ ...facts, pools: [{ ...tank, loadGuid: '9' }, home] }, ['tank/a']), before);
    assert.notEqual(notesOf({ ...facts, pools: [{ ...tank, guid: '9' }, home] }, ['tank/a']), before);
    assert.notEqual(notesOf(facts, ['tank/a', 'home']), before);
  });

  it('are none where one of the pools is not there, does not keep them, or does not tell', () => {
    assert.equal(notesOf(facts, ['tank', 'other']), null);
    assert.equal(notesOf({ ...facts, pools: [{ ...tank, keepsNotes: false }] }, ['tank']), null);
    assert.equal(notesOf({ ...facts, pools: [{ name: 'tank', guid: '1', health: 'ONLINE' }] }, ['tank']), null);
    assert.equal(notesOf({ ...facts, zfsVersion: '2.1.11' }, ['tank']), null);
  });
});
