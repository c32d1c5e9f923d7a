// A lab: small virtual machines with real OpenZFS, in a network of their own, for one test file or for `npm start`.
//
//   const lab = await Lab.create();
//   const src = await lab.up('src');                       // pool `tank`
//   await src.run(['zfs', 'create', 'tank/data']);
//   await lab.close();                                     // nothing is left
//
// What a machine can do is in machine.ts; how bytes reach it from this host, in link.ts; accounts, in ACCOUNTS.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Forwarder, Link } from './link';
import * as files from './leftovers';
import { Machine, upArguments, type MachineHome, type MachineOptions } from './machine';
import { labProblems } from './problems';

export type Flavour = 'newest' | 'backports' | 'bookworm';

/** Every machine has these; all take the lab's key. The accounts below root are unprivileged. */
export const ACCOUNTS = {
  root: { shell: 'bash' },
  /** Has sudo and doas without a password; for `zfs allow`. */
  op: { shell: 'bash' },
  /** May do nothing. */
  plain: { shell: 'sh' },
  /** Also logs in with this password. */
  pw: { shell: 'bash', password: 'lab-password' },
  cshuser: { shell: 'csh' },
  fishuser: { shell: 'fish' },
  /** Its rc file prints on stdout and stderr. */
  noisy: { shell: 'bash' },
  noisycsh: { shell: 'csh' },
} as const;

const run = promisify(execFile);
const open = new Set<Lab>();

/** Builds what the lab boots, unless it is there. Minutes the first time; `progress` gets its lines. */
export async function buildLab(
  flavour: Flavour = 'newest',
  progress: (line: string) => void = () => undefined,
): Promise<void> {
  const problems = labProblems(flavour);
  if (problems.length > 0) throw new Error(`The ZFS lab cannot run here.\n${problems.join('\n')}`);
  const child = spawn(`${files.LAB_SCRIPT}-build`, ['--flavour', flavour], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    for (const line of text.split('\n').filter(Boolean)) progress(line);
  });
  const code = await new Promise((resolve, reject) => {
    child.on('close', resolve).on('error', reject);
  });
  if (code !== 0) throw new Error(`The lab could not be built:\n${said.slice(-2000)}`);
}

export class Lab implements MachineHome {
  private readonly machines = new Map<string, Machine>();
  private forwarder: Forwarder | null = null;

  private constructor(
    readonly directory: string,
    readonly flavour: Flavour,
    readonly namespace: string,
  ) {}

  /**
   * Removes what dead processes left of their labs, and makes an empty one. Throws what is missing on this host.
   * A SIGINT, SIGTERM or SIGHUP removes the lab and ends the process, unless `signals` is false.
   */
  static async create(options: { flavour?: Flavour; signals?: boolean } = {}): Promise<Lab> {
    const flavour = options.flavour ?? (process.env['ZFS_LAB_FLAVOUR'] as Flavour | undefined) ?? 'newest';
    await buildLab(flavour);
    files.sweepLabs();
    const directory = files.newLabDirectory();
    mkdirSync(files.stateOf(directory), { recursive: true, mode: 0o700 });
    mkdirSync(files.disksOf(directory), { mode: 0o700 });
    writeFileSync(path.join(files.stateOf(directory), '.hold'), '');
    const asked = await run(files.LAB_SCRIPT, ['netns'], { env: files.labEnvironment(directory, flavour) });
    const lab = new Lab(directory, flavour, asked.stdout.trim());
    const record: files.LabRecord = {
      owner: { pid: process.pid, born: files.bornAt(process.pid) ?? '' },
      namespace: lab.namespace,
      disks: files.disksOf(directory),
    };
    writeFileSync(path.join(directory, 'lab.json'), JSON.stringify(record));
    open.add(lab);
    watchForTheEnd(options.signals !== false);
    return lab;
  }

  get state(): string {
    return files.stateOf(this.directory);
  }

  /** Boots a machine (name: a-z, 0-9, `-`); under a second. */
  async up(name: string, options: MachineOptions = {}): Promise<Machine> {
    await this.script(upArguments(name, options));
    this.forwarder ??= Forwarder.start(this.namespace, this.directory);
    const address = (await this.script(['ip', name])).trim();
    const link = await this.forward(name, address, 22);
    const machine = new Machine(this, name, options, address, link);
    this.machines.set(name, machine);
    return machine;
  }

  /** The machines' own view of each other: they know these names, and hold these host keys in their known_hosts. */
  network(): { name: string; address: string; hostKey: string }[] {
    return [...this.machines.values()].map(({ name, address, hostKey }) => ({ name, address, hostKey }));
  }

  /** The known_hosts file of all machines (names and lab addresses), for a client inside the lab. */
  knownHosts(): string {
    return readFileSync(path.join(this.state, 'known_hosts'), 'utf8');
  }

  /**
   * The cable between machines: those named no longer reach each other, everyone else and this host still reach them.
   * (A bridge has one kind of isolated port, so one such group at a time.) Undone by `joinAll` and by a reboot.
   */
  async separate(...machines: Machine[]): Promise<void> {
    for (const machine of machines) await this.isolate(machine, 'on');
  }

  async joinAll(): Promise<void> {
    for (const machine of this.machines.values()) await this.isolate(machine, 'off');
  }

  /** Pulls a machine's network cable altogether: unreachable for its peers, for this host, and for `run()`. */
  async unplug(machine: Machine): Promise<void> {
    await run('ip', ['-n', this.namespace, 'link', 'set', tapOf(machine), 'down']);
  }

  async plug(machine: Machine): Promise<void> {
    await run('ip', ['-n', this.namespace, 'link', 'set', tapOf(machine), 'up']);
  }

  /** Bytes per second that machines and host together can send to this machine; 0: as fast as it goes. */
  async limitInto(machine: Machine, bytesPerSecond: number): Promise<void> {
    const on = ['-n', this.namespace, 'qdisc'];
    const device = ['dev', tapOf(machine), 'root'];
    await run('tc', [...on, 'del', ...device]).catch(() => undefined); // there was none
    if (bytesPerSecond === 0) return;
    const shape = ['rate', `${bytesPerSecond * 8}bit`, 'burst', '128kb', 'latency', '100ms'];
    await run('tc', [...on, 'add', ...device, 'tbf', ...shape]);
  }

  /** Ends all machines and removes everything of the lab. May be called again. */
  async close(): Promise<void> {
    if (!open.delete(this)) return;
    await Promise.all([...this.machines.values()].map((machine) => machine.disconnect()));
    await this.forwarder?.stop();
    files.removeLab(this.directory);
  }

  /** A process outside the lab (a Node-RED, a broker) that is ended with it at the latest. */
  adopt(child: ChildProcess): void {
    if (child.pid !== undefined) files.recordCompanion(this.directory, child.pid);
  }

  /** Not for tests: the same when there is no time to wait. */
  closeNow(): void {
    if (open.delete(this)) files.removeLab(this.directory);
  }

  async script(argv: readonly string[]): Promise<string> {
    const options = { env: files.labEnvironment(this.directory, this.flavour), maxBuffer: 16 << 20 };
    return (await run(files.LAB_SCRIPT, argv, options)).stdout;
  }

  async forward(name: string, address: string, port: number): Promise<Link> {
    if (this.forwarder === null) throw new Error('the lab has no machine yet');
    return new Link(this.forwarder, name, await this.forwarder.forward(name, address, port));
  }

  private async isolate(machine: Machine, onOff: 'on' | 'off'): Promise<void> {
    await run('bridge', ['-n', this.namespace, 'link', 'set', 'dev', tapOf(machine), 'isolated', onOff]);
  }
}

const tapOf = (machine: Machine): string => `tap${machine.address.split('.')[3]}`;

function closeAll(): void {
  for (const lab of open) lab.closeNow();
}

const watched = new Set<string>();

// A test run that is interrupted leaves nothing either. (After a SIGKILL the forwarder does the same.)
function watchForTheEnd(signals: boolean): void {
  if (!watched.has('exit')) process.on('exit', closeAll);
  watched.add('exit');
  if (!signals || watched.has('signals')) return;
  watched.add('signals');
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.on(signal, () => {
      closeAll();
      process.exit(128 + number);
    });
  }
}
