// A Node-RED with tasks that fail or hang, and an editor that shows the sidebar tab anew for each test.
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { Editor, launch } from './browser';
import { Sidebar } from './sidebar';
import { openPorts, taskFlows, type Ports } from './task-flows';

const EMPTY = [{ id: 'tab', type: 'tab', label: 'x' }];

const PLATFORMS: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];

export class SidebarBench {
  private browser!: Browser;
  private nodeRed!: NodeRed;
  private ports!: Ports;
  editor!: Editor;
  sidebar!: Sidebar;

  constructor(private readonly platform: () => Promise<Platform>) {}

  hooks(): void {
    before(async () => {
      [this.browser, this.ports] = await Promise.all([launch(), openPorts()]);
      const userDir = await makeUserDir({ packageSource: ROOT, flows: EMPTY });
      this.nodeRed = await NodeRed.start(await this.platform(), userDir);
    });
    beforeEach(async () => {
      await this.nodeRed.deploy(taskFlows(this.ports));
      this.editor = await this.another();
      this.sidebar = await Sidebar.show(this.editor);
    });
    afterEach(async () => {
      const { complaints } = this.editor;
      await this.editor.page.close();
      await this.nodeRed.deploy(EMPTY);
      assert.deepEqual(complaints, [], 'the browser complained');
    });
    after(async () => {
      await this.browser?.close();
      await this.nodeRed?.stop();
      await this.ports?.hole.close();
    });
  }

  /** An editor of somebody else. */
  another(prepare?: (page: Page) => Promise<unknown>): Promise<Editor> {
    return Editor.open(this.browser, this.nodeRed.url, 'light', prepare);
  }
}

/** `tests` in Node-RED 4.1 and in 5. */
export function describeSidebar(title: string, tests: (bench: SidebarBench) => void): void {
  for (const [label, platform] of PLATFORMS) {
    describe(`${title}, in ${label}`, function () {
      this.timeout(180_000);
      const bench = new SidebarBench(platform);
      bench.hooks();
      tests(bench);
    });
  }
}
