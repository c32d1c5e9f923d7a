// The preview of a target's retention asks two machines; what cannot be had must not leave anything running that fails later.
import assert from 'node:assert/strict';
import { invalidOption } from '../../../../src/base/errors';
import type { RunContext } from '../../../../src/base/run-context';
import type { Host } from '../../../../src/host/host';
import { planTargetRetention } from '../../../../src/replication/retention/preview';
import { parseReplicateOptions } from '../../../../src/replication/setup/check-options';

describe('the preview of a target retention', () => {
  it('asks no machine when the other one is not known', async () => {
    let asked = 0;
    const answer = (): Promise<never> => {
      asked++;
      return Promise.reject(new Error('asked all the same'));
    };
    const source = { label: 'here', run: answer, runAll: answer } as unknown as Host;
    const hosts = (id: string): Host => {
      if (id === '') return source;
      throw invalidOption('targetConnection', 'there is no such connection');
    };
    const options = parseReplicateOptions({
      sourceDatasets: ['tank/data'],
      targetConnection: 'gone',
      targetDataset: 'backup/data',
      targetRetention: 'source',
    });
    const ctx = { signal: new AbortController().signal } as RunContext;
    await assert.rejects(planTargetRetention(options, hosts, ctx), { field: 'targetConnection' });
    assert.equal(asked, 0);
  });
});
