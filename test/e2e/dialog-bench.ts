// What the tests of the nodes' dialogs stand on: a Node-RED with a node of each kind for a suite, an editor for each test.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir } from '../package/node-red';
import { Editor, launch } from './browser';
import { FLOWS } from './flows';

export interface DialogBench {
  nodeRed: NodeRed;
  editor: Editor;
  browser: Browser;
}

/** Hooks of a suite; `ready` before each test. Returns how to read a node as the flow file has it. */
export function useDialogs(ready: (bench: DialogBench) => void): (id: string) => Promise<Record<string, unknown>> {
  let bench: DialogBench | undefined;
  let browser: Browser | undefined;
  let nodeRed: NodeRed | undefined;
  before(async () => {
    browser = await launch();
    nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.stop();
  });
  beforeEach(async () => {
    assert.ok(browser && nodeRed);
    await nodeRed.deploy(FLOWS);
    bench = { nodeRed, browser, editor: await Editor.open(browser, nodeRed.url) };
    ready(bench);
  });
  afterEach(async () => {
    assert.ok(bench);
    const { complaints, page } = bench.editor;
    await page.close();
    assert.deepEqual(complaints, [], 'the browser complained');
  });
  return async (id) => {
    const node = (await nodeRed?.savedFlows())?.find((candidate) => candidate['id'] === id);
    assert.ok(node, `${id} is not in the flow file`);
    return node;
  };
}
