// The import in the words of a person, for its tests: only what the contract names (design/face.md §7), and the names of fields.
import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import type { Editor } from './browser';

export class ImportForm {
  readonly page: Page;
  readonly tray: Locator;

  private constructor(readonly editor: Editor) {
    this.page = editor.page;
    this.tray = this.page.locator('[data-zfs-import]');
  }

  static async open(editor: Editor): Promise<ImportForm> {
    const form = new ImportForm(editor);
    await editor.ask(`RED.actions.invoke('zfs-flows:import')`);
    await form.settled();
    return form;
  }

  async settled(): Promise<void> {
    await this.tray.waitFor();
    await this.page.waitForFunction('$(":animated").length === 0');
  }

  field(name: string): Locator {
    return this.tray.locator(`[name="${name}"]`);
  }

  action(name: string): Locator {
    return this.tray.locator(`[data-zfs-action="${name}"]`);
  }

  problem(name: string, code?: string): Locator {
    return this.tray.locator(`[data-zfs-problem="${name}"]${code === undefined ? '' : `[data-zfs-code="${code}"]`}`);
  }

  item(name: string): Locator {
    return this.tray.locator(`[data-zfs-item="${name}"]`);
  }

  /** Ids and states of the rows, from top to bottom. */
  items(): Promise<string[]> {
    return this.tray
      .locator('[data-zfs-item]')
      .evaluateAll((rows) =>
        rows.map((row) => `${row.getAttribute('data-zfs-item') ?? ''} ${row.getAttribute('data-zfs-state') ?? ''}`),
      );
  }

  async ticked(): Promise<string[]> {
    return this.tray
      .locator('[data-zfs-item]:has(input:checked)')
      .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-zfs-item') ?? ''));
  }

  tick(name: string, on: boolean): Promise<void> {
    return this.item(name).locator('input[type="checkbox"]').setChecked(on);
  }

  /** Goes on to the rows. */
  async next(): Promise<void> {
    await this.action('next').click();
    const rows = this.tray.locator('[data-zfs-item]').first();
    await Promise.race([rows.waitFor(), this.tray.locator('[data-zfs-problem]').first().waitFor()]);
    if (!(await rows.isVisible())) throw new Error(await this.tray.locator('[data-zfs-problem]').first().innerText());
  }

  async paste(text: string, here = ''): Promise<void> {
    await this.field('json').fill(text);
    await this.field('here').selectOption(here);
    await this.next();
  }

  async choose(name: string, buffer: Buffer): Promise<void> {
    await this.field('file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
  }

  /** Presses the button; resolves with what is said afterwards. */
  async create(): Promise<string> {
    await this.action('create').click();
    await this.tray.waitFor({ state: 'detached' });
    const notice = this.page.locator('.red-ui-notification').last();
    await notice.waitFor();
    const text = await notice.innerText();
    await notice.locator('button', { hasText: 'Close' }).click();
    await this.page.waitForFunction('$(":animated").length === 0');
    return text;
  }

  async cancel(): Promise<void> {
    await this.action('cancel').click();
    await this.tray.waitFor({ state: 'detached' });
    await this.page.waitForFunction('$(":animated").length === 0');
  }

  /** Flow JSON of what the editor has, by id. */
  async flows(): Promise<Map<string, Record<string, unknown>>> {
    const nodes = await this.editor.ask<Record<string, unknown>[]>('RED.nodes.createCompleteNodeSet()');
    return new Map(nodes.map((node) => [String(node['id']), node]));
  }

  /** Everything that a screen reader would find without a name. */
  async nameless(): Promise<void> {
    const found = await this.editor.ask<
      string[]
    >(`[...document.querySelectorAll('[data-zfs-import] :is(input, select, textarea, button)')]
      .filter((element) => element.offsetParent !== null)
      .filter((element) => ![...(element.labels ?? [])].some((label) => label.textContent.trim() !== ''))
      .filter((element) => !element.getAttribute('aria-label') && element.textContent.trim() === '' )
      .map((element) => element.outerHTML)`);
    assert.deepEqual(found, []);
  }
}
