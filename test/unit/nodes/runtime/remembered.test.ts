// What is kept in Node-RED's settings: it outlives the process, is forgotten with the node, and a setting that holds nonsense
// counts as empty.
import assert from 'node:assert/strict';
import {
  forgetDeployed,
  forgetLastLook,
  isNewlyDeployed,
  loadLastLook,
  saveLastLook,
} from '../../../../nodes/runtime/remembered';
import type { Red } from '../../../../nodes/runtime/red';

describe('what is remembered', () => {
  let store = new Map<string, unknown>();
  let warnings: string[] = [];
  let fails = false;
  const runtime = (available = true): Red =>
    ({
      settings: {
        available: () => available,
        get: (name: string) => store.get(name),
        set: (name: string, value: unknown) => {
          store.set(name, value);
          return fails ? Promise.reject(new Error('disk full')) : Promise.resolve();
        },
      },
      log: { warn: (text: string) => warnings.push(text) },
    }) as unknown as Red;
  let counter = 0;
  let id = '';

  beforeEach(() => {
    store = new Map();
    warnings = [];
    fails = false;
    id = `remembered-${++counter}`;
  });

  it('a configuration is new once, with settings or without', () => {
    for (const available of [true, false]) {
      const RED = runtime(available);
      id = `remembered-${++counter}`;
      assert.deepEqual(
        ['a', 'a', 'b', 'b'].map((hash) => isNewlyDeployed(RED, id, hash)),
        [true, false, true, false],
      );
      forgetDeployed(RED, id);
      assert.equal(isNewlyDeployed(RED, id, 'b'), true);
    }
    assert.deepEqual(Object.keys(store.get('zfsFlowsDeployed') as object), [`remembered-${counter - 1}`]);
  });

  it('what another process kept counts', () => {
    store.set('zfsFlowsDeployed', { [id]: 'a', other: 'x' });
    assert.equal(isNewlyDeployed(runtime(), id, 'a'), false);
    forgetDeployed(runtime(), id);
    assert.deepEqual(store.get('zfsFlowsDeployed'), { other: 'x' });
  });

  it('a last look counts for the schedule that it was under', () => {
    const at = new Date('2026-05-20T12:00:00Z');
    saveLastLook(runtime(), id, 's', at);
    assert.deepEqual(loadLastLook(runtime(), id, 's'), at);
    assert.equal(loadLastLook(runtime(), id, 'other'), undefined);
    forgetLastLook(runtime(), id);
    assert.equal(loadLastLook(runtime(), id, 's'), undefined);
  });

  it('nonsense in a setting is nothing', () => {
    for (const nonsense of [5, 'x', null, { [id]: { schedule: 's', at: 'never' } }]) {
      store.set('zfsFlowsSchedules', nonsense);
      assert.equal(loadLastLook(runtime(), id, 's'), undefined);
    }
  });

  it('a setting that cannot be written is a warning', async () => {
    fails = true;
    isNewlyDeployed(runtime(), id, 'a');
    saveLastLook(runtime(), id, 's', new Date(0));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? '', /what was deployed could not be remembered: Error: disk full/);
  });
});
