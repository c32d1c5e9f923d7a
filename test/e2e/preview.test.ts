// "What would go now?" in a real editor: the answer in words, in the picture and in the lists, in light and dark; and that
// it is gone when the rules change. The runtime's own answer is test/zfs/retention/preview.test.ts.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import type { PreviewAnswer } from '../../nodes/admin/preview-answer';
import { NodeRed, type Platform, NODE_RED_4, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { Editor, launch } from './browser';
import { FLOWS } from './flows';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 4, 20, 12);

function dataset(name: string, days: number): PreviewAnswer['datasets'][number] {
  const snapshots = Array.from({ length: days }, (_, index) => {
    const age = days - index;
    const goes = age > 14 && age % 7 !== 0;
    return {
      name: `auto-${new Date(NOW - age * DAY_MS).toISOString().slice(0, 10)}_00-00`,
      creation: new Date(NOW - age * DAY_MS).toISOString(),
      goes,
      reasons: [goes ? 'goes: older than 2 weeks and no other rule keeps it' : 'kept: younger than 2 weeks'],
    };
  });
  const goes = snapshots.filter((snapshot) => snapshot.goes).length;
  return { dataset: name, goes, stays: days - goes, snapshots };
}

function answer(): PreviewAnswer {
  const datasets = [dataset('tank/data', 60), dataset('tank/data/photos', 25)];
  const sum = (key: 'goes' | 'stays'): number => datasets.reduce((total, one) => total + one[key], 0);
  const counts = { goes: sum('goes'), stays: sum('stays'), reclaim: 0, moreDatasets: 0 };
  return { ok: true, now: new Date(NOW).toISOString(), ...counts, datasets, breaker: [], warnings: [] };
}

describe('the preview of a retention policy', function () {
  this.timeout(120_000);
  let browser: Browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  async function check(platform: Platform, prefix: string, themes: readonly ('light' | 'dark')[]): Promise<void> {
    const nodeRed = await NodeRed.start(platform, await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
    try {
      for (const theme of themes) {
        const editor = await Editor.open(browser, nodeRed.url, theme);
        const asked: Record<string, unknown>[] = [];
        await editor.page.route('**/zfs-flows/preview-retention', async (route) => {
          asked.push(route.request().postDataJSON() as Record<string, unknown>);
          await route.fulfill({ json: answer() });
        });
        await editor.edit('prune');
        await editor.unfold('rules');
        await editor.form.locator('.zfs-preview-button').click();
        await editor.form.locator('.zfs-timeline').first().waitFor();
        assert.deepEqual(asked[0]?.['policy'], { keep: [{ type: 'last', count: 3 }] });
        assert.deepEqual(asked[0]?.['datasets'], ['tank/data']);
        const preview = editor.form.locator('.zfs-preview');
        const text = (await preview.innerText()).replaceAll(/\s+/g, ' ');
        const { goes, stays } = answer();
        assert.ok(text.includes(`${goes} snapshots would go, ${stays} stay`), text);
        assert.equal(await preview.locator('.zfs-mark-goes').count(), goes);
        assert.equal(await preview.locator('.zfs-mark').count(), goes + stays);
        assert.match((await preview.locator('.zfs-mark-goes').first().getAttribute('title')) ?? '', /goes: older than/);
        assert.match(
          (await preview.locator('[role=img]').first().getAttribute('aria-label')) ?? '',
          /^tank\/data: \d+/,
        );
        await preview.locator('summary').first().click();
        await editor.section('rules').scrollIntoViewIfNeeded();
        await editor.picture(`${prefix}-${theme}-preview`);
        await editor.section('rules').locator('input[type=number]').first().fill('7');
        await preview.waitFor({ state: 'hidden' });
        await editor.cancel();
        await checkReplicate(editor, asked, `${prefix}-${theme}`);
        assert.deepEqual(editor.complaints, []);
        await editor.page.close();
      }
    } finally {
      await nodeRed.stop();
    }
  }

  /** The target's retention: what is asked is what that node would run, and nothing of its other sections. */
  async function checkReplicate(editor: Editor, asked: Record<string, unknown>[], prefix: string): Promise<void> {
    await editor.edit('replicate');
    await editor.unfold('retention');
    const section = editor.section('retention');
    assert.equal(await section.locator('.zfs-preview-button').isVisible(), false);
    await section.locator('#node-input-targetRetention').selectOption('custom');
    await section.locator('.red-ui-editableList-addButton').first().click();
    await section.locator('.zfs-target-policy-words', { hasText: '10' }).waitFor();
    await section.locator('.zfs-preview-button').click();
    await section.locator('.zfs-timeline').first().waitFor();
    assert.deepEqual(asked.at(-1), {
      sourceConnection: 'nas1',
      sourceDatasets: ['tank/data'],
      sourceDatasetsType: 'list',
      targetConnection: 'nas2',
      targetDataset: 'backup/data',
      targetDatasetType: 'str',
      recursive: false,
      exclude: [],
      timeZone: '',
      snapshotSelection: 'all',
      targetRetention: 'custom',
      targetRetentionPolicy: { keep: [{ type: 'last', count: 10 }] },
      targetRetentionScope: null,
      maxDestroyFraction: 0.5,
    });
    await section.scrollIntoViewIfNeeded();
    await editor.picture(`${prefix}-preview-replicate`);
    await section.locator('input[type=number]').first().fill('7');
    await section.locator('.zfs-preview').waitFor({ state: 'hidden' });
    await editor.cancel();
  }

  it('in Node-RED 4.1', () => check(NODE_RED_4, 'node-red-4', ['light']));

  it('in Node-RED 5, light and dark', async () => check(await nodeRed5(), 'node-red-5', ['light', 'dark']));
});
