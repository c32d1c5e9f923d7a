// What the rows of the import say, with the texts that people get.
import assert from 'node:assert/strict';
import type { Item } from '../../../../../nodes/import/editor/items';
import { becomes, changeText, cronWords, titleOf } from '../../../../../nodes/import/editor/words';
import { type Catalogue, assembleCatalogue } from '../../../../../scripts/build/assemble';
import { lookUp } from '../../dialog/browser';

describe('the words of the import', () => {
  let catalogue: Catalogue;
  before(async () => {
    catalogue = await assembleCatalogue('import', 'en-US');
  });

  function t(key: string, values: Record<string, unknown> = {}): string {
    const count = values['count'] === 1 ? '_one' : '_other';
    const text = lookUp(catalogue, `${key}${count}`) ?? lookUp(catalogue, key);
    assert.equal(typeof text, 'string', `there is no text ${key}`);
    return String(text).replaceAll(/__(\w+)__/g, (_, name: string) => String(values[name]));
  }
  const machine = (id: string): string => (id === '' ? 'here' : id);

  function item(type: string, values: object, more: Partial<Item> = {}): Item {
    const node = { id: 'x', type, ...values };
    const rest = { isTask: true, state: 'new', changes: [], findings: [], uses: [], startedBy: [] } as const;
    return { item: 'repl-1', node, whyDisabled: '', enabledNow: undefined, ...rest, ...more };
  }

  it('tell where from and where to, and when', () => {
    const values = {
      sourceConnection: '',
      targetConnection: 'vault',
      targetDataset: 'pool/a',
      recursive: true,
      schedule: '',
    };
    const nightly = {
      ...values,
      sourceDatasets: ['tank/a', 'tank/b'],
      schedule: '30 2 * * *',
      scheduleTimeZone: 'UTC',
    };
    assert.equal(
      becomes(item('zfs-replicate', nightly), machine, t),
      'here:tank/a and 1 more and below → vault:pool/a · daily at 02:30, UTC',
    );
    const bound = item('zfs-replicate', { ...values, sourceDatasets: ['tank/a'] }, { startedBy: ['snap-1'] });
    assert.match(becomes(bound, machine, t), /after each of its snapshots$/);
    assert.match(becomes({ ...bound, startedBy: [] }, machine, t), /when somebody starts it$/);
  });

  it('tell what is snapshotted and for how long, and where a connection leads', () => {
    const values = {
      connection: '',
      datasets: ['tank'],
      recursive: false,
      schedule: '0 * * * *',
      scheduleBegin: '08:00',
    };
    const retention = { keep: [{ type: 'age', value: 1, unit: 'day' }] };
    assert.equal(
      becomes(item('zfs-snapshot', { ...values, retention }), machine, t),
      'Snapshots of here:tank · every hour at :00, 08:00–24:00 · kept 1 day',
    );
    const rules = { keep: [...retention.keep, { type: 'schedule', cron: '0 0 * * *', value: 2, unit: 'week' }] };
    assert.match(becomes(item('zfs-snapshot', { ...values, retention: rules }), machine, t), /kept by 2 rules$/);
    assert.match(becomes(item('zfs-snapshot', { ...values, retention: null }), machine, t), / · kept for ever$/);
    assert.equal(
      becomes(item('zfs-ssh-connection', { host: 'vault.lan', port: 2022, username: 'me' }), machine, t),
      'me@vault.lan:2022',
    );
  });

  it('tell what stays by each kind of rule', () => {
    const words = (keep: readonly object[]): string => {
      const node = { connection: '', datasets: ['tank'], schedule: '0 3 * * *', retention: { keep } };
      return becomes(item('zfs-snapshot', node), machine, t).split(' · ').at(-1) ?? '';
    };
    assert.equal(words([]), 'kept for ever');
    assert.equal(words([{ type: 'last', count: 5 }]), 'the newest 5 are kept');
    assert.equal(words([{ type: 'last', count: 1 }]), 'only the newest is kept');
    assert.equal(words([{ type: 'every', period: 'day', count: 30 }]), 'kept by one rule');
    const sanoid = [
      { type: 'last', count: 30 },
      { type: 'age', value: 30, unit: 'day' },
    ];
    assert.equal(words(sanoid), 'kept by 2 rules');
    const prune = { connection: '', datasets: ['tank'], schedule: '@hourly', policy: { keep: sanoid.slice(1) } };
    assert.equal(becomes(item('zfs-retention-prune', prune), machine, t), 'Prunes here:tank · @hourly · kept 30 days');
  });

  it('tell what a replication deletes on the target', () => {
    const words = (values: object): string => {
      const node = {
        sourceConnection: '',
        sourceDatasets: ['a'],
        targetConnection: 'b',
        targetDataset: 'c',
        ...values,
      };
      return becomes(item('zfs-replicate', { ...node, schedule: '0 3 * * *' }), machine, t);
    };
    const plain = 'here:a → b:c · daily at 03:00';
    const policy = { targetRetentionPolicy: { keep: [{ type: 'last', count: 5 }] } };
    assert.equal(words({ targetRetention: 'none' }), plain);
    assert.equal(words({ targetRetention: 'none', ...policy }), plain);
    assert.equal(words({ targetRetention: 'custom', targetRetentionPolicy: null }), plain);
    assert.equal(words({ targetRetention: 'custom', ...policy }), `${plain} · on the target: the newest 5 are kept`);
    assert.equal(
      words({ targetRetention: 'source' }),
      `${plain} · what the source deletes is deleted on the target too`,
    );
  });

  it('tell what is left out', () => {
    const words = (...exclude: string[]): string => {
      const node = { connection: '', datasets: ['tank/home'], recursive: true, exclude, schedule: '0 3 * * *' };
      return becomes(item('zfs-snapshot', { ...node, retention: null }), machine, t).split(' · ')[0] ?? '';
    };
    assert.equal(words(), 'Snapshots of here:tank/home and below');
    assert.equal(words('tank/home/anna'), 'Snapshots of here:tank/home and below without tank/home/anna');
    assert.match(words('tank/home/anna', 'tank/home/b*', 'c'), / without tank\/home\/anna and 2 more$/);
    assert.match(words('tank/hom[e]'), / without tank\/home itself$/);
    assert.match(words('tank/home/x[ab]'), / without tank\/home\/x\[ab\]$/);
  });

  it('tell expressions as people say them', () => {
    for (const [cron, words] of [
      ['* * * * *', 'every minute'],
      ['*/1 * * * *', 'every minute'],
      ['*/10 * * * *', 'every 10 minutes'],
      ['0 */4 * * *', 'every 4 hours at :00'],
      ['5 * * * *', 'every hour at :05'],
      ['0 0 1 * * ', 'on day 1 of each month at 00:00'],
      ['30  4 15 * *', 'on day 15 of each month at 04:30'],
    ] as const) {
      assert.equal(cronWords(cron, t), words);
    }
  });

  it('leave expressions as they are that have no short words', () => {
    for (const cron of ['0 3 * * 1', '*/7 * * * *', '*/0 * * * *', '0 */5 * * *', '0 * 1 * *', '@daily', '0 1,2 * * *'])
      assert.equal(cronWords(cron, t), cron);
  });

  it('tell what changes, cut where it is long', () => {
    assert.equal(changeText({ property: 'exclude', from: [], to: ['tank/x'] }), 'exclude: [] → ["tank/x"]');
    assert.equal(changeText({ property: 'sudo', from: undefined, to: '' }), 'sudo: – → –');
    assert.ok(changeText({ property: 'x', from: '', to: 'y'.repeat(500) }).length < 100);
  });

  it('call a thing by its name, and where it has none by its number', () => {
    assert.equal(titleOf(item('zfs-replicate', { name: 'family' })), 'family');
    assert.equal(titleOf(item('zfs-replicate', { name: '' })), 'repl-1');
  });
});
