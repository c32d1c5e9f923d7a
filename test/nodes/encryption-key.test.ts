// The key of zfs-replicate on a real Node-RED: it comes from the node's credentials, is checked for each run, and is in
// nothing that leaves the node.
import assert from 'node:assert/strict';
import { closedPort, FlowBench, flowWith, PRIVATE_KEY, sshConnection, type FlowNode } from '../support/flow-bench';

const bench = new FlowBench();
const HEX = '5ec2e7'.padEnd(64, '0');

describe('the encryption key of a replicate node', () => {
  before(() => bench.open());
  afterEach(() => bench.stop());
  after(() => bench.close());

  async function failWith(encryptionKey: string | undefined): Promise<Record<string, unknown>> {
    const node: FlowNode = {
      id: 'n',
      type: 'zfs-replicate',
      sourceConnection: 'ssh',
      sourceDatasets: ['tank/a'],
      targetConnection: 'ssh',
      targetDataset: 'backup/a',
      encryption: 'key',
      logLevel: 'debug',
      retries: 0,
    };
    const secrets = encryptionKey === undefined ? {} : { n: { encryptionKey } };
    await bench.start(flowWith(node, sshConnection(await closedPort())), {
      ssh: { privateKey: PRIVATE_KEY },
      ...secrets,
    });
    bench.send('n', { payload: 'go' });
    const failed = await bench.first('n', 'error');
    const said = JSON.stringify([
      failed,
      bench.at('n', 'log'),
      await bench.first('n', 'catch'),
      bench.at('n', 'status'),
    ]);
    assert.equal(said.includes(HEX), false, said);
    return failed['error'] as Record<string, unknown>;
  }

  for (const [what, key] of [
    ['missed when nobody entered it', undefined],
    ['refused when ZFS would not take it', 'abc'],
  ] as const) {
    it(`is ${what}`, async () => {
      const { code, field } = await failWith(key);
      assert.deepEqual([code, field], ['INVALID_OPTIONS', 'encryptionKey']);
    });
  }

  it('reaches the run, and nobody else [C1 73]', async () => {
    const { code } = await failWith(HEX);
    assert.equal(code, 'CONNECTION_REFUSED');
  });
});
