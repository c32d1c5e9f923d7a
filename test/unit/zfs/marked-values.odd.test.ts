// Values of properties and tags of holds that hold tabs, ends of lines, and what reads like the lines of others: every
// reader gives each of them whole, to whom it belongs, and nothing else (openzfs issue 11642).
import assert from 'node:assert/strict';
import { getProperties } from '../../../src/zfs/get';
import { eachSetProperty, readSetProperties } from '../../../src/zfs/get-all';
import { listHolds } from '../../../src/zfs/hold';
import { listKeys } from '../../../src/zfs/keys';
import { listTrees } from '../../../src/zfs/list';
import { snapshotUserProperties } from '../../../src/zfs/user-properties';
import { FakeZfs, type FakeDataset } from '../../support/fake-zfs';

const NAMES = ['tank', 'tank/a', 'tank/a b:c', 'tank/a/deep', 'tank/victim'];
const USER = ['com.example:a', 'com.example:b', 'zfsflow:raw', 'zfsflow:replaced', 'org.truenas:destroy_at_x'];
const SOURCES = ['local', 'received', 'inherited from tank'];

/** mulberry32 */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class World {
  readonly datasets: FakeDataset[] = [];
  readonly zfs: FakeZfs;

  constructor(private readonly next: () => number) {
    for (const name of NAMES) {
      this.add(name);
      for (const snapshot of ['s 1', 's2']) this.add(`${name}@${snapshot}`);
    }
    this.zfs = new FakeZfs(this.datasets);
  }

  pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.next() * of.length)] as T;
  }

  /** Pieces that forge lines of every reader, put together at random. */
  value(): string {
    const name = this.pick([...NAMES, 'tank/victim@s2']);
    const property = this.pick([...USER, 'setuid', 'mountpoint']);
    const pieces = [
      '',
      'x',
      '\t',
      '\n',
      '\n\n',
      '\r',
      ' ',
      '-',
      'ü\u0001"\\',
      'v'.repeat(this.pick([1, 8191])),
      `\n${name}\t${property}\toff\n`,
      `\n${name}\t${property}\toff\tlocal\n`,
      `\n${name}\tzfsflow:end-000000000000000000000000\t-\n`,
      `\n${name}\tzfsflow:end-000000000000000000000000\t-\t-\n`,
      `\tThu Nov 26 01:45 2026\n${name}@s2\tforged\tThu Nov 26 01:45 2026`,
      `\n${name}\tfilesystem\t666\t0\t0\t0\t0\t-\toff\n`,
    ];
    return Array.from({ length: Math.floor(this.next() * 4) }, () => this.pick(pieces)).join('');
  }

  private add(name: string): void {
    const properties = new Map<string, { value: string; source: string }>();
    const set = (property: string, value: string, source: string): unknown =>
      properties.set(property, { value, source });
    for (const [property, value] of [
      ['type', 'filesystem'],
      ['guid', String(1000 + this.datasets.length)],
      ['createtxg', '5'],
      ['setuid', 'on'],
      ['encryptionroot', 'tank'],
      ['keystatus', 'available'],
      ['keylocation', `file:///k${this.value()}`],
    ] as const)
      set(property, value, '-');
    if (this.next() < 0.5) set('mountpoint', `/m${this.value()}`, 'local');
    for (const property of USER) if (this.next() < 0.5) set(property, this.value(), this.pick(SOURCES));
    const holds = name.includes('@')
      ? Array.from({ length: this.pick([0, 1, 2]) }, (_, i) => `${i}${this.value()}`)
      : [];
    set('userrefs', String(holds.length), '-');
    this.datasets.push({ name, properties, holds });
  }

  /** What is really set on these, of these properties, as `name property=value`, sorted. */
  truth(isAsked: (name: string, property: string) => boolean, sources?: readonly string[]): string[] {
    return this.datasets
      .flatMap(({ name, properties }) =>
        [...properties].flatMap(([property, { value, source }]) => {
          const ofSource = sources === undefined || sources.includes(source);
          return ofSource && isAsked(name, property) ? [`${name} ${property}=${value}`] : [];
        }),
      )
      .toSorted();
  }
}

const seeds = Array.from({ length: 150 }, (_, seed) => seed + 1);
const told = ({ name, property, value }: { name: string; property: string; value: string }): string =>
  `${name} ${property}=${value}`;

describe('values that hold tabs, ends of lines and forged lines [B16]', function () {
  this.timeout(60_000);

  it('are read whole by name, of what was asked for and of nothing else', async () => {
    for (const seed of seeds) {
      const world = new World(random(seed));
      const of = NAMES.slice(0, 3);
      const properties = ['com.example:a', 'type', 'mountpoint', 'com.example:b'];
      for (const sources of [undefined, ['local', 'received']]) {
        const found = await getProperties(world.zfs.host, { of, properties, ...(sources ? { sources } : {}) });
        const isThere = (value: { value: string }): boolean => value.value !== '-';
        const real = world.truth((name, property) => of.includes(name) && properties.includes(property), sources);
        assert.deepEqual(
          found.filter(isThere).map(told).toSorted(),
          real.filter((line) => !line.endsWith('=-')),
          `seed ${seed}`,
        );
      }
    }
  });

  it('are read whole where all properties are read, of datasets, snapshots and whole trees', async () => {
    const sources = ['local', 'received'] as const;
    for (const seed of seeds) {
      const world = new World(random(seed));
      const wanted = (property: string): boolean => property !== 'com.example:b';
      const set = await readSetProperties(world.zfs.host, { of: NAMES, sources }, { wanted });
      const flat = [...set].flatMap(([name, own]) =>
        [...own].map(([property, value]) => told({ name, property, value })),
      );
      const isDataset = (name: string, property: string): boolean => NAMES.includes(name) && wanted(property);
      assert.deepEqual(flat.toSorted(), world.truth(isDataset, sources), `seed ${seed}`);

      const tree: string[] = [];
      const request = { of: ['tank'], sources, depth: Infinity, types: ['snapshot'] };
      await eachSetProperty(world.zfs.host, [request], { wanted }, (value) => tree.push(told(value)));
      const ofSnapshot = (name: string, property: string): boolean => name.includes('@') && wanted(property);
      assert.deepEqual(tree.toSorted(), world.truth(ofSnapshot, sources), `seed ${seed}`);
    }
  });

  it('put off the end of no other snapshot, and make nothing a copy that was set aside', async () => {
    for (const seed of seeds) {
      const world = new World(random(seed));
      const snapshots = NAMES.map((dataset) => ({ dataset, name: 's2' }));
      const found = await snapshotUserProperties(world.zfs.host, snapshots, 'org.truenas:', { mayLeaveTrace: false });
      const flat = [...found].flatMap(([name, own]) =>
        Object.entries(own).map(([property, value]) => told({ name, property, value })),
      );
      const isExpiry = (name: string, property: string): boolean => name.endsWith('@s2') && property.startsWith('org.');
      assert.deepEqual(flat.toSorted(), world.truth(isExpiry, ['local', 'received']), `seed ${seed}`);

      const { datasets, snapshots: listed } = await listTrees(world.zfs.host, { roots: ['tank'], recursive: true });
      assert.deepEqual(
        datasets.map(({ name, guid }) => `${name} ${guid}`),
        world.datasets
          .filter(({ name }) => NAMES.includes(name))
          .map(({ name, properties }) => `${name} ${properties.get('guid')?.value}`),
      );
      assert.ok(listed.every(({ guid }) => Number(guid) >= 1000));
      const own = datasets.flatMap(({ name, userProperties }) =>
        Object.entries(userProperties).map(([property, value]) => told({ name, property, value })),
      );
      const isOurs = (name: string, property: string): boolean =>
        NAMES.includes(name) && property.startsWith('zfsflow:');
      assert.deepEqual(own.toSorted(), world.truth(isOurs, ['local', 'received']), `seed ${seed}`);
    }
  });

  it('are no key of another dataset', async () => {
    for (const seed of seeds) {
      const world = new World(random(seed));
      const keys = await listKeys(world.zfs.host, NAMES);
      assert.deepEqual(
        keys.map(({ name, encryptionRoot, status, location }) => [name, encryptionRoot, status, location]),
        NAMES.map((name) => {
          const location = world.datasets.find((one) => one.name === name)?.properties.get('keylocation')?.value;
          return [name, 'tank', 'available', location];
        }),
      );
    }
  });

  it('as tags of holds are never holds of another snapshot', async () => {
    for (const seed of seeds) {
      const world = new World(random(seed));
      const names = world.datasets.map(({ name }) => name).filter((name) => name.includes('@'));
      const holds = await listHolds(world.zfs.host, names);
      const real = world.datasets.flatMap(({ name, holds: tags = [] }) => tags.map((tag) => ({ snapshot: name, tag })));
      for (const hold of real) {
        const own = holds.filter(({ snapshot }) => snapshot === hold.snapshot);
        assert.ok(own.length > 0, `seed ${seed}: ${hold.snapshot} is held`);
        // What imitates a hold of its own snapshot cannot be told from one; whoever sets it could set that one too.
        const forges = hold.tag.includes(`\n${hold.snapshot}\t`);
        if (!forges)
          assert.ok(
            own.some(({ tag }) => tag === hold.tag),
            `seed ${seed}: ${JSON.stringify(hold)}`,
          );
      }
      const free = names.filter((name) => !real.some(({ snapshot }) => snapshot === name));
      assert.deepEqual(
        holds.filter(({ snapshot }) => free.includes(snapshot)),
        [],
        `seed ${seed}`,
      );
    }
  });
});
