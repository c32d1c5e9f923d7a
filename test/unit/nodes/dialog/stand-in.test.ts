// What nodes are in the editor before their dialogs have been loaded, after that, and when they cannot be. In a real browser:
// test/e2e/dialog-file.test.ts.
import assert from 'node:assert/strict';
import { NODE_TYPES } from '../../../../nodes/node-options';
import { type DialogBundle, bundleDialogs } from '../../../../scripts/build/dialogs';
import { type Definition, EditorPage, type PageScript, registrationScripts } from './browser';

describe('the stand-in for a dialog', () => {
  let dialogs: DialogBundle;
  let scripts: Map<string, string>;
  let page: EditorPage;

  before(async () => {
    dialogs = await bundleDialogs();
    scripts = await registrationScripts(dialogs);
  });
  beforeEach(() => {
    page = new EditorPage();
    for (const script of scripts.values()) page.run(script);
  });

  const BAD = { type: 'zfs-snapshot', datasets: ['tank/da@ta'], _: (key: string) => key };

  function definition(type: string): Definition {
    const found = page.definitions.get(type);
    assert.ok(found, type);
    return found;
  }
  function request(index = 0): PageScript {
    const script = page.scripts[index];
    assert.ok(script, 'the file was not asked for');
    return script;
  }
  const validate = (): unknown =>
    definition('zfs-snapshot').defaults['datasets']?.validate?.call(BAD, BAD.datasets, {});

  it('registers every type at once, and asks for the file once for all of them, by its build', () => {
    assert.deepEqual([...page.definitions.keys()], [...NODE_TYPES]);
    assert.equal(page.scripts.length, 1);
    assert.equal(
      request().src,
      `root/resources/@zfs-flows/node-red-zfs-replication/dialog.js?v=${dialogs.build}`,
      'relative to where the editor is',
    );
    assert.match(dialogs.build, /^\d+\.\d+\.\d+-[\da-f]{8}$/);
  });

  it('gives validators with two parameters, or Node-RED would not take a text as a reason', () => {
    for (const { defaults } of page.definitions.values()) {
      for (const { validate: check } of Object.values(defaults)) assert.ok(check === undefined || check.length === 2);
    }
  });

  it('calls nothing wrong before the dialogs are there, and judges and draws again what came before them', () => {
    const other = { type: 'inject' };
    page.nodes = [BAD, other];
    assert.equal(validate(), true);
    const node = { name: '', sourceDatasets: ['tank'], targetDataset: 'backup', _: (key: string) => key };
    assert.equal(definition('zfs-replicate').label.call(node), 'label');
    request().arrive(dialogs.code);
    assert.match(String(validate()), /holds no "@"/);
    assert.equal(page.nodes[0]?.valid, false);
    assert.deepEqual(page.drawn, [BAD]);
    assert.equal(definition('zfs-replicate').label.call(node), 'tank → backup');
    assert.deepEqual(page.notices, []);
  });

  it('says once that the file cannot be had, and tries again when asked', () => {
    request().fail();
    assert.equal(validate(), true);
    assert.equal(page.notices.length, 1);
    const [notice] = page.notices;
    assert.match(notice?.text ?? '', /^common\.dialogs\.unreachable .*dialog\.js/);
    notice?.buttons.find(({ text }) => text.startsWith('common.dialogs.retry'))?.click();
    assert.equal(notice?.closed, true);
    request(1).arrive(dialogs.code);
    assert.match(String(validate()), /holds no "@"/);
    assert.equal(page.notices.length, 1);
  });

  it('takes the login page of a proxy for a file that cannot be had', () => {
    request().arrive('/* no dialogs */');
    assert.match(page.notices[0]?.text ?? '', /^common\.dialogs\.unreachable/);
  });

  it('does not use the dialogs of another build, and says which is which', () => {
    request().arrive(dialogs.code.replace(dialogs.build, '0.2.0-00000000'));
    assert.equal(validate(), true);
    const [notice] = page.notices;
    assert.match(notice?.text ?? '', /^common\.dialogs\.otherBuild .*0\.2\.0-00000000/);
    // Asking again would give the same answer.
    assert.match(notice?.buttons.map(({ text }) => text).join() ?? '', /^common\.dialogs\.close [^,]*$/);
  });

  it('leaves the dialogs of an older build to the nodes that came with them', async () => {
    request().arrive(dialogs.code);
    const newer = { ...dialogs, build: '0.2.0-00000000' };
    for (const script of (await registrationScripts(newer)).values()) page.run(script);
    assert.equal(page.scripts.length, 2);
    assert.equal(validate(), true, 'not judged by the old dialogs');
    request(1).arrive(dialogs.code.replace(dialogs.build, newer.build));
    assert.match(String(validate()), /holds no "@"/);
  });
});
