// Resume tokens come from another machine: what one tells is believed only where it cannot be told in two ways.
import assert from 'node:assert/strict';
import type { CommandResult, Host } from '../../../src/host/host';
import { decodeTokens, type TokenContents } from '../../../src/zfs/send';

const HEAD = 'resume token contents:\nnvlist version: 0\n';
const GOOD = `${HEAD}\tobject = 0x2\n\toffset = 0x0\n\tbytes = 0x10\n\ttoguid = 0xff\n\ttoname = tank/a@s 1\n\trawok = 1\n`;

async function told(stdout: string): Promise<TokenContents | null | undefined> {
  const results: CommandResult[] = [{ code: 0, signal: null, stdout, stderr: '' }];
  const host = { label: 'nas', runAll: async () => Promise.resolve(results) } as unknown as Host;
  return (await decodeTokens(host, ['1-a-b']))[0];
}

describe('resume tokens', () => {
  it('are read', async () => {
    const token = await told(GOOD);
    assert.deepEqual([token?.toName, token?.toGuid, token?.bytes, token?.raw], ['tank/a@s 1', '255', 16, true]);
  });

  it('that tell a thing twice, by a value that reads like another line, tell nothing [B16]', async () => {
    for (const line of ['toguid = 0x1', 'toname = tank/a@s', 'fromguid = 0x1', 'rawok = 1', 'bytes = 0x0']) {
      assert.equal(await told(`${HEAD}\tx = y\n\t${line}\n${GOOD.slice(HEAD.length)}\t${line}\n`), null, line);
    }
  });
});
