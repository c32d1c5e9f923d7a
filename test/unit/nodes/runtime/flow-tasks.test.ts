// Which tasks a flow file deploys: tabs, subflows in subflows, what is disabled.
import assert from 'node:assert/strict';
import { tasksOf, type StoredNode } from '../../../../nodes/runtime/flow-tasks';

const tab = (id: string, more: object = {}): StoredNode => ({ id, type: 'tab', label: `tab ${id}`, ...more });
const task = (id: string, z: string, more: object = {}): StoredNode => ({ id, type: 'zfs-snapshot', z, ...more });
const subflow = (id: string, name = ''): StoredNode => ({ id, type: 'subflow', name });
const instance = (id: string, of: string, z: string, more: object = {}): StoredNode => ({
  id,
  type: `subflow:${of}`,
  z,
  ...more,
});

const shown = (nodes: StoredNode[]): [string, string, boolean][] =>
  [...tasksOf(nodes).values()].map(({ id, path, disabled }) => [
    id,
    path.map(({ label }) => label).join(' › '),
    disabled,
  ]);

describe('the tasks of a flow file', () => {
  it('are the action nodes on tabs, and nothing else', () => {
    const other = { id: 'x', type: 'inject', z: 't' };
    const connection = { id: 'c', type: 'zfs-ssh-connection' };
    const lost = task('lost', 'nowhere');
    assert.deepEqual(shown([tab('t'), task('a', 't'), other, connection, lost]), [['a', 'tab t', false]]);
  });

  it('in a subflow are as many as there are instances, however deep', () => {
    const nodes = [
      tab('t'),
      subflow('outer', 'Outer'),
      subflow('inner'),
      task('n', 'inner'),
      task('m', 'outer'),
      instance('i1', 'outer', 't', { name: 'first' }),
      instance('i2', 'outer', 't'),
      instance('deep', 'inner', 'outer'),
    ];
    assert.deepEqual(shown(nodes), [
      ['i1-m', 'tab t › first', false],
      ['i1-deep-n', 'tab t › first › inner', false],
      ['i2-m', 'tab t › Outer', false],
      ['i2-deep-n', 'tab t › Outer › inner', false],
    ]);
    assert.deepEqual(tasksOf(nodes).get('i1-deep-n')?.path.map(({ id }) => id), ['t', 'i1', 'i1-deep']); // prettier-ignore
  });

  it('are disabled with their tab, their instance or by themselves', () => {
    const nodes = [
      tab('t'),
      tab('off', { disabled: true }),
      subflow('s'),
      task('n', 's'),
      task('d', 's', { d: true }),
      task('a', 'off'),
      instance('i', 's', 't'),
      instance('j', 's', 't', { d: true }),
      instance('k', 's', 'off'),
    ];
    const disabled = Object.fromEntries(shown(nodes).map(([id, , off]) => [id, off]));
    assert.deepEqual(disabled, { 'i-n': false, 'i-d': true, 'j-n': true, 'j-d': true, a: true, 'k-n': true, 'k-d': true }); // prettier-ignore
  });

  it('survive a subflow that is not there, and one that holds itself', () => {
    const nodes = [
      tab('t'),
      subflow('s'),
      instance('gone', 'nobody', 't'),
      instance('i', 's', 't'),
      instance('x', 's', 's'),
    ];
    assert.deepEqual(shown(nodes), []);
  });
});
