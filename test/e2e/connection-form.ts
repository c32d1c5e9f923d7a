// The dialog of a connection in the words of a person: what do you have, fill in, go on; and what it asked the runtime.
import assert from 'node:assert/strict';
import type { Locator, Page, Request } from 'playwright-core';
import type { Editor } from './browser';

export class ConnectionForm {
  readonly page: Page;
  /** Requests to our endpoints, with their bodies. */
  readonly asked: [endpoint: string, body: Record<string, unknown>][] = [];

  constructor(readonly editor: Editor) {
    this.page = editor.page;
    this.page.on('request', (request: Request) => {
      const [, endpoint] = /\/zfs-flows\/(.*)$/.exec(request.url()) ?? [];
      if (endpoint !== undefined) this.asked.push([endpoint, request.postDataJSON() as Record<string, unknown>]);
    });
  }

  times(endpoint: string): number {
    return this.asked.filter(([name]) => name === endpoint).length;
  }

  get setUp(): Locator {
    return this.page.locator('[data-zfs-set-up]');
  }

  /** Waits for a step of the set-up. */
  step(name: string): Promise<void> {
    return this.page.locator(`[data-zfs-step="${name}"]`).waitFor();
  }

  action(name: string): Locator {
    return this.setUp.locator(`[data-zfs-action="${name}"]`);
  }

  field(name: string): Locator {
    return this.setUp.locator(`[name="${name}"]`);
  }

  /** What is said to be wrong with a field, '' = with all of it. */
  problem(name: string, code?: string): Locator {
    return this.setUp.locator(`[data-zfs-problem="${name}"]${code === undefined ? '' : `[data-zfs-code="${code}"]`}`);
  }

  /** An input of the connection itself. */
  property(name: string): Locator {
    return this.page.locator(`#node-config-input-${name}`);
  }

  properties(...names: string[]): Promise<string[]> {
    return Promise.all(names.map((name) => this.property(name).inputValue()));
  }

  /** Waits for a test that found the connection to work. */
  works(): Promise<void> {
    return this.page.locator('.zfs-tested', { hasText: 'The connection works.' }).waitFor();
  }

  /** `true` or `false` as the test says of a node or a way. */
  check(name: string): Promise<string | null> {
    return this.page.locator(`[data-zfs-check="${name}"]`).getAttribute('data-zfs-ok');
  }

  /** A new connection, as a person adds one to a node whose dialog is open. Returns its id. */
  async add(): Promise<string> {
    await this.page.locator('#node-input-btn-sourceConnection-add').click();
    await this.step('choose');
    await this.page.waitForFunction('$(":animated").length === 0');
    // Node-RED goes to the first element a moment after it has opened a dialog.
    await this.page.waitForFunction('$(".red-ui-tray").last().find(document.activeElement).length > 0');
    const id = await this.editor.ask<string | undefined>('RED.editor.getEditStack().at(-1)?.id');
    return id ?? assert.fail('no dialog is open');
  }

  async leave(button: 'ok' | 'cancel'): Promise<void> {
    await this.page.locator(`#node-config-dialog-${button}`).click();
    await this.property('host').waitFor({ state: 'detached' });
    await this.page.waitForFunction('$(":animated").length === 0');
  }

  /** From the question to the keys that the machine shows. */
  async fillPassword(values: { host: string; port: number; username: string; password: string }): Promise<void> {
    await this.action('password').click();
    for (const [name, value] of Object.entries(values)) await this.field(name).fill(String(value));
    await this.action('next').click();
    await this.step('hostKey');
  }

  async confirm(): Promise<void> {
    await this.action('confirm').click();
    await this.step('done');
    await this.works();
  }

  press(...keys: string[]): Promise<void> {
    return keys.reduce<Promise<void>>(
      (before, key) => before.then(() => this.page.keyboard.press(key)),
      Promise.resolve(),
    );
  }

  /** Controls of the set-up that have no name. */
  nameless(): Promise<string[]> {
    return this.editor.ask(`[...document.querySelectorAll('.zfs-set-up input, .zfs-set-up select, .zfs-set-up button')]
      .filter((element) => !(element.labels?.length > 0 && [...element.labels].some((label) => label.textContent.trim() !== '')))
      .filter((element) => !element.getAttribute('aria-label') && element.textContent.trim() === '')
      .map((element) => element.outerHTML)`);
  }
}
