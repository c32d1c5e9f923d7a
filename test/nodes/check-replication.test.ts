// What the wizard's "Check now" is answered before any machine was asked: what is wrong with the question, and what becomes of
// one that nobody waits for. What machines say: test/zfs/wizard.
import assert from 'node:assert/strict';
import { checkReplication } from '../../nodes/admin/check-replication';
import { toZfsFlowError } from '../../src/base/errors';
import { checkQuestion } from '../../src/wizard/question';
import { BlackHole, closedPort, FlowBench, helper, PRIVATE_KEY, sshConnection } from '../support/flow-bench';
import { answers } from '../unit/wizard/setting';

const bench = new FlowBench();

describe('the check of a replication', () => {
  let hole: BlackHole;
  let port: number;

  before(() => bench.open());
  beforeEach(async () => {
    hole = await new BlackHole().open();
    port = await closedPort();
    const silent = sshConnection(hole.port, { id: 'silent', connectTimeout: 60 });
    const key = { privateKey: PRIVATE_KEY };
    await bench.start([sshConnection(port), silent], { ssh: key, silent: key });
  });
  afterEach(async () => {
    await bench.stop();
    await hole.close();
  });
  after(() => bench.close());

  async function ask(question: object): Promise<Record<string, unknown>> {
    const response = await helper.request().post('/zfs-flows/check-replication').send(question).expect(200);
    return response.body as Record<string, unknown>;
  }
  const asked = (...given: Parameters<typeof answers>): Record<string, unknown> => checkQuestion(answers(...given));

  it('names the property that is wrong', async () => {
    for (const [question, field] of [
      [asked({ targetDataset: '' }), 'targetDataset'],
      [asked({ sourceConnection: 'gone' }), 'sourceConnection'],
      [asked({ encryption: 'key' }), 'encryptionKey'],
      [asked({ encryption: 'key', encryptionKey: 'secret-secret' }), 'encryptionKey'],
      [{ ...asked(), sourceDatasets: 'payload', sourceDatasetsType: 'msg' }, 'sourceDatasets'],
      [{ ...asked(), snapshot: { datasets: ['tank/data'], namingSchema: 'daily' } }, 'namingSchema'],
      [{ ...asked(), snapshot: 'yes' }, 'snapshot'],
      [{ ...asked(), snapshotSelection: 'schema', namingSchemas: ['x-%s'] }, 'namingSchemas'],
      [{ ...asked(), connections: [] }, 'connections'],
    ] as const) {
      const answer = await ask(question);
      assert.deepEqual([answer['ok'], answer['code'], answer['field']], [false, 'INVALID_OPTIONS', field], field);
      assert.doesNotMatch(JSON.stringify(answer), /secret-secret/);
    }
  });

  it('says at once that a machine does not answer', async () => {
    const began = Date.now();
    const answer = await ask(asked({ sourceConnection: 'ssh', targetConnection: 'ssh' }));
    assert.deepEqual([answer['ok'], answer['code']], [false, 'CONNECTION_REFUSED']);
    assert.ok(Date.now() - began < 5_000, 'one try');
    const { id: _id, type: _type, ...values } = sshConnection(port);
    const ends = asked({ sourceConnection: 'new', targetConnection: 'new' });
    const draft = await ask({ ...ends, connections: { new: { ...values, credentials: { privateKey: PRIVATE_KEY } } } });
    assert.equal(draft['code'], 'CONNECTION_REFUSED');
  });

  it('ends when nobody waits for it any more', async () => {
    const question = asked({ sourceConnection: 'silent', targetConnection: 'silent' });
    const gone = new AbortController();
    const asking = checkReplication(bench.RED, question, gone.signal);
    await bench.until('a connection', () => hole.connections > 0);
    const began = Date.now();
    gone.abort();
    await assert.rejects(asking, (thrown) => toZfsFlowError(thrown).code === 'CANCELLED');
    assert.ok(Date.now() - began < 5_000);
  });
});
