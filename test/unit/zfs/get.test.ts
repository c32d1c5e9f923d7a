// What counts as an answer of `zfs get` and `zfs userspace`, and what does not, without any ZFS.
import assert from 'node:assert/strict';
import type { CommandResult, Host } from '../../../src/host/host';
import { ZfsFlowError } from '../../../src/base/errors';
import { getEach, getProperties, getProperty, getPropertyOfEach } from '../../../src/zfs/get';
import { countObjects } from '../../../src/zfs/usage';

type Answer = Partial<CommandResult>;

/** A host whose commands answer one after the other. */
function answering(...answers: Answer[]): Host {
  const next = (): CommandResult => ({ code: 0, signal: null, stdout: '', stderr: '', ...answers.shift() });
  const run = async (): Promise<CommandResult> => next();
  const runAll = async (argvs: readonly unknown[]): Promise<CommandResult[]> => argvs.map(next);
  return { label: 'nas', run, runAll } as unknown as Host;
}

const GONE = "cannot open 'tank/b': dataset does not exist\n";
const REQUEST = { of: ['tank/a', 'tank/b'], properties: ['written'] };
const A = { name: 'tank/a', property: 'written', value: '5' };
const A_LINE = 'tank/a\twritten\t5\n';

describe('zfs get', () => {
  it('has an error for each exit code but 0, and lets be missing only what may be', async () => {
    const gone = { code: 1, stdout: A_LINE, stderr: GONE };
    await assert.rejects(getProperties(answering(gone), REQUEST), { code: 'DATASET_NOT_FOUND', host: 'nas' });
    assert.deepEqual(await getProperties(answering(gone), REQUEST, { missingOk: true }), [A]);
    for (const stderr of ['', `${GONE}internal error\n`]) {
      const failed = { code: 1, stdout: A_LINE, stderr };
      await assert.rejects(getProperties(answering(failed), REQUEST, { missingOk: true }), ZfsFlowError);
    }
  });

  it('has no value of a property from silence, a signal or half a line', async () => {
    for (const answer of [{}, { code: null, signal: 'KILL' }, { stdout: 'tank/a\twri' }]) {
      await assert.rejects(getProperty(answering(answer), 'tank/a', 'written'), { code: 'ZFS_ERROR' });
      await assert.rejects(getPropertyOfEach(answering(answer), ['tank/a'], 'written'), { code: 'ZFS_ERROR' });
    }
  });

  it('keeps the answers of several questions apart', async () => {
    const host = answering({ stdout: A_LINE }, { code: 2, stderr: 'internal error' }, { stdout: 'noise\n' });
    const [good, ...bad] = await getEach(host, [REQUEST, REQUEST, REQUEST]);
    assert.deepEqual(good, [A]);
    assert.deepEqual(
      bad.map((error) => error instanceof ZfsFlowError && [error.code, error.exitCode]),
      [
        ['ZFS_ERROR', 2],
        ['ZFS_ERROR', undefined],
      ],
    );
  });
});

describe('zfs userspace', () => {
  it('counts objects, and has no number where any line is none', async () => {
    const counts = [{ stdout: '1\n' }, { stdout: '3\n4\n' }, {}, { stdout: '1\n-\n' }, { code: 1, stdout: '1\n' }];
    const datasets = counts.map((_, index) => `tank/${index}`);
    assert.deepEqual(await countObjects(answering(...counts), datasets), [1, 7, null, null, null]);
  });
});
