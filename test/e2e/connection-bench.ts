// What the tests of the connection's dialog stand on: a lab machine that somebody may log in to with a password, a Node-RED
// for each suite, an editor for each test, and what is to be found on the machine and in Node-RED afterwards.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { ACCOUNTS } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { NodeRed, ROOT, makeUserDir, type Platform } from '../package/node-red';
import { useMachines } from '../support/machines';
import { Editor, launch } from './browser';
import { ConnectionForm } from './connection-form';

export const USER = 'pw';
export const PASSWORD: string = ACCOUNTS[USER].password;
export const HOME = `/home/${USER}`;
const RIGHTS =
  'send,hold,release,bookmark,snapshot,destroy,mount,receive,create,canmount,userprop,readonly,rollback,userused,userobjused,userquota,userobjquota';

/** A button that replicates on one machine, and a connection for it that somebody has yet to fill in. */
const FLOWS = [
  { id: 'tab', type: 'tab', label: 'Set-up' },
  { id: 'empty', type: 'zfs-ssh-connection', name: 'not yet', host: '', hostKeys: '' },
  { id: 'button', type: 'inject', z: 'tab', x: 140, y: 100, props: [], wires: [['replicate']] },
  {
    id: 'replicate',
    type: 'zfs-replicate',
    z: 'tab',
    x: 380,
    y: 100,
    sourceConnection: '',
    sourceDatasets: ['tank/data'],
    targetConnection: '',
    targetDataset: 'tank/copy',
    wires: [[], [], []],
  },
];

export class ConnectionBench {
  nas!: Machine;
  nodeRed!: NodeRed;
  editor!: Editor;
  form!: ConnectionForm;
  private browser: Browser | undefined;

  /** Hooks of the outermost suite. */
  useMachine(): void {
    useMachines({ nas: { pool: 'tank' } }, async ({ nas }) => {
      this.nas = nas;
      await nas.createDataset('tank/data');
      await nas.writeFile('tank/data', 'file', 'what somebody wants to keep');
      await nas.run(['zfs', 'allow', USER, RIGHTS, 'tank']);
    });
    before(async () => {
      this.browser = await launch();
    });
    after(() => this.browser?.close());
  }

  /** A Node-RED for all tests of a suite; whatever the browser complains about fails the test. */
  useNodeRed(platform: () => Promise<Platform>, settings: Record<string, unknown> = {}): void {
    before(async () => {
      const userDir = await makeUserDir({ packageSource: ROOT, flows: FLOWS, settings });
      this.nodeRed = await NodeRed.start(await platform(), userDir);
    });
    after(() => this.nodeRed?.stop());
    afterEach(async () => {
      const { complaints, page } = this.editor;
      await page.close();
      assert.deepEqual(complaints, [], 'the browser complained');
    });
  }

  /** Nothing is set up, and an editor is open; before each test. */
  useCleanEditor(): void {
    beforeEach(async () => {
      await this.nas.sh(`rm -rf ${HOME}/.ssh; zfs destroy -r tank/copy 2>/dev/null || :`);
      await this.nodeRed.deploy(FLOWS);
      await this.open();
    });
  }

  /** Puts connections beside what the flows have, and opens the editor again. */
  async addConnections(...connections: readonly object[]): Promise<void> {
    await this.nodeRed.deploy([...FLOWS, ...connections]);
    await this.editor.page.close();
    await this.open();
  }

  async open(prepare?: (page: Page) => Promise<unknown>): Promise<void> {
    this.editor = await Editor.open(this.browser ?? assert.fail('no browser'), this.nodeRed.url, 'light', prepare);
    this.form = new ConnectionForm(this.editor);
  }

  account(password = PASSWORD): Parameters<ConnectionForm['fillPassword']>[0] {
    const { host, port } = this.nas.login();
    return { host, port, username: USER, password };
  }

  async keysThere(): Promise<string[]> {
    const { stdout } = await this.nas.sh(`cat ${HOME}/.ssh/authorized_keys 2>/dev/null || :`);
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** What Node-RED's store of credentials says it has for a node. */
  async stored(id: string): Promise<Record<string, unknown>> {
    return (await this.nodeRed.get(`credentials/zfs-ssh-connection/${id}`)) as Record<string, unknown>;
  }

  async hasKey(id: string): Promise<boolean> {
    return (await this.stored(id))['has_privateKey'] === true;
  }

  /** Presses *Test connection*. */
  async test(): Promise<void> {
    await this.editor.page.locator('#zfs-test').click();
    await this.form.works();
  }

  /** The name of a pool that a deployed connection sees, or what keeps it from that. */
  async poolOf(connection: string): Promise<string | undefined> {
    for (let turn = 0; ; turn++) {
      const response = await fetch(`${this.nodeRed.url}/zfs-flows/datasets`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ connection }),
      });
      const { code, datasets } = (await response.json()) as { code?: string; datasets?: { name: string }[] };
      // A deploy is over for the editor before its nodes are there.
      if (code !== 'INVALID_OPTIONS' || turn > 100) return code ?? datasets?.[0]?.name;
      await sleep(100);
    }
  }
}
