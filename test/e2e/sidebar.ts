// The sidebar tab in the words of a person, for its tests: only what the contract names (design/face.md §3).
import type { Locator, Page } from 'playwright-core';
import type { Editor } from './browser';

export class Sidebar {
  readonly page: Page;
  readonly panel: Locator;
  readonly attention: Locator;
  readonly filter: Locator;

  private constructor(readonly editor: Editor) {
    this.page = editor.page;
    this.panel = this.page.locator('[data-zfs-panel="tasks"]');
    this.attention = this.panel.locator('[data-zfs-attention]');
    this.filter = this.panel.locator('[name="filter"]');
  }

  /** Shows the tab; resolves when tasks, or that there are none, have been told. */
  static async show(editor: Editor): Promise<Sidebar> {
    const sidebar = new Sidebar(editor);
    await editor.ask(`RED.sidebar.show('zfs-tasks')`);
    await sidebar.attention.filter({ hasText: /^\d/ }).waitFor();
    return sidebar;
  }

  row(id: string, state?: string): Locator {
    const what = state === undefined ? '' : `[data-zfs-state="${state}"]`;
    return this.panel.locator(`[data-zfs-task="${id}"]${what}`);
  }

  /** Ids of the rows that are seen, from top to bottom. */
  ids(): Promise<string[]> {
    return this.panel
      .locator('[data-zfs-task]:visible')
      .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-zfs-task') ?? ''));
  }

  async openLog(id: string): Promise<Locator> {
    await this.row(id).locator('[data-zfs-action="log"]').click();
    const log = this.panel.locator(`[data-zfs-log="${id}"]`);
    await log.waitFor();
    return log;
  }

  async openMenu(id: string): Promise<Locator> {
    await this.row(id).locator('[data-zfs-action="menu"]').click();
    const menu = this.page.locator(`[data-zfs-menu="${id}"]`);
    await menu.waitFor();
    return menu;
  }

  /** Chooses from the menu of a row. */
  async choose(id: string, action: string): Promise<void> {
    await (await this.openMenu(id)).locator(`[data-zfs-action="${action}"]`).click();
  }

  /** What can be chosen. */
  async actions(id: string): Promise<string[]> {
    const menu = await this.openMenu(id);
    const found = await menu
      .locator('[data-zfs-action]:not([aria-disabled="true"])')
      .evaluateAll((items) => items.map((item) => item.getAttribute('data-zfs-action') ?? ''));
    await this.page.keyboard.press('Escape');
    return found;
  }
}
