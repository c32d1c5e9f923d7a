// The sidebar tab against the real endpoints, in real editors: every row of the contract's attributes (design/face.md §3), as a
// person uses it. Tasks here fail or hang; what progress and hundreds of tasks look like is sidebar-load.test.ts, what concerns
// the flows sidebar-flows.test.ts.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Locator } from 'playwright-core';
import { describeSidebar } from './sidebar-bench';
import { INNER } from './task-flows';

describeSidebar('the sidebar tab', (bench) => {
  const isFocused = (locator: Locator): Promise<boolean> =>
    locator.evaluate((element) => element === document.activeElement);

  it('lists every task in order: what is wrong first, then what runs, then by the next run', async () => {
    const { sidebar } = bench;
    await sidebar.choose('fails', 'run');
    await sidebar.row('fails', 'failed').waitFor();
    await sidebar.choose('hangs', 'run');
    await sidebar.row('hangs', 'running').waitFor();
    assert.deepEqual(await sidebar.ids(), ['fails', 'hangs', 'soon', 'prune', 'later', INNER, 'off']);
    assert.equal(await sidebar.attention.textContent(), '1 of 7 needs attention');
    const text = await sidebar.row('fails').innerText();
    assert.match(text, /Mail/);
    assert.match(text, /closed:tank\/mail …/);
    assert.match(text, /last just now/);
    assert.match(text, /refused/);
    const running = await sidebar.row('hangs').innerText();
    assert.match(running, /silent:tank\/data → local:backup\/data/);
    assert.match(await sidebar.row('soon').innerText(), /not run yet · next \d\d:00/);
    assert.equal(await sidebar.row('off').getAttribute('data-zfs-state'), 'off');
    assert.equal(await sidebar.row('hangs').locator('[role="progressbar"]').isVisible(), true);
  });

  it('is filtered by name, place, state and dataset', async () => {
    const { sidebar } = bench;
    for (const [words, ids] of [
      ['nightly', ['hangs']],
      ['closed:tank/vm', ['soon', 'later']],
      ['OFF', ['off']],
      ['tank/vm year', ['later']],
      ['of sub', [INNER]],
    ] as const) {
      await sidebar.filter.fill(words);
      for (let tries = 0; tries < 40 && (await sidebar.ids()).length !== ids.length; tries++) await sleep(50);
      assert.deepEqual(await sidebar.ids(), ids, words);
    }
    await sidebar.filter.fill('no such task');
    await sidebar.panel.getByText('No task matches').waitFor();
    await sidebar.filter.fill('');
    await sidebar.row('fails').waitFor();
  });

  it('opens the log in place, which goes on and stays open over updates and a deploy', async () => {
    const { editor, sidebar } = bench;
    const log = await sidebar.openLog('fails');
    assert.ok(await sidebar.row('fails').locator('[data-zfs-log="fails"]').isVisible());
    const toggle = sidebar.row('fails').locator('[data-zfs-action="log"]');
    assert.equal(await toggle.getAttribute('aria-expanded'), 'true');
    for (let runs = 1; runs <= 3; runs++) {
      await sidebar.choose('fails', 'run');
      await log
        .locator('[data-zfs-event="failed"]')
        .nth(runs - 1)
        .waitFor();
    }
    const order = await log.locator('time').evaluateAll((times) => times.map((time) => time.getAttribute('datetime')));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => Date.parse(a ?? '') - Date.parse(b ?? '')),
    );
    assert.match(
      await log.locator('[data-zfs-event="failed"]').last().innerText(),
      /\d\d:\d\d:\d\d\s+error\s+.*refused/,
    );
    const atEnd = await log.locator('[role="log"]').evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 2);
    assert.ok(atEnd, 'the newest is seen');
    // Another node of the flow is edited and all is deployed.
    await editor.ask(
      `(() => { const n = RED.nodes.node('soon'); n.name = 'Each hour'; n.changed = true; RED.nodes.dirty(true); })()`,
    );
    await editor.deploy();
    await sidebar.row('soon').getByText('Each hour').waitFor();
    assert.ok(await log.isVisible());
    assert.equal(await log.locator('[data-zfs-event="failed"]').count(), 3);
    await log.locator('[name="level"]').selectOption('error');
    await log.locator('[data-zfs-event="started"]').first().waitFor({ state: 'detached' });
    assert.ok((await log.locator('[data-zfs-event="failed"]').count()) > 0);
    await log.locator('[name="level"]').selectOption('debug');
    await log.locator('[data-zfs-event="started"]').first().waitFor();
    const [download] = await Promise.all([
      sidebar.page.waitForEvent('download'),
      log.locator('[data-zfs-action="download"]').click(),
    ]);
    assert.equal(download.suggestedFilename(), 'Mail.log.txt');
    const file = await readFile(await download.path(), 'utf8');
    assert.equal(file.match(/ {2}ERROR {2}failed {2}/g)?.length, 3, file);
    await sidebar.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await log.locator('[data-zfs-action="copy"]').click();
    await sidebar.page.waitForFunction('navigator.clipboard.readText().then((text) => /ERROR {2}failed/.test(text))');
    await toggle.click();
    await log.waitFor({ state: 'detached' });
  });

  it('runs and cancels, pauses with a note and an end, and resumes', async () => {
    const { sidebar } = bench;
    await sidebar.choose('hangs', 'run');
    await sidebar.row('hangs', 'running').waitFor();
    assert.deepEqual(await sidebar.actions('hangs'), ['run', 'cancel', 'pause', 'reveal', 'edit']);
    await sidebar.choose('hangs', 'cancel');
    await sidebar.row('hangs', 'idle').waitFor();
    await sidebar.choose('hangs', 'pause');
    await sidebar.row('hangs', 'paused').waitFor();
    const question = sidebar.row('hangs').locator('[data-zfs-pause]');
    await question.locator('[name="until"]').selectOption('4h');
    await question.locator('[name="note"]').fill('new <disks>');
    await question.locator('[name="note"]').press('Enter');
    await sidebar
      .row('hangs')
      .getByText(/by anonymous until .*: new <disks>/)
      .waitFor();
    assert.deepEqual(await sidebar.actions('hangs'), ['resume', 'reveal', 'edit']);
    await sidebar.choose('hangs', 'resume');
    await sidebar.row('hangs', 'idle').waitFor();
  });

  it('asks before a run that can destroy, and only then', async () => {
    const { sidebar } = bench;
    await sidebar.choose('prune', 'run');
    const question = sidebar.page.locator('[data-zfs-confirm]');
    await question.waitFor();
    assert.ok(await isFocused(question.locator('[data-zfs-action="cancel"]')));
    await question.locator('[data-zfs-action="cancel"]').click();
    await question.waitFor({ state: 'detached' });
    assert.equal(await sidebar.row('prune').getAttribute('data-zfs-state'), 'idle');
    await sidebar.choose('prune', 'run');
    await question.locator('[data-zfs-action="confirm"]').click();
    await sidebar.row('prune', 'failed').waitFor();
    await sidebar.choose('fails', 'run');
    await sidebar.row('fails', 'failed').waitFor();
    assert.equal(await question.count(), 0);
  });

  it('works with the keyboard alone, and tells a screen reader of states', async () => {
    const { sidebar } = bench;
    const { keyboard } = sidebar.page;
    const of = (id: string, action: string): Locator => sidebar.row(id).locator(`[data-zfs-action="${action}"]`);
    await sidebar.filter.focus();
    await keyboard.press('ArrowDown');
    const ids = await sidebar.ids();
    assert.ok(await isFocused(of(ids[0] ?? '', 'log')));
    await keyboard.press('ArrowDown');
    assert.ok(await isFocused(of(ids[1] ?? '', 'log')));
    await keyboard.press('End');
    assert.ok(await isFocused(of(ids.at(-1) ?? '', 'log')));
    await keyboard.press('Home');
    // One stop for the list: after the two buttons of a row the tab key leaves it.
    const stops = await sidebar.panel.locator('ul [tabindex="0"]').count();
    assert.equal(stops, 2);
    while (!(await isFocused(of('fails', 'log')))) await keyboard.press('ArrowDown');
    await keyboard.press('ArrowRight');
    assert.ok(await isFocused(of('fails', 'menu')));
    await keyboard.press('Enter');
    const menu = sidebar.page.locator('[data-zfs-menu="fails"]');
    await menu.waitFor();
    assert.ok(await isFocused(menu.locator('[data-zfs-action="run"]')));
    await keyboard.press('ArrowDown');
    assert.ok(await isFocused(menu.locator('[data-zfs-action="pause"]')));
    await keyboard.press('Escape');
    await menu.waitFor({ state: 'detached' });
    assert.ok(await isFocused(of('fails', 'menu')));
    await keyboard.press('Space');
    await keyboard.press('Enter');
    await sidebar.row('fails', 'failed').waitFor();
    // It has become the first row, and has kept the focus.
    assert.equal((await sidebar.ids())[0], 'fails');
    assert.ok(await isFocused(of('fails', 'menu')));
    await sidebar.panel.locator('[aria-live="polite"]', { hasText: 'Mail: failed' }).waitFor();
    await keyboard.press('ArrowLeft');
    await keyboard.press('Enter');
    await sidebar.panel.locator('[data-zfs-log="fails"] [data-zfs-event="failed"]').waitFor();
    await keyboard.press('Enter');
    await sidebar.panel.locator('[data-zfs-log="fails"]').waitFor({ state: 'detached' });
  });
});
