// How `npm start` wires the examples to its machines: connections and broker replaced, ids unique, nothing lost.
import assert from 'node:assert/strict';
import { connectionNode, demoFlows, starters, type FlowNode } from '../../../../scripts/demo/flows';

const login = { host: '127.0.0.1', port: 4711, username: 'root', privateKey: 'KEY', hostKeys: 'ssh-ed25519 AAAA' };
const connections = [connectionNode('nas1', login), connectionNode('nas2', { ...login, port: 4712 })];
const broker = { host: '127.0.0.1', port: 1999 };

const example: FlowNode[] = [
  { id: 'tab1', type: 'tab', label: 'Replicate' },
  { id: 'zfs-example-nas1', type: 'zfs-ssh-connection', host: 'nas1.example' },
  { id: 'zfs-example-nas2-b', type: 'zfs-ssh-connection', host: 'nas2.example' },
  { id: 'broker', type: 'mqtt-broker', broker: 'mqtt.example', port: '1883' },
  { id: 'go', type: 'inject', z: 'tab1', name: 'press me', x: 1, y: 1, wires: [['job']] },
  { id: 'hook', type: 'http in', z: 'tab1', method: 'post', url: '/hook', x: 1, y: 1, wires: [['job']] },
  { id: 'mqtt', type: 'mqtt in', z: 'tab1', broker: 'broker', topic: 'zfs/do', x: 1, y: 1, wires: [['job'], []] },
  {
    id: 'job',
    type: 'zfs-replicate',
    z: 'tab1',
    x: 1,
    y: 1,
    wires: [[], [], []],
    sourceConnection: 'zfs-example-nas1',
    targetConnection: 'zfs-example-nas2-b',
    sourceDatasets: ['tank/data'],
    protectFor: [{ connection: 'zfs-example-nas2-b', dataset: 'backup' }],
  },
];

describe('demo flows', () => {
  const flows = demoFlows([{ name: 'a', nodes: example }], connections, broker);
  const only = (type: string): FlowNode => {
    const [node, ...more] = flows.filter((candidate) => candidate.type === type);
    assert.ok(node !== undefined && more.length === 0, `one ${type}`);
    return node;
  };

  it('replaces the connections of the examples by the machines, wherever they are named', () => {
    assert.deepEqual(
      flows.filter((node) => node.type === 'zfs-ssh-connection'),
      connections,
    );
    const job = only('zfs-replicate');
    assert.equal(job['sourceConnection'], connections[0]?.id);
    assert.equal(job['targetConnection'], connections[1]?.id);
    assert.deepEqual(job['protectFor'], [{ connection: connections[1]?.id, dataset: 'backup' }]);
    assert.doesNotMatch(JSON.stringify(flows), /zfs-example/);
  });

  it('gives the machine’s address, pinned host key and credentials to its connection', () => {
    const connection = connections[1];
    assert.deepEqual(
      ['host', 'port', 'username', 'hostKeys', 'authMethod', 'credentials'].map((property) => connection?.[property]),
      ['127.0.0.1', 4712, 'root', 'ssh-ed25519 AAAA', 'privateKey', { privateKey: 'KEY' }],
    );
  });

  it('points MQTT at the broker on loopback and keeps all wires', () => {
    const { broker: address, port } = only('mqtt-broker');
    assert.deepEqual([address, port], ['127.0.0.1', '1999']);
    assert.equal(only('mqtt in')['broker'], only('mqtt-broker').id);
    assert.deepEqual(only('mqtt in')['wires'], [[only('zfs-replicate').id], []]);
    assert.equal(only('inject').z, only('tab').id);
  });

  it('points flows that ask the admin server at this one', () => {
    const env = [{ name: 'ADMIN_URL', type: 'str', value: 'http://127.0.0.1:1880' }];
    const asking: FlowNode[] = [{ id: 'tab1', type: 'tab', label: 'Ask', env }];
    const [tab] = demoFlows([{ name: 'a', nodes: asking }], [], broker, 'http://127.0.0.1:4000');
    assert.deepEqual(tab?.['env'], [{ name: 'ADMIN_URL', type: 'str', value: 'http://127.0.0.1:4000' }]);
  });

  it('keeps two examples with the same ids apart, and makes a tab where an example has none', () => {
    const loose = example.filter(({ type }) => type !== 'tab').map(({ z: _z, ...node }) => node as FlowNode);
    const both = demoFlows([{ name: 'a', nodes: example }, { name: 'b', nodes: loose }], connections, broker); // prettier-ignore
    assert.equal(new Set(both.map(({ id }) => id)).size, both.length);
    const tabs = both.filter(({ type }) => type === 'tab');
    assert.deepEqual(
      tabs.map((tab) => tab['label']),
      ['Replicate', 'b'],
    );
    for (const node of both) if (node['x'] !== undefined) assert.ok(tabs.some(({ id }) => id === node.z));
  });

  it('says what can be pressed, called and published to', () => {
    assert.deepEqual(starters(flows), [
      {
        tab: 'Replicate',
        buttons: ['press me'],
        webhooks: [{ method: 'post', url: '/hook' }],
        topics: ['zfs/do'],
      },
    ]);
  });
});
