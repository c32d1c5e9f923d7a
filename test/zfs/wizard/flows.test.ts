// What the wizard makes of answers, in a real Node-RED on real pools: each shape of a task says in advance what its first run
// will do, changes nothing by that, does it, and does only the rest the next time.
import assert from 'node:assert/strict';
import type { CheckAnswer } from '../../../nodes/admin/check-answer';
import { stageKey, unstageKey } from '../../../nodes/admin/staged-keys';
import { FIELDS } from '../../../nodes/fields';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import type { Answers } from '../../../src/wizard/answers';
import { previewQuestion } from '../../../src/wizard/question';
import { startFrom } from '../../../src/wizard/start-from';
import { landings } from '../../../src/wizard/summary';
import type { Machine } from '../../lab/machine';
import { anotherSecond } from '../../support/another-second';
import { FlowBench } from '../../support/flow-bench';
import { usePair } from '../../support/machines';
import { answers, WizardBench } from './wizard.fixture';

/** Names to the second, so that two runs in one minute have two; within one second they would not (`anotherSecond`). */
const SCHEMA = 'wiz-%Y-%m-%d_%H-%M-%S';
const bench = new FlowBench();

/** What both say of each dataset that is sent. */
const foretold = ({ datasets }: CheckAnswer): unknown[] =>
  datasets.map(({ source, target, action, snapshots }) => ({
    source,
    target,
    action: action === 'snapshot' ? 'full' : action,
    snapshots: action === 'snapshot' ? 1 : snapshots,
  }));
const done = ({ datasets }: ReplicationResult): unknown[] =>
  datasets.map(({ source, target, action, snapshots }) => ({ source, target, action, snapshots: snapshots.length }));

describe('tasks that the wizard makes', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let wizard: WizardBench;
  let counter = 0;

  before(() => bench.open());
  usePair((pair) => ({ a, b } = pair));
  before(async () => {
    wizard = new WizardBench(bench, a, b);
    await wizard.open();
  });
  after(async () => {
    await bench.stop();
    await bench.close();
  });

  /** A dataset with some data and these snapshots, and where its copy goes. */
  async function dataset(...names: string[]): Promise<{ sourceDatasets: string[]; targetDataset: string }> {
    const [from, to] = [`tank/w${++counter}`, `backup/w${counter}`];
    await a.createDataset(from);
    await a.writeRandom(from, 'data', 1);
    await a.snapshotEach(from, names);
    return { sourceDatasets: [from], targetDataset: to };
  }

  const actions = ({ datasets }: ReplicationResult): string[] => [...new Set(datasets.map(({ action }) => action))];

  /** Checks, places and runs it; then something is written, and the next run brings that. */
  async function twice(asked: Answers, next: (source: string) => Promise<unknown>): Promise<ReplicationResult> {
    const check = await wizard.checked(asked);
    assert.ok(check.ready, JSON.stringify(check));
    await wizard.place(asked);
    const result = await wizard.run();
    assert.deepEqual(done(result), foretold(check));
    const [source = ''] = asked.sourceDatasets;
    await a.writeFile(source, 'more', 'written later');
    await next(source);
    if (asked.takeSnapshots) await anotherSecond();
    const second = await wizard.run();
    assert.ok(actions(second).includes('incremental'), JSON.stringify(second));
    for (const one of landings(asked)) await sameFiles(one.source, one.target, asked.encryptionKey);
    return second;
  }

  /** The newest snapshot of the copy has what it has on the source. */
  async function sameFiles(source: string, copy: string, key: string): Promise<void> {
    const newest = (await b.snapshotNames(copy)).at(-1) ?? '';
    if (key !== '') await b.sh('zfs load-key "$1" <<E\n$2\nE', { args: [copy, key] });
    assert.equal(await b.digest(`${copy}@${newest}`), await a.digest(`${source}@${newest}`), newest);
  }

  const nothing = async (): Promise<void> => undefined;

  it('with snapshots of their own: taken first, replicated, and again; what is old goes, what is needed stays', async () => {
    const ends = await dataset();
    await a.createDataset(`${ends.sourceDatasets[0]}/below`);
    const asked = answers({
      ...ends,
      recursive: true,
      takeSnapshots: true,
      snapshotSelection: 'schema',
      namingSchemas: [SCHEMA],
      sourceLifetime: '1',
      sourceLifetimeUnit: 'hour',
      targetRetention: 'source',
    });
    const check = await wizard.checked(asked);
    assert.equal(check.taken, 2);
    assert.ok((check.datasets[0]?.bytes ?? 0) > 1 << 20, 'what it holds');
    const second = await twice(asked, nothing);
    assert.deepEqual(second.pruned?.destroy, []);
    assert.equal((await a.snapshotNames(ends.sourceDatasets[0] ?? '')).length, 2);
    assert.equal(await b.property(ends.targetDataset, 'readonly'), 'on');
  });

  it('of snapshots that others take, by their names', async () => {
    const ends = await dataset('wiz-2026-01-01_00-00-00', 'manual', 'wiz-2026-01-02_00-00-00');
    const asked = answers({ ...ends, snapshotSelection: 'schema', namingSchemas: [SCHEMA] });
    await twice(asked, (source) => a.snapshot(source, 'wiz-2026-01-03_00-00-00'));
    assert.deepEqual(await b.snapshotNames(ends.targetDataset), [
      'wiz-2026-01-01_00-00-00',
      'wiz-2026-01-02_00-00-00',
      'wiz-2026-01-03_00-00-00',
    ]);
  });

  it('of snapshots whose names match, for a lifetime of their own on the target', async () => {
    const ends = await dataset('auto-1', 'manual', 'weekly-1');
    const asked = answers({
      ...ends,
      snapshotSelection: 'regex',
      nameRegex: '^(?:(auto|weekly)-.*)$',
      targetRetention: 'custom',
      targetLifetime: '2',
    });
    const second = await twice(asked, (source) => a.snapshot(source, 'auto-2'));
    const kept = new Set(second.pruned?.keep.map(({ name }) => name));
    assert.deepEqual([...kept].toSorted(), ['auto-1', 'auto-2', 'weekly-1']);
    assert.deepEqual(second.pruned?.destroy, []);
    const preview = await wizard.ask('preview-retention', previewQuestion(asked));
    assert.deepEqual([preview['ok'], preview['goes'], preview['stays']], [true, 0, 3]);
  });

  it('once, with a snapshot where there is none', async () => {
    const ends = await dataset();
    await twice(answers({ ...ends, schedule: '' }), (source) => a.snapshot(source, 'later'));
  });

  it('of several sources, each of which lands below the target', async () => {
    const first = await dataset('one');
    const other = await dataset('one');
    const asked = answers({ ...first, sourceDatasets: [...first.sourceDatasets, ...other.sourceDatasets] });
    await twice(asked, (source) => a.snapshot(source, 'two'));
  });

  for (const encryptionKeyFormat of ['hex', 'passphrase'] as const) {
    it(`encrypted at the target by a key of their own (${encryptionKeyFormat})`, async () => {
      const ends = await dataset('one');
      const encryptionKey = encryptionKeyFormat === 'hex' ? '0f'.repeat(32) : 'correct horse battery';
      const asked = answers({ ...ends, encryption: 'key', encryptionKeyFormat, encryptionKey });
      await twice(asked, (source) => a.snapshot(source, 'two'));
      assert.equal(await b.property(ends.targetDataset, 'keyformat'), encryptionKeyFormat);
      assert.equal(await b.property(ends.targetDataset, 'encryptionroot'), ends.targetDataset);
    });
  }

  it('that start from another task do the same to another target', async () => {
    const ends = await dataset('auto-1', 'manual');
    const flow = await wizard.place(
      answers({ ...ends, snapshotSelection: 'regex', nameRegex: '^auto', readonly: 'ignore' }),
    );
    await wizard.run();
    const replicate = flow.nodes.find(({ type }) => type === 'zfs-replicate') ?? {};
    const start = startFrom({ id: 'old', replicate: { ...replicate, speedLimit: '10M' } }, FIELDS);
    assert.deepEqual([start.notes, start.carried], [[], ['speedLimit']]);
    await twice({ ...start.answers, targetDataset: 'backup/another' }, (source) => a.snapshot(source, 'auto-2'));
    assert.deepEqual(await b.snapshotNames('backup/another'), ['auto-1', 'auto-2']);
    assert.equal(await b.property('backup/another', 'readonly'), 'off');
  });

  it('are checked over a connection that is not deployed yet', async () => {
    const ends = await dataset('one');
    const { host, port, username, hostKeys } = b.login();
    const values = { name: 'new', host, port, username, hostKeys };
    const asked = answers({ ...ends, targetConnection: 'new', connections: [{ id: 'new', values }] });
    stageKey(bench.RED, 'new', { privateKey: a.privateKey }, { account: values });
    try {
      const check = await wizard.checked(asked);
      assert.deepEqual([check.ready, check.snapshots, check.refused], [true, 1, 0]);
    } finally {
      unstageKey(bench.RED, 'new');
    }
  });

  describe('that cannot be done', () => {
    /** What is in the way, and what a run says then. */
    async function refused(asked: Answers): Promise<unknown> {
      const { ready, refused: count, datasets } = await wizard.checked(asked);
      assert.deepEqual([ready, count], [false, 1]);
      const [{ refusal } = {}] = datasets;
      assert.ok((refusal?.hint ?? '').length > 20, 'the way out');
      await wizard.place(asked);
      const error = await wizard.fail();
      assert.equal(error.code, refusal?.code);
      return refusal?.code;
    }

    it('for data of others on the target', async () => {
      const ends = await dataset('one');
      await b.createDataset(ends.targetDataset);
      await b.writeRandom(ends.targetDataset, 'theirs', 1);
      assert.equal(await refused(answers(ends)), 'TARGET_HAS_DATA');
    });

    it('for snapshots of others on the target, also before there is one to send', async () => {
      const ends = await dataset();
      await b.createDataset(ends.targetDataset);
      await b.snapshot(ends.targetDataset, 'theirs');
      const own = { takeSnapshots: true, snapshotSelection: 'schema', namingSchemas: [SCHEMA] } as const;
      assert.match(String(await refused(answers({ ...ends, ...own }))), /^(TARGET_HAS_DATA|NO_COMMON_SNAPSHOT)$/);
    });

    it('for a target that would be encrypted without being asked, also before there is a snapshot', async () => {
      await b.sh(`printf %s ${'ab'.repeat(32)} >/root/key
        zfs create -o encryption=on -o keyformat=hex -o keylocation=file:///root/key backup/safe`);
      const ends = await dataset();
      assert.equal(await refused(answers({ ...ends, targetDataset: 'backup/safe/w' })), 'ENCRYPTION_MISMATCH');
    });

    it('for a source that is not there, and one that is is told all the same', async () => {
      const ends = await dataset('one');
      const asked = answers({ ...ends, sourceDatasets: [...ends.sourceDatasets, 'tank/nowhere'] });
      const { datasets } = await wizard.checked(asked);
      assert.deepEqual(
        datasets.map(({ source, action, refusal }) => [source, action, refusal?.code]),
        [
          ['tank/nowhere', 'skip', 'DATASET_NOT_FOUND'],
          [ends.sourceDatasets[0], 'full', undefined],
        ],
      );
      const none = await wizard.check(answers({ ...ends, sourceDatasets: ['tank/nowhere'] }));
      assert.ok(!none.ok && none.code === 'DATASET_NOT_FOUND', JSON.stringify(none));
    });

    it('for snapshots that nobody takes', async () => {
      const ends = await dataset('manual');
      const asked = answers({ ...ends, snapshotSelection: 'regex', nameRegex: '^weekly' });
      const answer = await wizard.check(asked);
      assert.ok(!answer.ok && answer.code === 'NO_SNAPSHOTS', JSON.stringify(answer));
      assert.match(answer.hint ?? '', /Check the selection/);
      await wizard.place(asked);
      assert.equal((await wizard.fail()).code, 'NO_SNAPSHOTS');
    });
  });
});
