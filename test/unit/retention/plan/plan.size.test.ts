// What a plan of very many snapshots costs, in a process of its own that is given no more memory than the goal allows.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

describe('retention plan: size', function () {
  this.timeout(60_000);

  it('plans 100,000 snapshots with 200 MB, the snapshots themselves among them, and with little processor time', async () => {
    const tsx = path.join(path.dirname(require.resolve('tsx/package.json')), 'dist/cjs/index.cjs');
    const fixture = path.join(__dirname, 'plan.size.fixture.ts');
    const argv = ['--max-old-space-size=200', '--require', tsx, fixture];
    const { stdout } = await promisify(execFile)(process.execPath, argv);
    const { planned, seconds } = JSON.parse(stdout) as { planned: number; seconds: number };
    assert.equal(planned, 100_000);
    // The goal is one second; with other work on the same cores the same plan takes up to twice as long.
    assert.ok(seconds < 2, `${seconds} s of CPU`);
  });
});
