// The status below a node: at most one change per interval, and nothing twice.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeStatus } from 'node-red';
import { StatusLine } from '../../../../nodes/runtime/status-line';

describe('the status line', () => {
  it('shows the first at once, then at most one per interval, the latest, and nothing twice', async () => {
    const shown: (string | undefined)[] = [];
    const line = new StatusLine((status) => shown.push(status.text), 60);
    for (const text of ['a', 'b', 'c']) line.set({ text });
    assert.deepEqual(shown, ['a']);
    await delay(90);
    assert.deepEqual(shown, ['a', 'c']);
    line.set({ text: 'd' });
    line.set({ text: 'c' });
    await delay(90);
    assert.deepEqual(shown, ['a', 'c']);
    line.set({ text: 'e' });
    line.set({ text: 'f' });
    line.close();
    line.set({ text: 'g' });
    await delay(90);
    assert.deepEqual(shown, ['a', 'c', 'e']);
  });

  it('clears what a former instance left, unless a run was shown meanwhile', async () => {
    const shown: NodeStatus[] = [];
    const idle = new StatusLine((status) => shown.push(status), 30);
    idle.begin({});
    await delay(60);
    assert.deepEqual(shown, [{}]);
    const busy = new StatusLine((status) => shown.push(status), 30);
    busy.begin({});
    busy.set({ text: 'running' });
    await delay(90);
    assert.deepEqual(shown, [{}, { text: 'running' }]);
  });
});
