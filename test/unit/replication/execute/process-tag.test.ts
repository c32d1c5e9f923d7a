// Whose transfer a tag names: what may be ended is only what nobody runs any more.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ownerOf, ownTag, processTag } from '../../../../src/replication/execute/process-tag';

const DST = 'abcdef01';

describe('the owner of a tag', () => {
  it('is this process, an earlier one, or somebody else', () => {
    assert.equal(ownerOf(`${ownTag(DST)}.job`, DST), 'left');
    assert.equal(ownerOf(`${processTag(DST)}.old-job`, DST), 'left', 'of a version that gave no process');
    assert.equal(ownerOf(`zfsflow.${DST}.0badc0de.1-2.job`, DST), 'busy', 'of another machine');
    assert.equal(ownerOf(`zfsflow.${DST}9.0badc0de.1-2.job`, DST), 'none', 'of another destination');
  });

  it('is another Node-RED of this machine only while that runs', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' });
    await once(other, 'spawn');
    const { readFile } = await import('node:fs/promises');
    const stat = await readFile(`/proc/${other.pid}/stat`, 'utf8');
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const tag = (started: string | undefined): string => `${processTag(DST)}.${other.pid}-${started}.job`;
    assert.equal(ownerOf(tag(start), DST), 'busy');
    assert.equal(ownerOf(tag(`${Number(start) - 1}`), DST), 'left', 'its number had another process before it');
    other.kill('SIGKILL');
    await once(other, 'exit');
    assert.equal(ownerOf(tag(start), DST), 'left');
  });
});
