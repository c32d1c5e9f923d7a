// The controller dies at every step of a run (replication.md §2, crash matrix). Whatever is left: what both sides share
// stays protected, and one more run reaches the source's state and leaves the marks tidy.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { REPOSITORY, type Machine } from '../../lab/machine';
import { assertSame, connectOptions, type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';
import { dieAfter } from '../../support/mortal';

/** More than any of these runs changes. */
const MOST_STEPS = 60;

interface Entry {
  name: string;
  guid: string;
  held: boolean;
}

describe('replication after its controller died', function () {
  this.timeout(600_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  usePair((pair) => ({ a, b, engine } = pair));

  /** Snapshots and bookmarks in creation order, in one command. */
  async function look(machine: Machine, dataset: string): Promise<{ snapshots: Entry[]; bookmarks: Entry[] }> {
    const columns = ['-t', 'snapshot,bookmark', '-o', 'name,guid,userrefs', '-s', 'createtxg'];
    const text = await machine.read(['zfs', 'list', '-Hp', '-d', '1', ...columns, dataset]);
    const entries = text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('\t'));
    const kind = (sign: string): Entry[] =>
      entries
        .filter(([name = '']) => name.includes(sign))
        .map(([name = '', guid = '', refs = '']) => ({ name: name.split(sign)[1] ?? '', guid, held: refs !== '0' }));
    return { snapshots: kind('@'), bookmarks: kind('#') };
  }

  /** What the target has newest of the source's is still on the source, as a snapshot or a bookmark. */
  async function assertShared(source: string, target: string, after: string): Promise<void> {
    const left = await look(a, source);
    const known = new Set([...left.snapshots, ...left.bookmarks].map(({ guid }) => guid));
    const right = (await look(b, target)).snapshots;
    assert.ok(right.some(({ guid }) => known.has(guid)) || right.length === 0, `nothing is shared after: ${after}`);
  }

  async function assertDone(source: string, target: string, after: string): Promise<void> {
    const [left, right] = await Promise.all([look(a, source), look(b, target)]);
    const guids = (entries: readonly Entry[]): string[] => entries.map(({ guid }) => guid);
    const said = `after dying before: ${after}`;
    assert.deepEqual(guids(right.snapshots), guids(left.snapshots), said);
    assert.deepEqual(
      left.snapshots.filter(({ held }) => held),
      [],
      said,
    );
    const newest = left.snapshots.at(-1);
    assert.deepEqual(
      right.snapshots.filter(({ held }) => held).map(({ guid }) => guid),
      [newest?.guid],
      said,
    );
    const marks = left.bookmarks.map(({ name }) => name);
    assert.deepEqual(
      marks.filter((name) => name.includes('tmp')),
      [],
      said,
    );
    assert.ok(marks.length <= 16 && left.bookmarks.some(({ guid }) => guid === newest?.guid), said);
  }

  it('at each step of a rollback with an incremental behind it [C1 21]', async () => {
    const [source, target] = ['tank/roll', 'backup/roll'];
    await a.createDataset(source);
    await a.snapshot(source, 'first');
    const options = { ...relay, sourceDatasets: [source], targetDataset: target, whenDiverged: 'rollback' };
    await engine.replicate(options);
    let steps = 0;
    for (let last = 'x'; last !== ''; steps++) {
      assert.ok(steps < MOST_STEPS);
      await a.sh('zfs snapshot "$1@$2" && zfs snapshot "$1@$3"', { args: [source, `r${steps}a`, `r${steps}b`] });
      await b.snapshot(target, `theirs${steps}`);
      last = await dieAfter(steps, [a, b], options);
      await assertShared(source, target, last);
      if (last !== '') await engine.replicate(options);
      await assertDone(source, target, last);
    }
    assert.ok(steps >= 8, `only ${steps} changes`);
    assert.equal(await b.digest(`${target}@first`), await a.digest(`${source}@first`));
  });

  it('at each step of a first copy below a missing parent [C1 21]', async () => {
    const source = 'tank/new';
    await a.createDataset(source);
    await a.writeRandom(source, 'data', 2);
    for (const name of ['1', '2']) await a.snapshot(source, name);
    for (let steps = 0, last = 'x'; last !== ''; steps++) {
      assert.ok(steps < MOST_STEPS);
      const options = { ...relay, sourceDatasets: [source], targetDataset: `backup/deep${steps}/new` };
      last = await dieAfter(steps, [a, b], options);
      if (last !== '') await engine.replicate(options);
      const target = options.targetDataset;
      const held = (await look(b, target)).snapshots.filter(({ held: is }) => is);
      assert.deepEqual(
        held.map(({ name }) => name),
        ['2'],
        `after dying before: ${last}`,
      );
      const left = await look(a, source);
      assert.deepEqual(
        left.snapshots.filter(({ held: is }) => is),
        [],
        `after dying before: ${last}`,
      );
      assert.ok(
        left.bookmarks.every(({ name }) => !name.includes('tmp')),
        `after dying before: ${last}`,
      );
      if (last === '') await assertSame(a, source, b, target);
    }
  });

  for (const moment of ['when the first byte may have come', 'in the middle']) {
    it(`killed with SIGKILL ${moment} [C1 21]`, async () => {
      const name = moment.replaceAll(' ', '-');
      const [source, target] = [`tank/${name}`, `backup/${name}`];
      await a.createDataset(source);
      await a.writeRandom(source, 'data', 24);
      await a.snapshot(source, '1');
      const options = { ...relay, sourceDatasets: [source], targetDataset: target };
      await a.link.limit(6 << 20);
      const input = JSON.stringify({ options, hosts: [connectOptions(a), connectOptions(b)] });
      const fixture = path.join(REPOSITORY, 'test/zfs/replication/replicate.fixture.ts');
      const child = spawn(process.execPath, ['--import', 'tsx', fixture, input], { stdio: 'ignore', cwd: REPOSITORY });
      const ended = new Promise((resolve) => child.on('exit', resolve));
      const sign =
        moment === 'in the middle'
          ? 'zfs get -H -o value receive_resume_token "$1" | grep -q 1-'
          : 'ps -A -o args= | grep -q "[z]fs receive"';
      await b.sh(`i=0; until ${sign}; do i=$((i + 1)); [ $i -lt 300 ] || exit 1; sleep 0.1; done`, { args: [target] });
      child.kill('SIGKILL');
      await ended;
      await a.link.limit(0);
      await engine.replicate(options);
      await assertDone(source, target, moment);
      await assertSame(a, source, b, target);
    });
  }
});
