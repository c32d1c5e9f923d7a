// The sidebar tab and the flows: ways from a task to its node, what is not deployed, the button on a node, and the page when it
// is loaded anew.
import assert from 'node:assert/strict';
import { describeSidebar } from './sidebar-bench';
import { INNER } from './task-flows';

describeSidebar('the sidebar tab and the flows', (bench) => {
  it('leads to the node in its flow, and to its dialog', async () => {
    const { editor, sidebar } = bench;
    await editor.ask(`RED.workspaces.show('sub')`);
    await sidebar.choose('fails', 'reveal');
    await sidebar.page.waitForFunction(`RED.workspaces.active() === 'tab'`);
    await editor.ask(`RED.workspaces.show('sub')`);
    await sidebar.choose(INNER, 'reveal');
    await sidebar.page.waitForFunction(`RED.workspaces.active() === 'tab'`);
    await sidebar.choose(INNER, 'edit');
    await editor.form.waitFor();
    assert.equal(await sidebar.page.locator('#node-input-name').inputValue(), 'Inner');
    assert.equal(await editor.ask(`RED.workspaces.active()`), 'sub');
    assert.deepEqual(await sidebar.actions('fails'), ['run', 'pause'], 'a dialog is open');
    await editor.cancel();
    assert.deepEqual(await sidebar.actions('fails'), ['run', 'pause', 'reveal', 'edit']);
  });

  it('shows what is not deployed, and what runs with other settings than the editor shows', async () => {
    const { editor, sidebar } = bench;
    await editor.ask(`RED.nodes.add({ id: 'fresh', type: 'zfs-snapshot', z: 'tab', x: 260, y: 480, wires: [[], [], []],
        changed: true, _def: RED.nodes.getType('zfs-snapshot'), name: 'Fresh', datasets: ['tank/fresh'], connection: 'to-closed',
        version: 1 }); RED.nodes.dirty(true)`);
    const fresh = sidebar.row('fresh', 'undeployed');
    await fresh.getByText('closed:tank/fresh').waitFor();
    assert.match(await fresh.innerText(), /not deployed/);
    assert.deepEqual(await sidebar.actions('fresh'), ['reveal', 'edit']);
    await sidebar.openLog('fresh');
    await editor.ask(
      `(() => { const n = RED.nodes.node('later'); n.changed = true; RED.events.emit('nodes:change', n); })()`,
    );
    await sidebar.row('later').getByText('runs with the deployed settings').waitFor();
    await editor.ask(`RED.nodes.remove('soon'); RED.nodes.dirty(true)`);
    await sidebar.row('soon').getByText('until the next deploy').waitFor();
    await editor.deploy();
    await sidebar.row('fresh', 'idle').waitFor();
    await sidebar.row('soon').waitFor({ state: 'detached' });
    assert.doesNotMatch(await sidebar.row('later').innerText(), /deployed settings/);
    assert.ok(await sidebar.row('fresh').locator('[data-zfs-log="fresh"] [role="log"]').isVisible(), 'its log goes on');
  });

  it('is restored with the page, and its code is loaded only when it is shown', async () => {
    const { sidebar } = bench;
    const asked: string[] = [];
    const { page } = sidebar;
    page.on('request', (request) => asked.push(request.url()));
    await page.reload();
    await sidebar.row('fails').waitFor();
    assert.equal(asked.filter((url) => url.includes('sidebar.js')).length, 1);
    const other = await bench.another((fresh) =>
      Promise.resolve(fresh.on('request', (request) => asked.push(request.url()))),
    );
    asked.length = 0;
    await other.ask(`RED.sidebar.show('info')`);
    await other.page.close();
    assert.deepEqual(
      asked.filter((url) => url.includes('sidebar.js') || url.includes('/tasks')),
      [],
    );
    assert.equal((await page.locator('#menu-item-view-menu-zfs-tasks, [id*="zfs-tasks"]').count()) > 0, true);
  });

  it('starts a node that has a schedule by a button on it, unless that destroys something', async () => {
    const { editor, sidebar } = bench;
    const shown = async (id: string): Promise<boolean> => {
      const group = editor.node(id).locator('.red-ui-flow-node-button').first();
      return (await group.count()) > 0 && group.isVisible();
    };
    await sidebar.page.waitForFunction(() => document.querySelector('[id="soon"] .red-ui-flow-node-button') !== null);
    assert.deepEqual(await Promise.all(['soon', 'later', 'fails', 'prune', 'hangs', 'off'].map(shown)), [
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    await editor.node('soon').locator('.red-ui-flow-node-button-button').click();
    await sidebar.page.locator('.red-ui-notification', { hasText: 'Hourly: started' }).waitFor();
    await sidebar.row('soon', 'failed').waitFor();
    await editor.ask(
      `(() => { const n = RED.nodes.node('later'); n.changed = true; n.dirty = true; RED.view.redraw(); })()`,
    );
    await editor.ask(`RED.view.clickNodeButton(RED.nodes.node('later'))`);
    await sidebar.page.locator('.red-ui-notification', { hasText: 'deploy it first' }).waitFor();
    assert.equal(await sidebar.row('later').getAttribute('data-zfs-state'), 'idle');
  });
});
