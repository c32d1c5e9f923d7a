// What can be imported, compared with what is there, and what a tick means for what depends on it: with the answers that the
// importer itself gives.
import assert from 'node:assert/strict';
import { importTools } from '../../../../../nodes/admin/import-tools';
import type { ImportAnswer } from '../../../../../nodes/import/editor/answer-types';
import {
  enable,
  firstChoice,
  itemsOf,
  leftSecrets,
  nodesFor,
  noteOf,
  tick,
  type Choice,
  type Item,
} from '../../../../../nodes/import/editor/items';
import { importFrom } from '../../../../../src/import/import-from';
import { answersOf } from '../../../import/truenas/samples';

type Node = Record<string, unknown> & { id: string; type: string };

function imported(document: unknown = answersOf('SCALE 25.10.6')): ImportAnswer {
  const choices = { here: '', enable: new Set<string>() };
  const { secrets, ...rest } = importFrom({ kind: 'document', document, field: 'json' }, choices, importTools());
  return { ok: true, ...rest, secrets: [...secrets.keys()] };
}

const nobody = (): undefined => undefined;
const finder =
  (nodes: readonly object[]) =>
  (id: string): Node | undefined =>
    (nodes as readonly Node[]).find((node) => node.id === id);

const one = (items: readonly Item[], item: string): Item =>
  items.find((other) => other.item === item) ?? assert.fail(item);
const states = (items: readonly Item[]): string[] => items.map(({ item, state }) => `${item} ${state}`).toSorted();
const ids = (nodes: readonly { id: string }[]): string[] =>
  nodes.map(({ id }) => id.replace(/^zfs-imp-(.*)-[0-9a-f]{8}$/, '$1'));

describe('what can be imported', () => {
  const answer = imported();
  const items = itemsOf(answer, nobody);

  it('is each task and connection, new where nothing is there', () => {
    assert.deepEqual(states(items), ['repl-4 new', 'repl-7 new', 'snap-5 new', 'ssh-2 new']);
    assert.deepEqual(one(items, 'repl-4').uses, ['ssh-2']);
    assert.deepEqual(one(items, 'repl-4').startedBy, ['snap-5']);
    assert.deepEqual(one(items, 'snap-5').startedBy, []);
  });

  it('is the same where the flows have it, whatever they have beside it', () => {
    const there = answer.nodes.map((node) => ({ ...node, enabled: true, alertAfter: '2d', x: 5 }));
    const now = itemsOf(answer, finder(there));
    assert.deepEqual(states(now), ['repl-4 same', 'repl-7 same', 'snap-5 same', 'ssh-2 same']);
    assert.deepEqual([...firstChoice(now).enabled].toSorted(), ['repl-4', 'repl-7', 'snap-5'], 'as it is there');
  });

  it('is changed where something else comes from there, and says what', () => {
    const there = answer.nodes.map((node) =>
      node.type === 'zfs-snapshot' ? { ...node, schedule: '1 1 * * *' } : node,
    );
    const snap = one(itemsOf(answer, finder(there)), 'snap-5');
    assert.deepEqual([snap.state, snap.changes], [
      'changed',
      [{ property: 'schedule', from: '1 1 * * *', to: '0 3 * * *' }],
    ]); // prettier-ignore
  });

  it('does not replace what somebody has entered by what the other machine could not know', () => {
    const text = JSON.stringify(answersOf('SCALE 25.10.6')).replaceAll('"vault.lan"', '"localhost"');
    const other = imported(text.replaceAll('ssh-ed25519 AAAAC3', '********'));
    const there = answer.nodes.map((node) => (node.id.includes('ssh') ? { ...node, host: '10.0.0.9' } : node));
    assert.equal(one(itemsOf(other, finder(there)), 'ssh-2').state, 'same');
    const elsewhere = imported(text.replaceAll('"localhost"', '"elsewhere.lan"'));
    assert.deepEqual(
      one(itemsOf(elsewhere, finder(there)), 'ssh-2').changes.map(({ property }) => property),
      ['host'],
    );
  });

  it('is left out, and says why, where nothing can be made of it', () => {
    const text = JSON.stringify(answersOf('SCALE 25.10.6')).replace('"PUSH"', '"SIDEWAYS"');
    const broken = one(itemsOf(imported(text), nobody), 'repl-4');
    assert.deepEqual([broken.state, broken.node, broken.findings[0]?.level], ['out', undefined, 'error']);
    const choice = firstChoice([broken]);
    assert.deepEqual([...choice.ticked, ...tick([broken], choice, 'repl-4', true).ticked], []);
  });
});

describe('a tick of the import', () => {
  const answer = imported();
  const items = itemsOf(answer, nobody);
  const all = firstChoice(items);
  const ticked = ({ ticked: set }: Choice): string[] => [...set].toSorted();

  it('is at first at everything, and nothing is enabled', () => {
    assert.deepEqual([ticked(all), [...all.enabled]], [['repl-4', 'repl-7', 'snap-5', 'ssh-2'], []]);
  });

  it('brings the connection of a task, and takes it away with the last one', () => {
    const less = tick(items, tick(items, all, 'repl-4', false), 'repl-7', false);
    assert.deepEqual(ticked(less), ['snap-5']);
    assert.deepEqual(ticked(tick(items, less, 'repl-7', true)), ['repl-7', 'snap-5', 'ssh-2']);
    assert.deepEqual(ticked(tick(items, all, 'repl-4', false)), ['repl-7', 'snap-5', 'ssh-2']);
  });

  it('taken from a new connection takes its tasks with it, which say so', () => {
    const without = tick(items, all, 'ssh-2', false);
    assert.deepEqual(ticked(without), ['snap-5']);
    assert.deepEqual(noteOf(items, without, one(items, 'repl-4')), { kind: 'needsConnection', names: ['ssh-2'] });
    const there = itemsOf(answer, finder(answer.nodes.filter(({ id }) => id.includes('ssh'))));
    assert.deepEqual(ticked(tick(there, firstChoice(there), 'ssh-2', false)), ['repl-4', 'repl-7', 'snap-5']);
  });

  it('taken from what starts a task is told there', () => {
    const alone = tick(items, all, 'snap-5', false);
    assert.deepEqual(noteOf(items, alone, one(items, 'repl-4')), { kind: 'nothingStarts', names: ['snap-5'] });
    assert.equal(noteOf(items, alone, one(items, 'repl-7')), undefined, 'it has a schedule');
    assert.equal(noteOf(items, all, one(items, 'repl-4')), undefined);
    const runs = enable(all, 'repl-4', true);
    assert.deepEqual(noteOf(items, runs, one(items, 'repl-4')), { kind: 'starterDisabled', names: ['snap-5'] });
    assert.equal(noteOf(items, enable(runs, 'snap-5', true), one(items, 'repl-4')), undefined);
  });

  it('decides which keys are of use', () => {
    assert.deepEqual(leftSecrets(answer, items, all), []);
    assert.deepEqual(ids(leftSecrets(answer, items, tick(items, all, 'repl-4', false)).map((id) => ({ id }))), [
      'repl-4',
    ]);
  });
});

describe('the nodes of an import', () => {
  const answer = imported();
  const items = itemsOf(answer, nobody);
  const none = { find: nobody, wiresOf: () => [] };
  const all = firstChoice(items);

  it('are all of them, disabled but for those that were chosen', () => {
    const nodes = nodesFor(answer, items, enable(all, 'repl-7', true), none);
    assert.deepEqual(ids(nodes).toSorted(), ids(answer.nodes).toSorted());
    const enabled = nodes.filter((node) => node['enabled'] === true);
    assert.deepEqual(ids(enabled), ['repl-7']);
    assert.deepEqual(nodes.find(({ type }) => type === 'zfs-snapshot')?.wires?.[0]?.length, 1);
  });

  it('have no tab, comment or wire of what is left out', () => {
    const snapshot = nodesFor(answer, items, tick(items, tick(items, all, 'repl-4', false), 'repl-7', false), none);
    assert.deepEqual(ids(snapshot), ['tab', 'snap-5']);
    assert.deepEqual(snapshot[1]?.wires, [[], [], []]);
    const tasks = ['repl-4', 'repl-7', 'snap-5'];
    const connection = tasks.reduce((choice, item) => tick(items, choice, item, false), all);
    assert.deepEqual(ids(nodesFor(answer, items, tick(items, connection, 'ssh-2', true), none)), ['ssh-2']);
  });

  it('that are there have what differs, and no place and no switch of their own', () => {
    const there = answer.nodes.map((node) =>
      node.type === 'zfs-snapshot' ? { ...node, schedule: '', enabled: true } : node,
    );
    const now = itemsOf(answer, finder(there));
    const nodes = nodesFor(answer, now, firstChoice(now), { find: finder(there), wiresOf: () => [] });
    const { id = '', wires } = answer.nodes.find(({ type }) => type === 'zfs-snapshot') ?? {};
    assert.deepEqual(
      nodes.find((node) => node.id === id),
      { id, type: 'zfs-snapshot', schedule: '0 3 * * *', enabled: true, wires },
    );
    assert.ok(nodes.every(({ type, z }) => type === 'tab' || z === undefined));
  });

  it('start a new task from one that stays as it is, and from what starts it beside that', () => {
    const snap = answer.nodes.find(({ type }) => type === 'zfs-snapshot') ?? assert.fail();
    const there = [snap];
    const now = itemsOf(answer, finder(there));
    const choice = tick(now, firstChoice(now), 'snap-5', false);
    const nodes = nodesFor(answer, now, choice, { find: finder(there), wiresOf: () => [['mine'], [], []] });
    const repl = answer.nodes.find(({ id }) => id.startsWith('zfs-imp-repl-4-'))?.id;
    assert.deepEqual(
      nodes.find(({ id }) => id === snap.id),
      { id: snap.id, type: 'zfs-snapshot', wires: [['mine', repl], [], []] },
    );
  });
});
