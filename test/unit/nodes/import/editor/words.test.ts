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
    assert.match(becomes(item('zfs-snapshot', { ...values, retention: null }), machine, t), /never deleted$/);
    assert.equal(
      becomes(item('zfs-ssh-connection', { host: 'vault.lan', port: 2022, username: 'me' }), machine, t),
      'me@vault.lan:2022',
    );
  });

  it('leave expressions as they are that have no short words', () => {
    for (const cron of ['0 3 * * 1', '*/5 * * * *', '0 0 1 * *', '@daily', '0 1,2 * * *'])
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
