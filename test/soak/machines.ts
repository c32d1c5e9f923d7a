// The two machines of a soak: what is on them, who writes to them, and what is found there, while it goes on and at its end.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { marks } from '../support/engine';
import { randomFrom } from '../support/random';
import { leftOn } from '../support/wire-left';
import { CARES, type Care } from './flows';
import type { Seen, Sides } from './judge/data';
import { takenFrom } from './judge/data';

export type Machines = Readonly<Record<'a' | 'b', Machine>>;

/** For the encrypted dataset; a machine forgets it when it boots. */
const KEY = 'a passphrase of the soak';
const KEY_FILE = '/root/soak.key';
/** The connections of the lab itself stay; of Node-RED's a machine may have one. */
const MOST_MARKS = 16;

export const cares: readonly Care[] = Object.values(CARES);

export async function bootMachines(lab: Lab): Promise<Machines> {
  // Small, so that they can be filled.
  const size = { disks: 2, diskMb: 384, mem: 512 };
  const [a, b] = await Promise.all([lab.up('a', { pool: 'tank', ...size }), lab.up('b', { pool: 'backup', ...size })]);
  await Promise.all([a, b].map(prepare));
  await a.sh('zfs create tank/ballast');
  await b.sh('zfs create backup/ballast');
  await a.sh(`zfs create -o encryption=on -o keyformat=passphrase -o keylocation=file://${KEY_FILE} tank/secret`);
  for (const { source, children } of cares) {
    for (const child of children)
      await a.sh('zfs list "$1" >/dev/null 2>&1 || zfs create "$1"', { args: [source + child] });
  }
  return { a, b };
}

/** What does not outlive a boot. */
export async function prepare(machine: Machine): Promise<void> {
  await machine.sh(
    `printf %s "$1" >${KEY_FILE}; chmod 600 ${KEY_FILE}; zfs load-key -a 2>/dev/null || true; zfs mount -a`,
    {
      args: [KEY],
    },
  );
  await machine.run(['date', '-u', '-s', `@${(Date.now() / 1000).toFixed(3)}`]);
}

/** Somebody who works on the source: files come and are written over, small ones mostly. */
export class Writer {
  private readonly random: () => number;
  private stopped = false;
  private working: Promise<void> = Promise.resolve();

  constructor(
    seed: number,
    private readonly machine: Machine,
    private readonly isUp: () => boolean,
  ) {
    this.random = randomFrom(seed + 1);
  }

  start(): void {
    this.working = this.work();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.working;
  }

  private async work(): Promise<void> {
    const datasets = cares.flatMap(({ source, children }) => children.map((child) => source + child));
    while (!this.stopped) {
      const dataset = datasets[Math.floor(this.random() * datasets.length)] ?? '';
      const kb = this.random() < 0.15 ? 4_000 : 1 + Math.floor(this.random() * 300);
      const file = `/${dataset}/file${Math.floor(this.random() * 3)}`;
      const script = 'dd if=/dev/urandom of="$1" bs=1k count="$2" status=none';
      // A machine that is away and a pool that is full are what a soak is about.
      if (this.isUp()) await this.machine.sh(script, { args: [file, String(kb)] }).catch(() => undefined);
      await sleep(1_500 + this.random() * 3_000);
    }
  }
}

/** What has been seen of the snapshots of the source while they were there. */
export class Sightings {
  /** Names after `@` by dataset, in the order they were taken. */
  readonly taken = new Map<string, string[]>();
  readonly guids = new Map<string, Map<string, string>>();
  /** By GUID. */
  readonly digests = new Map<string, string>();

  /** Looks at what is new. Throws when the machine does not answer. */
  async look(a: Machine): Promise<void> {
    // A pool's history is as long as its pool is large: of a small one it goes back half an hour.
    for (const [dataset, names] of takenFrom(await a.read(['zpool', 'history', '-i', 'tank']))) {
      const known = this.taken.get(dataset) ?? [];
      this.taken.set(dataset, known);
      for (const name of names) if (!known.includes(name)) known.push(name);
    }
    for (const [dataset, all] of await listed(a, 'tank')) {
      const known = this.guids.get(dataset) ?? new Map<string, string>();
      this.guids.set(dataset, known);
      for (const { name, guid } of all) {
        known.set(name, guid);
        if (this.digests.has(guid)) continue;
        const digest = await a.digest(`${dataset}@${name}`).catch(() => undefined);
        if (digest !== undefined) this.digests.set(guid, digest);
      }
    }
  }

  /** Contents of all copies of what was seen. */
  async compare(b: Machine): Promise<{ compared: number; faults: string[] }> {
    await b.sh(`for d in $(zfs list -H -o name -r backup); do
      if [ "$(zfs get -H -o value keystatus "$d")" = unavailable ]; then zfs load-key -L file://${KEY_FILE} "$d"; fi; done`);
    const faults: string[] = [];
    let compared = 0;
    for (const [dataset, all] of await listed(b, 'backup')) {
      for (const { name, guid } of all) {
        const before = this.digests.get(guid);
        if (before === undefined) continue;
        compared++;
        if ((await b.digest(`${dataset}@${name}`)) !== before)
          faults.push(`${dataset}@${name} has other files than its source had`);
      }
    }
    return { compared, faults };
  }
}

/** Snapshots of a pool by dataset, in the order they were taken. */
async function listed(machine: Machine, pool: string): Promise<Map<string, Seen[]>> {
  const argv = ['zfs', 'list', '-Hp', '-r', '-t', 'snapshot', '-o', 'name,guid,creation', '-s', 'createtxg', pool];
  const found = new Map<string, Seen[]>();
  for (const line of (await machine.read(argv)).split('\n').filter(Boolean)) {
    const [full = '', guid = '', creation = ''] = line.split('\t');
    const [dataset = '', name = ''] = full.split('@');
    found.set(dataset, [...(found.get(dataset) ?? []), { name, guid, created: Number(creation) }]);
  }
  return found;
}

export async function sidesAtEnd({ a, b }: Machines, sightings: Sightings): Promise<Sides[]> {
  const [source, target] = [await listed(a, 'tank'), await listed(b, 'backup')];
  const at = Date.now() / 1000;
  return cares.flatMap((care) =>
    care.children.map((child): Sides => {
      const [from, to] = [care.source + child, care.target + child];
      return {
        care,
        source: from,
        taken: (sightings.taken.get(from) ?? []).filter((name) => name.startsWith(`${care.prefix}-`)),
        guids: sightings.guids.get(from) ?? new Map<string, string>(),
        onSource: source.get(from) ?? [],
        onTarget: target.get(to) ?? [],
        at,
      };
    }),
  );
}

/** What should not be there when nothing runs any more. */
export async function leftBehind({ a, b }: Machines): Promise<string[]> {
  const faults: string[] = [];
  for (const machine of [a, b]) {
    const left = await leftOn(machine);
    if (left !== '') faults.push(`${machine.name} still has ${left.trim().replaceAll('\n', ', ')}`);
    for (const child of await childrenOfSessions(machine)) faults.push(`${machine.name} still runs ${child}`);
    const open = (await machine.link.stats()).open;
    if (open > 1) faults.push(`${open} connections to ${machine.name} are open`);
  }
  for (const { source, target, children } of cares) {
    for (const child of children) {
      const [left, right] = [await marks(a, source + child), await marks(b, target + child)];
      const token = await b.property(target + child, 'receive_resume_token');
      const newest = (await b.snapshotNames(target + child)).at(-1);
      const odd = [
        ...left.tentative.map((name) => `${source}${child}#${name}`),
        ...left.holds.map((name) => `a hold on ${source}${child}@${name}`),
        ...right.holds
          .filter((name) => !name.startsWith(`${newest}:`))
          .map((name) => `a hold on ${target}${child}@${name}`),
        ...(right.holds.length > 1 ? [`${right.holds.length} holds on ${target}${child}`] : []),
        ...(left.final.length > MOST_MARKS ? [`${left.final.length} bookmarks of ${source}${child}`] : []),
        ...(token === '-' ? [] : [`a partial receive of ${target}${child}`]),
      ];
      faults.push(...odd.map((one) => `left: ${one}`));
    }
  }
  const wanted = [
    'backup',
    'backup/ballast',
    ...cares.flatMap(({ target, children }) => children.map((c) => target + c)),
  ];
  for (const name of await b.datasets('backup')) if (!wanted.includes(name)) faults.push(`left: dataset ${name}`);
  return faults;
}

/** Programs below a login that are not this look itself: what a channel that nobody reads any more would have. */
async function childrenOfSessions(machine: Machine): Promise<string[]> {
  const all = (await machine.read(['ps', '-A', '-ww', '-o', 'pid=,ppid=,args='])).split('\n').map((line) => {
    const [pid = '', ppid = '', ...args] = line.trim().split(/\s+/);
    return { pid, ppid, args: args.join(' ') };
  });
  const sessions = new Set(all.filter(({ args }) => /^sshd(-session)?: .*(@|\[)/.test(args)).map(({ pid }) => pid));
  return all
    .filter(({ pid, ppid, args }) => sessions.has(ppid) && !sessions.has(pid) && !/ps -A|sshd/.test(args))
    .map(({ args }) => args);
}
