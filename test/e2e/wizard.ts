// The wizard "Replicate…" in the words of a person: open it, answer, go on and back, create. Only what the contract names is
// pressed and filled in (face.md §6).
import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import type { Editor } from './browser';

export type WizardStep = 'source' | 'destination' | 'security' | 'schedule' | 'lifetime' | 'summary';

export class WizardTray {
  private constructor(readonly editor: Editor) {}

  static async open(editor: Editor): Promise<WizardTray> {
    await editor.ask(`RED.actions.invoke('zfs-flows:replicate')`);
    return WizardTray.opened(editor);
  }

  /** The tray that opens by itself. */
  static async opened(editor: Editor): Promise<WizardTray> {
    const wizard = new WizardTray(editor);
    await wizard.tray.waitFor();
    await editor.page.waitForFunction('document.querySelector(".red-ui-tray")?.getBoundingClientRect().right > 0');
    await editor.page.waitForFunction('$(":animated").length === 0');
    await wizard.at('source');
    return wizard;
  }

  get page(): Page {
    return this.editor.page;
  }

  get tray(): Locator {
    return this.page.locator('[data-zfs-wizard]');
  }

  button(action: string): Locator {
    return this.tray.locator(`.red-ui-tray-toolbar [data-zfs-action="${action}"]`);
  }

  field(name: string): Locator {
    return this.tray.locator(`[name="${name}"]`);
  }

  problem(name: string): Locator {
    return this.tray.locator(`[data-zfs-problem="${name}"]`);
  }

  async at(step: WizardStep): Promise<void> {
    await this.tray.and(this.page.locator(`[data-zfs-step="${step}"]`)).waitFor();
  }

  /** Whatever kind of input it is. */
  async enter(values: Readonly<Record<string, string | boolean>>): Promise<void> {
    for (const [name, value] of Object.entries(values)) {
      const field = this.field(name);
      if (typeof value === 'boolean') await field.setChecked(value);
      else if ((await field.evaluate(({ tagName }) => tagName)) === 'SELECT') await field.selectOption(value);
      else await field.fill(value);
    }
  }

  async next(to: WizardStep): Promise<void> {
    await this.button('next').click();
    await this.at(to);
  }

  async back(to: WizardStep): Promise<void> {
    await this.button('back').click();
    await this.at(to);
  }

  /** Presses Next, which does not lead on, and says what is wrong. */
  async refused(name: string): Promise<string> {
    await this.button('next').click();
    return (await this.problem(name).textContent()) ?? assert.fail(`no complaint about ${name}`);
  }

  async create(): Promise<void> {
    await this.button('create').click();
    await this.gone();
  }

  /** Cancels; what was answered is given up. */
  async leave(): Promise<void> {
    await this.button('cancel').click();
    const question = this.tray.locator('[data-zfs-confirm]');
    await Promise.race([question.waitFor(), this.tray.waitFor({ state: 'detached' })]);
    if ((await question.count()) > 0) await question.locator('[data-zfs-action="confirm"]').click();
    await this.gone();
  }

  private async gone(): Promise<void> {
    await this.tray.waitFor({ state: 'detached' });
    await this.page.waitForFunction('$(":animated").length === 0');
  }
}
