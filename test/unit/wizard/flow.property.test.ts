// Whatever somebody answers: what the wizard does not object to, the engine accepts; what it makes can be imported; and a task
// that starts from another is that task again.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sshHostOptions } from '../../../nodes/ssh-connection/ssh-options';
import { readOptions } from '../../../src/options/field';
import { readString } from '../../../src/options/read';
import { parseReplicateOptions } from '../../../src/replication/setup/check-options';
import { parseSnapshotOptions } from '../../../src/snapshots/check-options';
import { checkSchedule, type ScheduleOptions } from '../../../src/time/check-schedule';
import type { Answers } from '../../../src/wizard/answers';
import { makeFlow, type WizardType } from '../../../src/wizard/flow';
import { isComplete, problemsOf } from '../../../src/wizard/problems';
import { startFrom } from '../../../src/wizard/start-from';
import { summaryOf } from '../../../src/wizard/summary';
import { anyAnswers, anyReplicate, anySnapshot } from './arbitrary';
import { setting, TABLES, type FlowNode } from './setting';

const AROUND = {
  tables: TABLES,
  connections: new Map([
    ['a', {}],
    ['b', {}],
  ]),
};

const isFine = (answers: Answers): boolean => isComplete(problemsOf(answers, AROUND));

/** As the runtime reads it. Throws what the engine says. */
function accept(node: FlowNode & ScheduleOptions): void {
  if (!Object.hasOwn(TABLES, node.type)) return;
  readOptions(TABLES[node.type as WizardType], node);
  if (node.type === 'zfs-ssh-connection') sshHostOptions('', node, {});
  else if (node.type === 'zfs-snapshot') parseSnapshotOptions(node);
  else parseReplicateOptions(node);
  const { schedule, scheduleTimeZone, scheduleBegin, scheduleEnd } = node;
  checkSchedule({ schedule, scheduleTimeZone, scheduleBegin, scheduleEnd });
}

/** What stands in the nodes of a task, without ids, names, targets and places. */
function essence(nodes: readonly FlowNode[]): object[] {
  const apart = new Set(['id', 'x', 'y', 'wires', 'name', 'targetDataset']);
  return nodes
    .filter(({ type }) => type === 'zfs-replicate' || type === 'zfs-snapshot')
    .map((node) => Object.fromEntries(Object.entries(node).filter(([name]) => !apart.has(name))));
}

const nodeOf = (nodes: readonly FlowNode[], type: string): FlowNode | undefined =>
  nodes.find((node) => node.type === type);

describe('any answers', () => {
  it('that have no problem make nodes that the engine accepts, and others are told', () => {
    const seen = { fine: 0, snapshots: 0 };
    fc.assert(
      fc.property(anyAnswers, (answers) => {
        const problems = problemsOf(answers, AROUND);
        for (const { key, field } of problems) assert.ok(key !== '' && field in answers, field);
        if (!isComplete(problems)) return;
        const { nodes } = makeFlow(answers, setting());
        nodes.forEach(accept);
        seen.fine++;
        if (nodeOf(nodes, 'zfs-snapshot')) seen.snapshots++;
      }),
      { numRuns: 1000 },
    );
    assert.ok(seen.fine > 30 && seen.snapshots > 5, JSON.stringify(seen));
  });

  it('make a flow with ids of its own, wires that lead somewhere, no default and no secret', () => {
    fc.assert(
      fc.property(anyAnswers, (answers) => {
        const { nodes, credentials, ids } = makeFlow(answers, setting({ newTab: answers.tab === 'new' ? 'New' : '' }));
        const known = new Set(nodes.map(({ id }) => id));
        assert.equal(known.size, nodes.length);
        assert.ok(known.has(ids.replicate) && (ids.snapshot === '' || known.has(ids.snapshot)));
        for (const node of nodes) {
          for (const to of (node['wires'] as string[][] | undefined)?.flat() ?? []) assert.ok(known.has(to), to);
          for (const [name, field] of Object.entries(TABLES[node.type as WizardType] ?? {})) {
            if (name === 'version' || node[name] === undefined) continue;
            assert.notDeepEqual(node[name], field.default, name);
          }
        }
        for (const id of Object.keys(credentials)) assert.ok(known.has(id));
        if (answers.encryptionKey !== '') assert.ok(!JSON.stringify(nodes).includes(`"${answers.encryptionKey}"`));
        assert.ok(summaryOf(answers, (id) => `<${id}>`).length >= 7);
      }),
    );
  });

  it('come back from the nodes that were made of them', () => {
    fc.assert(
      fc.property(anyAnswers.filter(isFine), (answers) => {
        const { nodes } = makeFlow(answers, setting());
        const replicate = nodeOf(nodes, 'zfs-replicate');
        assert.ok(replicate);
        const start = startFrom({ id: 'x', replicate, snapshot: nodeOf(nodes, 'zfs-snapshot') }, TABLES);
        assert.deepEqual(start.carried, []);
        const { name, targetDataset, encryptionKey } = answers;
        const again = { ...start.answers, name, targetDataset, encryptionKey, tab: answers.tab };
        assert.deepEqual(essence(makeFlow(again, setting()).nodes), essence(nodes));
        assert.deepEqual(
          problemsOf(again, AROUND).filter(({ level }) => level === 'error'),
          [],
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('any task', () => {
  const filled = (start: Answers): Answers => ({
    ...start,
    targetDataset: 'new/target',
    encryptionKey: 'ab'.repeat(32),
  });

  it('is made again when a new one starts from it', () => {
    fc.assert(
      fc.property(anyReplicate, (replicate) => {
        const { answers } = startFrom({ id: 'x', replicate }, TABLES);
        const node = nodeOf(makeFlow(filled(answers), setting()).nodes, 'zfs-replicate');
        const {
          name: _name,
          targetDataset: _target,
          ...expected
        } = readOptions(TABLES['zfs-replicate'], replicate) as Record<string, unknown>;
        const {
          name: _other,
          targetDataset,
          ...got
        } = readOptions(TABLES['zfs-replicate'], node ?? {}) as Record<string, unknown>;
        assert.equal(targetDataset, 'new/target');
        ignoreWhatIsNotUsed(expected);
        ignoreWhatIsNotUsed(got);
        assert.deepEqual(got, expected);
      }),
      { numRuns: 500 },
    );
  });

  it('with its snapshots keeps what the wizard has no field for, and has no problem that the engine has not', () => {
    fc.assert(
      fc.property(anyReplicate, anySnapshot, (replicate, snapshot) => {
        const { answers } = startFrom({ id: 'x', replicate, snapshot }, TABLES);
        const ready = filled(answers);
        const { nodes } = makeFlow(ready, setting());
        const taken = nodeOf(nodes, 'zfs-snapshot');
        for (const name of ['allowEmpty', 'properties', 'hooks', 'timeZone', 'overlap']) {
          if (taken === undefined || snapshot[name] === undefined) continue;
          assert.deepEqual(taken[name] ?? TABLES['zfs-snapshot'][name]?.default, snapshot[name], name);
        }
        if (isFine(ready)) nodes.forEach(accept);
      }),
      { numRuns: 500 },
    );
  });
});

/** Properties that do nothing beside the others that a node has. */
function ignoreWhatIsNotUsed(options: Record<string, unknown>): void {
  if (options['encryption'] !== 'key') {
    delete options['encryptionKeyFormat'];
    delete options['encryptionKeyLocation'];
  }
  if (options['targetRetention'] !== 'custom') delete options['targetRetentionPolicy'];
  if (readString(options, 'schedule') === '') {
    for (const name of ['scheduleTimeZone', 'scheduleBegin', 'scheduleEnd', 'catchUp']) delete options[name];
  }
}
