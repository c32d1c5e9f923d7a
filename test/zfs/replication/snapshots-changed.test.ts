// What ZFS does to `snapshots_changed` (docs/decisions/0010-nothing-changed.md): the facts that `discover/unchanged.ts` stands on. Each
// operation has a dataset of its own with the snapshots 1, 2 and 3, and more than a second between before and after.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { useMachines } from '../../support/machines';

interface Operation {
  what: string;
  /** Of the shell, with the dataset as $1; `prepare` before the second has passed. */
  prepare?: string;
  run: string;
  /** Whose property is looked at; default: the dataset itself. */
  of?: string;
}

const NOTED: readonly Operation[] = [
  { what: 'a snapshot', run: 'zfs snapshot "$1@4"' },
  { what: 'a snapshot with its children', prepare: 'zfs create "$1/c"', run: 'zfs snapshot -r "$1@4"' },
  { what: 'destroying a snapshot', run: 'zfs destroy "$1@2"' },
  { what: 'renaming a snapshot', run: 'zfs rename "$1@2" other' },
  { what: 'a rollback that discards snapshots', run: 'zfs rollback -r "$1@2"' },
  { what: 'a channel program that snapshots', run: `echo "zfs.sync.snapshot('$1@4')" | zfs program tank -` },
  { what: 'a channel program that destroys', run: `echo "zfs.sync.destroy('$1@2')" | zfs program tank -` },
  {
    what: 'receiving an increment',
    prepare: 'zfs send "$1@1" | zfs receive -u "$1-copy"',
    run: 'zfs send -I @1 "$1@3" | zfs receive -u "$1-copy"',
    of: '$1-copy',
  },
  {
    what: 'receiving with -F over a snapshot of its own',
    prepare: 'zfs send -R "$1@2" | zfs receive -u "$1-copy"; zfs snapshot "$1-copy@own"',
    run: 'zfs send -i @2 "$1@3" | zfs receive -F -u "$1-copy"',
    of: '$1-copy',
  },
  { what: 'the last release of a snapshot whose destruction waits', prepare: 'zfs hold x "$1@3"; zfs destroy -d "$1@3"', run: 'zfs release x "$1@3"' }, // prettier-ignore
  { what: 'destroying the clone for which a snapshot waited', prepare: 'zfs clone "$1@3" "$1-c"; zfs destroy -d "$1@3"', run: 'zfs destroy "$1-c"' }, // prettier-ignore
  { what: 'losing snapshots to a clone that is promoted', prepare: 'zfs clone "$1@2" "$1-c"', run: 'zfs promote "$1-c"' }, // prettier-ignore
];

const NOT_NOTED: readonly Operation[] = [
  { what: 'a hold, and its release', run: 'zfs hold x "$1@2"; zfs release x "$1@2"' },
  { what: 'a bookmark', run: 'zfs bookmark "$1@2" "$1#b"' },
  { what: 'destroying a bookmark', prepare: 'zfs bookmark "$1@2" "$1#b"', run: 'zfs destroy "$1#b"' },
  { what: 'a property of a snapshot', run: 'zfs set a:b=c "$1@2"' },
  { what: 'writing, and going back to the newest snapshot', run: 'zfs set atime=off "$1"; echo x >"/$1/file"; zpool sync; zfs rollback "$1@3"' }, // prettier-ignore
  { what: 'destroying a held snapshot later', prepare: 'zfs hold x "$1@3"', run: 'zfs destroy -d "$1@3"' },
  { what: 'a clone', run: 'zfs clone "$1@2" "$1-c"' },
  { what: 'a snapshot of a child alone', prepare: 'zfs create "$1/c"', run: 'zfs snapshot "$1/c@4"' },
  { what: 'sending', run: 'zfs send "$1@2" | cat >/dev/null' },
  { what: 'being unmounted and mounted', run: 'zfs unmount "$1"; zfs mount "$1"' },
  { what: 'being renamed', run: 'zfs rename "$1" "$1-n"; zfs rename "$1-n" "$1"' },
  {
    what: 'a receive that is cut, and given up',
    prepare: 'zfs send "$1@1" | zfs receive -u "$1-copy"; dd if=/dev/urandom of="/$1/big" bs=1M count=4 2>/dev/null; zfs snapshot "$1@4"', // prettier-ignore
    run: 'zfs send -i @1 "$1@4" | head -c 2000000 | zfs receive -s -u "$1-copy" || :; zfs receive -A "$1-copy"',
    of: '$1-copy',
  },
  // It gains snapshots all the same: what tells is its origin.
  { what: 'gaining snapshots by being promoted', prepare: 'zfs clone "$1@2" "$1-c"; zfs snapshot "$1-c@own"', run: 'zfs promote "$1-c"', of: '$1-c' }, // prettier-ignore
];

describe('what ZFS notes in snapshots_changed', function () {
  this.timeout(240_000);
  let nas: Machine;
  let earlier: string[];
  let later: string[];
  const all = [...NOTED, ...NOT_NOTED];

  useMachines({ nas: { pool: 'tank' } }, (machines) => ({ nas } = machines));

  /** A script over all operations, each with its dataset as $1. */
  async function each(script: (operation: Operation) => string): Promise<string[]> {
    const parts = all.map((operation, index) => `set -- tank/op${index}\n${script(operation)}`);
    const { stdout } = await nas.sh(parts.join('\n'));
    return stdout.split('\n').filter(Boolean);
  }
  const read = ({ of = '$1' }: Operation): string => `zfs get -Hp -o value snapshots_changed "${of}"`;

  before(async () => {
    await each(({ prepare = ':' }) => `zfs create "$1"; for n in 1 2 3; do zfs snapshot "$1@$n"; done; ${prepare}`);
    await nas.sh('sleep 1.2');
    earlier = await each(read);
    const codes = await each(({ run }) => `if ( ${run} ) >/dev/null 2>&1; then echo 0; else echo failed; fi`);
    assert.deepEqual(codes, all.map(() => '0')); // prettier-ignore
    later = await each(read);
  });

  for (const [index, { what }] of NOTED.entries()) {
    it(`notes ${what}`, () => {
      assert.match(later[index] ?? '', /^\d+$/);
      assert.notEqual(later[index], earlier[index]);
    });
  }

  for (const [index, { what }] of NOT_NOTED.entries()) {
    it(`does not note ${what}`, () => {
      assert.match(later[NOTED.length + index] ?? '', /^\d+$/);
      assert.equal(later[NOTED.length + index], earlier[NOTED.length + index]);
    });
  }

  it('gives what is promoted another origin, and back again only by a change that is noted', async () => {
    await nas.sh(
      'zfs create tank/o; zfs snapshot tank/o@1; zfs clone tank/o@1 tank/c; zfs snapshot tank/c@2; sleep 1.2',
    );
    const origin = (): Promise<string> => nas.property('tank/c', 'origin');
    assert.equal(await origin(), 'tank/o@1');
    const changed = await nas.property('tank/c', 'snapshots_changed');
    await nas.run(['zfs', 'promote', 'tank/c']);
    assert.deepEqual([await origin(), await nas.property('tank/c', 'snapshots_changed')], ['-', changed]);
    await nas.run(['zfs', 'promote', 'tank/o']);
    assert.equal(await origin(), 'tank/o@1');
    assert.notEqual(await nas.property('tank/c', 'snapshots_changed'), changed);
  });

  it('names the newest snapshot at once, whatever came to it, and of a clone that of its origin', async () => {
    const newest = async (dataset: string): Promise<string> => nas.property(dataset, 'prevsnap');
    const seen: string[] = [];
    for (const step of [
      'zfs create tank/p; zfs create -V 8M tank/p/v; zfs snapshot -r tank/p@1; zfs snapshot -r tank/p@2',
      'zfs rename tank/p@1 tank/p@other',
      'zfs rename tank/p@2 tank/p@new',
      'zfs destroy tank/p@new',
      'zfs send tank/p@other | zfs receive -u tank/q; zfs snapshot tank/p@3; zfs send -i other tank/p@3 | zfs receive -u tank/q',
    ]) {
      await nas.sh(step);
      seen.push(await newest('tank/p'));
    }
    assert.deepEqual(seen, ['tank/p@2', 'tank/p@2', 'tank/p@new', 'tank/p@other', 'tank/p@3']);
    await nas.sh('zfs clone tank/p@3 tank/pc; zfs create tank/empty');
    const others = await Promise.all(['tank/q', 'tank/p/v', 'tank/pc', 'tank/empty'].map(newest));
    assert.deepEqual(others, ['tank/q@3', 'tank/p/v@2', 'tank/p@3', '-']);
  });

  it('keeps it over an export and import, which give the pool another load_guid', async () => {
    const look = async (): Promise<string[]> => [
      await nas.property('tank/op0', 'snapshots_changed'),
      await nas.read(['zpool', 'get', '-Hp', '-o', 'value', 'load_guid,guid', 'tank']),
    ];
    const [changed, loaded = ''] = await look();
    await nas.sh('zpool export tank; zpool import -d /dev/ubda -d /dev/ubdb tank');
    const [again, reloaded = ''] = await look();
    assert.equal(again, changed);
    const [load, guid] = loaded.split('\n');
    assert.equal(reloaded.split('\n')[1], guid);
    assert.notEqual(reloaded.split('\n')[0], load);
  });

  it('notes whole seconds: two changes within one look like one', async () => {
    const script = `zfs create tank/s; for try in 1 2 3 4 5 6 7 8; do
      zfs snapshot "tank/s@a$try"; one=$(zfs get -Hp -o value snapshots_changed tank/s)
      zfs snapshot "tank/s@b$try"; two=$(zfs get -Hp -o value snapshots_changed tank/s)
      [ "$one" = "$two" ] && echo alike; done; :`;
    assert.match((await nas.sh(script)).stdout, /alike/);
  });

  it('notes what the clock says, also one that was put back', async () => {
    await nas.sh('zfs create tank/k; zfs snapshot tank/k@1');
    const first = Number(await nas.property('tank/k', 'snapshots_changed'));
    await nas.sh('date -s "@$(( $(date +%s) - 5000 ))"; zfs snapshot tank/k@2');
    assert.ok(Number(await nas.property('tank/k', 'snapshots_changed')) < first - 4000);
  });

  it('says nothing of a dataset that never had a snapshot', async () => {
    await nas.run(['zfs', 'create', 'tank/none']);
    assert.equal(await nas.property('tank/none', 'snapshots_changed'), '-');
  });
});
