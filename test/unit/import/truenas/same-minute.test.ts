// Tasks of one schema that are due in the same minute: who takes over from whom, and where the others go.
import assert from 'node:assert/strict';
import { importTools } from '../../../../nodes/admin/import-tools';
import { readDocuments } from '../../../../src/import/truenas/documents';
import { importTrueNas } from '../../../../src/import/truenas/map';

interface Given {
  cron: string;
  life: string;
  begin?: string;
  end?: string;
  dataset?: string;
  recursive?: boolean;
  empty?: boolean;
  exclude?: string[];
  schema?: string;
  enabled?: boolean;
}

interface Seen {
  id: string;
  schedule: unknown;
  keep: unknown;
  said: string;
}

/** Tasks 1, 2, … and what becomes of them; `1 DAY` is a lifetime. */
function importOf(...given: Given[]): Map<number, Seen> {
  const tasks = given.map(({ cron, life, begin = '00:00', end = '23:59', ...more }, index) => {
    const [minute, hour, dom, month, dow] = cron.split(' ');
    const [value, unit] = life.split(' ');
    return {
      id: index + 1,
      dataset: more.dataset ?? 'tank/vm',
      recursive: more.recursive ?? false,
      exclude: more.exclude ?? [],
      naming_schema: more.schema ?? 'auto-%Y-%m-%d_%H-%M',
      allow_empty: more.empty ?? true,
      enabled: more.enabled ?? true,
      lifetime_value: Number(value),
      lifetime_unit: unit,
      schedule: { minute, hour, dom, month, dow, begin, end },
    };
  });
  const repl = {
    id: 1,
    name: 'copy',
    direction: 'PUSH',
    transport: 'LOCAL',
    source_datasets: ['tank/vm'],
    target_dataset: 'backup/vm',
    periodic_snapshot_tasks: [{ id: tasks.length }],
    auto: true,
    retention_policy: 'NONE',
  };
  const dump = readDocuments({ 'pool.snapshottask': tasks, replication: [repl] });
  const { nodes, findings } = importTrueNas({ dump, fallbackName: '' }, { here: '', enable: new Set() }, importTools());
  const seen = new Map<number, Seen>();
  for (const node of nodes.filter(({ type }) => type === 'zfs-snapshot')) {
    const [, number] = /snap-(\d+)-/.exec(node.id) ?? [];
    const { keep } = node['retention'] as { keep: unknown };
    const said = findings.filter(({ item }) => item === `snap-${number}`).map(({ message }) => message);
    seen.set(Number(number), { id: node.id, schedule: node['schedule'], keep, said: said.join('\n') });
  }
  const last = nodes.find(({ wires }) => JSON.stringify(wires ?? []).includes('zfs-imp-repl-1'));
  seen.set(0, { id: last?.id ?? '', schedule: '', keep: '', said: JSON.stringify(findings) });
  return seen;
}

const rule = (cron: string, value: number, unit: string): object => ({ type: 'schedule', cron, value, unit });
const age = (value: number, unit: string): object => ({ type: 'age', value, unit });

describe('snapshot tasks of one schema', () => {
  it('that are due only when another is are done by that one, which keeps what they want', () => {
    const seen = importOf(
      { cron: '0 * * * *', life: '1 DAY' },
      { cron: '0 0 * * *', life: '2 WEEK' },
      { cron: '0 0 1 * *', life: '1 YEAR' },
    );
    assert.deepEqual(
      [...seen.keys()].toSorted((a, b) => a - b),
      [0, 1],
    );
    assert.deepEqual(seen.get(1)?.keep, [
      age(1, 'day'),
      rule('0 * * * *', 1, 'day'),
      rule('0 0 * * *', 2, 'week'),
      rule('0 0 1 * *', 1, 'year'),
    ]);
    assert.match(seen.get(1)?.said ?? '', /also takes the snapshots of snap-2.*also takes the snapshots of snap-3/s);
    // What was started by the last is started by the one that does its work.
    assert.equal(seen.get(0)?.id, seen.get(1)?.id);
    assert.match(seen.get(0)?.said ?? '', /is started by snap-1, which takes the snapshots of snap-3/);
  });

  it('in whatever order they come', () => {
    const seen = importOf(
      { cron: '0 0 1 * *', life: '1 YEAR' },
      { cron: '0 0 * * *', life: '2 WEEK' },
      { cron: '0 * * * *', life: '1 DAY' },
    );
    assert.deepEqual(
      [...seen.keys()].toSorted((a, b) => a - b),
      [0, 3],
    );
    assert.equal(seen.get(3)?.schedule, '0 * * * *');
  });

  it('that are due together and apart move by a minute, and keep what was taken at both', () => {
    const seen = importOf(
      { cron: '0 * * * *', life: '1 DAY', begin: '08:00', end: '20:00' },
      { cron: '0 6,12 * * *', life: '1 MONTH' },
    );
    assert.deepEqual([seen.get(1)?.schedule, seen.get(2)?.schedule], ['0 * * * *', '1 6,12 * * *']);
    const hourly = { ...rule('0 * * * *', 1, 'day'), begin: '08:00', end: '20:00' };
    const keep = [age(1, 'day'), hourly, rule('1 6,12 * * *', 1, 'month'), rule('0 6,12 * * *', 1, 'month')];
    assert.deepEqual([seen.get(1)?.keep, seen.get(2)?.keep], [keep, keep]);
    assert.match(seen.get(2)?.said ?? '', /schedule is 1 6,12 \* \* \* now instead of 0 6,12/);
  });

  it('of a tree and of a dataset in it never become one', () => {
    const seen = importOf(
      { cron: '0 0 * * *', life: '1 MONTH', dataset: 'tank', recursive: true },
      { cron: '0 * * * *', life: '1 DAY' },
    );
    assert.deepEqual([seen.get(1)?.schedule, seen.get(2)?.schedule], ['0 0 * * *', '1 * * * *']);
    assert.deepEqual(seen.get(1)?.keep, seen.get(2)?.keep);
  });

  it('take no snapshot less: one that skips what is empty does not do the work of one that does not', () => {
    const seen = importOf({ cron: '0 * * * *', life: '1 DAY', empty: false }, { cron: '0 0 * * *', life: '1 MONTH' });
    assert.deepEqual([seen.get(1)?.schedule, seen.get(2)?.schedule], ['0 * * * *', '1 0 * * *']);
  });

  it('are told where there is no minute left', () => {
    const seen = importOf({ cron: '* * * * *', life: '1 HOUR', empty: false }, { cron: '0 0 * * *', life: '1 MONTH' });
    assert.equal(seen.get(2)?.schedule, '0 0 * * *');
    assert.match(seen.get(2)?.said ?? '', /SNAPSHOT_EXISTS/);
  });

  it('share nothing where no dataset is in both, and nothing with another schema', () => {
    for (const more of [{ dataset: 'tank/other' }, { dataset: 'tank/vm/disk' }, { schema: 'daily-%Y-%m-%d_%H-%M' }]) {
      const seen = importOf({ cron: '0 * * * *', life: '1 DAY' }, { cron: '0 0 * * *', life: '1 MONTH', ...more });
      assert.deepEqual(
        [seen.get(1)?.keep, seen.get(2)?.keep],
        [[age(1, 'day')], [age(1, 'month')]],
        JSON.stringify(more),
      );
    }
    const apart = importOf(
      { cron: '0 * * * *', life: '1 DAY', dataset: 'tank', recursive: true, exclude: ['tank/vm'] },
      { cron: '0 0 * * *', life: '1 MONTH' },
    );
    assert.deepEqual(apart.get(2)?.keep, [age(1, 'month')]);
    // A pattern leaves out the dataset alone, perhaps.
    const pattern = importOf(
      { cron: '0 * * * *', life: '1 DAY', dataset: 'tank', recursive: true, exclude: ['tank/v?'] },
      { cron: '30 0 * * *', life: '1 MONTH', recursive: true },
    );
    assert.equal(JSON.stringify(pattern.get(2)?.keep).split('"type"').length - 1, 3);
  });

  it('share over a third', () => {
    const seen = importOf(
      { cron: '10 * * * *', life: '1 DAY', dataset: 'tank/a' },
      { cron: '20 * * * *', life: '1 WEEK', dataset: 'tank/b' },
      { cron: '30 * * * *', life: '1 MONTH', dataset: 'tank', recursive: true },
    );
    assert.deepEqual(seen.get(1)?.keep, seen.get(2)?.keep);
    assert.equal(JSON.stringify(seen.get(1)?.keep).split('"type"').length - 1, 4);
  });

  it('keep as long as a schedule that cannot be read would, by age', () => {
    const seen = importOf({ cron: '0 * * * *', life: '1 DAY' }, { cron: '0 */90 * * *', life: '1 MONTH' });
    assert.deepEqual(seen.get(1)?.keep, [age(1, 'month'), rule('0 * * * *', 1, 'day')]);
  });

  it('that are disabled stay nodes of their own', () => {
    const seen = importOf({ cron: '0 * * * *', life: '1 DAY' }, { cron: '0 0 * * *', life: '1 MONTH', enabled: false });
    assert.deepEqual([seen.get(1)?.schedule, seen.get(2)?.schedule], ['0 * * * *', '0 0 * * *']);
    assert.deepEqual(seen.get(1)?.keep, seen.get(2)?.keep);
  });
});
