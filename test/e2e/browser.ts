// Node-RED's editor in a headless Chromium, in the words of a person: open a dialog, press Done, deploy. Collects what the
// browser complains about.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, type Locator, type Page, chromium } from 'playwright-core';
import { ROOT } from '../package/node-red';

const RESULTS = path.join(ROOT, 'test', 'results');
const CANDIDATES = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** The one complaint that is not ours: Node-RED asks for the palette catalogue on the internet. */
const ENVIRONMENT = /catalogue\.nodered\.org|ERR_NAME_NOT_RESOLVED|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION/;

export async function launch(): Promise<Browser> {
  const executablePath = CANDIDATES.find((file) => file !== '' && existsSync(file));
  if (executablePath === undefined) throw new Error('there is no Chromium; install it with: apt-get install chromium');
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-sync'],
  });
}

export class Editor {
  readonly complaints: string[] = [];

  private constructor(readonly page: Page) {
    page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type())) return;
      const text = `${message.text()} ${message.location().url}`;
      if (!ENVIRONMENT.test(text)) this.complaints.push(text);
    });
    page.on('pageerror', (error) => this.complaints.push(error.stack ?? error.message));
  }

  /** `prepare` gets the page before it loads anything; `drawn` is there when it is ready. */
  static async open(
    browser: Browser,
    url: string,
    theme: 'light' | 'dark' = 'light',
    prepare?: (page: Page) => Promise<unknown>,
    drawn = '.red-ui-flow-node',
  ): Promise<Editor> {
    const page = await browser.newPage({ viewport: { width: 1500, height: 1000 } });
    page.setDefaultTimeout(15_000);
    const editor = new Editor(page);
    await prepare?.(page);
    await page.goto(url);
    await page.locator(drawn).first().waitFor();
    await page.evaluate('$.fx.off = true');
    await page.evaluate((dark) => {
      document.documentElement.classList.toggle('nr-theme-dark', dark);
    }, theme === 'dark');
    return editor;
  }

  /** Evaluates an expression in the editor; `RED` is there. */
  ask<T>(expression: string): Promise<T> {
    return this.page.evaluate<T>(expression);
  }

  /** A node's box in the workspace. */
  node(id: string): Locator {
    return this.page.locator(`[id="${id}"]`);
  }

  get form(): Locator {
    return this.page.locator('.zfs-form').last();
  }

  /** What stands in a dialog that cannot be filled in. */
  excuse(): Promise<string | null> {
    return this.form.locator('[role="alert"]').textContent();
  }

  section(name: string): Locator {
    return this.form.locator(`[data-section="${name}"]`);
  }

  /** Opens a node's dialog as a double click does. */
  async edit(id: string): Promise<void> {
    await this.node(id).dblclick({ position: { x: 40, y: 10 } });
    await this.settled();
  }

  /** Opens a configuration node's dialog. */
  async editConfig(id: string): Promise<void> {
    await this.ask(`RED.editor.editConfig('', RED.nodes.node(${JSON.stringify(id)}).type, ${JSON.stringify(id)})`);
    await this.settled();
  }

  /** Waits until the dialog has slid in and has filled its summaries. */
  private async settled(): Promise<void> {
    await this.form.waitFor();
    // What is pressed while it moves is a click on nothing.
    const isThere = 'getComputedStyle([...document.querySelectorAll(".red-ui-tray")].at(-1)).right === "0px"';
    await this.page.waitForFunction(isThere);
    await this.page.waitForFunction('$(":animated").length === 0');
  }

  /** Opens or closes a section of the dialog. */
  async unfold(...names: string[]): Promise<void> {
    for (const name of names) {
      const section = this.section(name);
      if ((await section.getAttribute('open')) === null) await section.locator('summary').click();
    }
  }

  async done(): Promise<void> {
    await this.leave('#node-dialog-ok');
  }

  async cancel(): Promise<void> {
    await this.leave('#node-dialog-cancel');
  }

  async doneConfig(): Promise<void> {
    await this.leave('#node-config-dialog-ok');
  }

  async cancelConfig(): Promise<void> {
    await this.leave('#node-config-dialog-cancel');
  }

  private async leave(button: string): Promise<void> {
    await this.page.locator(button).click();
    await this.page.locator('.red-ui-tray').first().waitFor({ state: 'detached' });
    await this.page.waitForFunction('$(":animated").length === 0');
  }

  /** Presses Deploy and waits until the runtime has taken the flows. */
  async deploy(): Promise<void> {
    await this.page.locator('#red-ui-header-button-deploy').click();
    const confirm = this.page.locator('.red-ui-notification button', { hasText: 'Confirm deploy' });
    const deployed = this.page.waitForFunction('!RED.nodes.dirty()');
    await Promise.race([deployed, confirm.click().catch(() => undefined)]);
    await deployed;
  }

  /** What the badge of a node says: false when the editor finds it invalid. */
  valid(id: string): Promise<boolean> {
    return this.ask(`RED.nodes.node(${JSON.stringify(id)}).valid`);
  }

  changed(id: string): Promise<boolean> {
    return this.ask(`RED.nodes.node(${JSON.stringify(id)}).changed === true`);
  }

  /** A picture of the window, in test/results/. */
  async screen(name: string): Promise<void> {
    await mkdir(RESULTS, { recursive: true });
    await this.page.screenshot({ path: path.join(RESULTS, `${name}.png`) });
  }

  /** A picture of the whole dialog, all sections open, in test/results/. */
  async picture(name: string): Promise<void> {
    await mkdir(RESULTS, { recursive: true });
    await this.page.evaluate(() => {
      for (const section of document.querySelectorAll<HTMLDetailsElement>('.zfs-section')) section.open = true;
    });
    const box = await this.form.boundingBox();
    const size = this.page.viewportSize();
    // The dialog scrolls inside; a window that is tall enough shows all of it.
    await this.page.setViewportSize({ width: 1500, height: Math.ceil(box?.height ?? 1000) + 400 });
    await this.page.waitForFunction('$(":animated").length === 0');
    await this.form.screenshot({ path: path.join(RESULTS, `${name}.png`) });
    if (size !== null) await this.page.setViewportSize(size);
  }
}
