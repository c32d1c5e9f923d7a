// Flow JSON out of properties: literal types, defaults, places, wires.
import assert from 'node:assert/strict';
import { FIELDS } from '../../../nodes/fields';
import { flowNode, layRows } from '../../../src/flow/flow';
import { widthOf } from '../../../src/flow/width';

const table = FIELDS['zfs-replicate'];
const node = { id: 'x', type: 'zfs-replicate' };

describe('flow JSON', () => {
  it('without defaults has what differs from them, and the version', () => {
    const values = { sourceDatasets: ['tank/a'], targetDataset: 'msg.target', targetDatasetType: 'msg', retries: 5 };
    assert.deepEqual(flowNode(node, values, { table, defaults: 'omit' }), {
      ...node,
      version: 1,
      sourceDatasets: ['tank/a'],
      targetDataset: 'msg.target',
      targetDatasetType: 'msg',
    });
  });

  it('with defaults has every property, and the literal type beside each that has one', () => {
    const written = flowNode(node, {}, { table, defaults: 'write' });
    for (const [name, field] of Object.entries(table)) {
      assert.deepEqual(written[name], field.default, name);
      assert.equal(written[`${name}Type`], field.typed ? field.type : undefined, name);
    }
  });

  it('shares no list with another node, and takes no property that there is not', () => {
    const exclude = ['tank/a'];
    const written = flowNode(node, { exclude }, { table, defaults: 'omit' });
    assert.deepEqual(written['exclude'], exclude);
    assert.notEqual(written['exclude'], exclude);
    assert.throws(() => flowNode(node, { nonsense: 1 }, { table, defaults: 'omit' }), /no property "nonsense"/);
  });

  it('has rows that do not overlap', () => {
    const placed = (id: string): { node: { id: string; type: string }; wires: string[][] } => ({
      node: { id, type: 't' },
      wires: [['r']],
    });
    const comment = { id: 'c', type: 'comment' };
    const laid = layRows('tab', [
      { comment, left: [placed('a'), placed('b')], right: [placed('r')] },
      { left: [], right: [placed('s')] },
    ]);
    assert.deepEqual(
      laid.map(({ id, x, y, z, wires }) => [id, x, y, z, wires]),
      [
        ['c', 120, 60, 'tab', []],
        ['a', 120, 100, 'tab', [['r']]],
        ['b', 120, 160, 'tab', [['r']]],
        ['r', 460, 100, 'tab', [['r']]],
        ['s', 460, 260, 'tab', [['r']]],
      ],
    );
  });

  it('has nothing left of the tab, and no node over another, however long the names are', () => {
    const name = 'root@vault.example.org:tank/home to backup/attic/home of everybody';
    const named = (id: string): { node: { id: string; type: string; name: string }; wires: string[][] } => ({
      node: { id, type: 't', name },
      wires: [],
    });
    const comment = { id: 'c', type: 'comment', name: `was: ${name}` };
    const laid = layRows('tab', [{ comment, left: [named('a')], right: [named('r')] }]);
    const edges = laid.map((node) => Number(node['x']) - widthOf(String(node['name'])) / 2);
    assert.ok(Math.min(...edges) > 0, edges.join());
    const [, left = 0, right = 0] = edges;
    assert.ok(right - left > widthOf(name), edges.join());
  });
});
