// Values that span lines: which lines of `zfs get` belong to the value before them, and which are no answer.
import assert from 'node:assert/strict';
import type { Host } from '../../../src/host/host';
import { getProperties, type GetRequest } from '../../../src/zfs/get';

async function values(stdout: string, request: GetRequest): Promise<string[]> {
  const run = async (): Promise<object> => Promise.resolve({ code: 0, signal: null, stdout, stderr: '' });
  const found = await getProperties({ label: 'nas', run } as unknown as Host, request);
  return found.map(({ property, value }) => `${property}=${value}`);
}

describe('values of zfs get that span lines', () => {
  const all: GetRequest = { of: ['tank/a'], properties: ['all'], sources: ['local'] };

  it('are left whole, with empty lines and tabs in them', async () => {
    const stdout = 'tank/a\tmy:note\tone\n\ntwo\tb\tc\ntank/a\tquota\t5\n';
    assert.deepEqual(await values(stdout, all), ['my:note=one\n\ntwo\tb\tc', 'quota=5']);
    assert.deepEqual(await values('tank/a\tmy:note\tone\n\n', all), ['my:note=one\n']);
    assert.deepEqual(await values('', all), []);
  });

  it('are none where nothing can span lines, or where it cannot be told', async () => {
    for (const [stdout, request] of [
      ['noise\ntank/a\tquota\t5\n', all],
      ['tank/a\tquota\t5\nnoise\n', { of: ['tank/a'], properties: ['quota'] }],
      ['tank/a\tmy:note\tone\ntwo\n', { of: ['tank'], properties: ['my:note'], depth: 1 }],
    ] as const) {
      await assert.rejects(values(stdout, request), /cannot be read/);
    }
  });
});
