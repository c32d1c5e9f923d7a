// Lines of a look at datasets: what cannot be read is never taken for something else.
import assert from 'node:assert/strict';
import type { Host } from '../../../src/host/host';
import { lookArgv, parseLook } from '../../../src/zfs/list-parts';

const host = { label: 'nas1' } as Host;
const columns = (lookArgv({ roots: ['tank'], recursive: true }, { bookmarks: true, own: true }).at(-2) ?? '').split(
  ',',
);

/** A line with these values in the place of dashes. */
function line(values: Record<string, string>): string {
  return columns.map((name) => values[name] ?? '-').join('\t');
}

const dataset = { name: 'tank/a', type: 'filesystem', guid: '17', createtxg: '5', snapshots_changed: '1700000000' };

describe('lines of a look at datasets', () => {
  it('tell a dataset, and that nobody has set a property of ours on it or above it', () => {
    const found = parseLook(line(dataset), true, host);
    assert.ok('dataset' in found);
    const { name, guid, snapshotsChanged } = found.dataset;
    assert.deepEqual([name, guid, snapshotsChanged, found.isPlain], ['tank/a', '17', '1700000000', true]);
  });

  it('tell its newest snapshot, and not the one that a clone comes from', () => {
    const newest = (prevsnap: string): unknown => {
      const found = parseLook(line({ ...dataset, prevsnap }), true, host);
      return 'dataset' in found && found.dataset.newestSnapshot;
    };
    assert.deepEqual([newest('tank/a@new'), newest('tank/b@x'), newest('-')], ['new', '', '']);
  });

  it('tell that one of ours is there, whichever', () => {
    const own = columns.filter((name) => name.startsWith('zfsflow:'));
    assert.equal(own.length, 3);
    for (const property of own) {
      const found = parseLook(line({ ...dataset, [property]: 'on' }), true, host);
      assert.ok('dataset' in found && !found.isPlain, property);
    }
  });

  it('tell a bookmark', () => {
    const found = parseLook(line({ name: 'tank/a#b', guid: '18', createtxg: '4' }), true, host);
    const bookmark = { dataset: 'tank/a', kind: 'bookmark', name: 'b', guid: '18', createtxg: '4' };
    assert.deepEqual(found, { bookmark });
  });

  it('are refused with free text in a property of ours that makes other lines or columns of it', () => {
    for (const property of columns.filter((name) => name.startsWith('zfsflow:'))) {
      for (const text of ['a\tb', '-\n', `-\n${line({ ...dataset, name: 'tank/b' })}`, '-\t-\t-\t7']) {
        const [first = ''] = line({ ...dataset, [property]: text }).split('\n');
        assert.throws(() => parseLook(first, true, host), { code: 'ZFS_ERROR' }, JSON.stringify(text));
      }
    }
  });
});
