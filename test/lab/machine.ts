// A machine of the lab: commands in it, ZFS helpers for tests, its power and its link to this host.
// Booting is zfs-lab's; the lab that a machine belongs to is lab.ts.
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Control, type RunOptions, type RunResult } from './control';
import type { Link } from './link';

export const REPOSITORY = path.resolve(__dirname, '../..');
/** Where the directory of the host's Node is inside a machine. */
const NODE_INSIDE = '/host/node';

export interface MachineOptions {
  /** Created at the first boot, imported at later ones; `null`: no pool. Default `tank`. */
  pool?: string | null;
  /** Default 2, of `diskMb` MB (default 1024) each; they are sparse and in memory. */
  disks?: number;
  diskMb?: number;
  /** MB, default 768. */
  mem?: number;
  /** Further directories of the host: `DIR[=GUESTDIR][:ro]`. The repository and Node are always there, read-only. */
  shares?: readonly string[];
}

export interface SnapshotEntry {
  /** The part after `@` or `#`. */
  name: string;
  guid: string;
  createtxg: string;
}

/** What an ssh client on this host needs to log in. */
export interface Login {
  host: string;
  port: number;
  username: string;
  privateKey: string;
  hostKeys: string;
}

/** What a machine needs of its lab. */
export interface MachineHome {
  /** Runs the zfs-lab script. */
  script(argv: readonly string[]): Promise<string>;
  forward(name: string, address: string, port: number): Promise<Link>;
  readonly namespace: string;
  readonly state: string;
  readonly directory: string;
}

export function upArguments(name: string, options: MachineOptions): string[] {
  const pool = options.pool === undefined ? 'tank' : options.pool;
  const shares = [`${path.dirname(process.execPath)}=${NODE_INSIDE}:ro`, `${REPOSITORY}:ro`, ...(options.shares ?? [])];
  return [
    'up',
    name,
    `--disks=${options.disks ?? 2}`,
    `--disk-mb=${options.diskMb ?? 1024}`,
    `--mem=${options.mem ?? 768}`,
    ...(pool === null ? [] : ['--pool', pool]),
    ...shares.flatMap((share) => ['--share', share]),
  ];
}

export class Machine {
  private readonly control: Control;

  /** Not for tests: `lab.up()` makes machines. */
  constructor(
    private readonly home: MachineHome,
    readonly name: string,
    readonly options: MachineOptions,
    /** In the lab's network, where machines also know each other by name. */
    readonly address: string,
    /** From 127.0.0.1 of this host to its sshd. */
    readonly link: Link,
  ) {
    this.control = new Control(
      name,
      home.namespace,
      path.join(home.state, 'ssh_config'),
      path.join(home.directory, name),
    );
  }

  /** TCP port on 127.0.0.1 of this host that reaches its sshd, through `link`. */
  get port(): number {
    return this.link.port;
  }

  /** `ssh-ed25519 AAAA…`; it outlives a power cut. */
  get hostKey(): string {
    return readFileSync(path.join(this.home.state, this.name, 'hostkey.pub'), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
  }

  /** The lab's key (Ed25519, OpenSSH format, no passphrase): every account of every machine takes it. */
  get privateKey(): string {
    return readFileSync(path.join(this.home.state, 'key'), 'utf8');
  }

  /** Properties of a `zfs-ssh-connection` that leads here. */
  login(username = 'root'): Login {
    return { host: '127.0.0.1', port: this.port, username, privateKey: this.privateKey, hostKeys: this.hostKey };
  }

  run(argv: readonly string[], options?: RunOptions): Promise<RunResult> {
    return this.control.run(argv, options);
  }

  /** `run`, and only what it printed, without the last newline. */
  async read(argv: readonly string[], options?: RunOptions): Promise<string> {
    return (await this.run(argv, options)).stdout.replace(/\n$/, '');
  }

  /** A script for `sh -eu`; its `args` are `$1`, `$2`, … */
  sh(script: string, options: RunOptions & { args?: readonly string[] } = {}): Promise<RunResult> {
    return this.run(['sh', '-euc', script, 'sh', ...(options.args ?? [])], options);
  }

  /** The process of an ssh client that runs `argv`, for streams and for what runs long. */
  spawn(argv: readonly string[], options: { user?: string; stdio?: StdioOptions } = {}): Promise<ChildProcess> {
    return this.control.spawn(argv, options.user, options.stdio);
  }

  /**
   * Runs a script of this repository with this host's Node *inside* the machine, where `zfs` is the machine's own.
   * `script` is a path in the repository; a `.ts` file runs through tsx (half a second more), `dist/` runs as it is.
   */
  node(
    script: string,
    options: RunOptions & { args?: readonly string[]; env?: Record<string, string> } = {},
  ): Promise<RunResult> {
    return this.run(this.nodeArgv(script, options.args, options.env), options);
  }

  /** The argv of `node()`, for `spawn`. */
  nodeArgv(script: string, args: readonly string[] = [], env: Record<string, string> = {}): string[] {
    const loader = script.endsWith('.ts')
      ? ['--require', path.join(REPOSITORY, 'node_modules/tsx/dist/cjs/index.cjs')]
      : [];
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const node = path.join(NODE_INSIDE, path.basename(process.execPath));
    return ['env', '-C', REPOSITORY, ...settings, node, ...loader, path.resolve(REPOSITORY, script), ...args];
  }

  /** Another TCP port of the machine, on a free port of 127.0.0.1; a link with controls of its own. */
  expose(port: number): Promise<Link> {
    return this.home.forward(`${this.name}:${port}`, this.address, port);
  }

  // ---- power ------------------------------------------------------------------------------------------------------

  /** Gone from one moment to the next. Connections of others to it hang until they notice; disks stay for `boot()`. */
  async powerCut(): Promise<void> {
    await this.home.script(['down', this.name, '--keep']);
    await this.control.close();
  }

  /** After `powerCut()`: same disks, name, address, port and host key. Takes 7 s when there is a pool to import. */
  async boot(): Promise<void> {
    await this.home.script(upArguments(this.name, this.options));
  }

  /** Gone for good, with its disks. */
  async down(): Promise<void> {
    await this.home.script(['down', this.name]);
    await this.control.close();
  }

  /** Ends its ssh connections, as `lab.close()` does first; the next command makes a new one. */
  disconnect(): Promise<void> {
    return this.control.close();
  }

  // ---- ZFS --------------------------------------------------------------------------------------------------------

  /** A file system with its parents, or with `volumeMb` a volume. */
  async createDataset(
    name: string,
    options: { properties?: Record<string, string>; volumeMb?: number } = {},
  ): Promise<void> {
    const properties = Object.entries(options.properties ?? {}).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
    const volume = options.volumeMb === undefined ? [] : ['-V', `${options.volumeMb}M`];
    await this.run(['zfs', 'create', '-p', ...properties, ...volume, name]);
  }

  /** Answers the full name. */
  async snapshot(dataset: string, name: string, options: { recursive?: boolean } = {}): Promise<string> {
    const snapshot = `${dataset}@${name}`;
    await this.run(['zfs', 'snapshot', ...(options.recursive === true ? ['-r'] : []), snapshot]);
    return snapshot;
  }

  /** One after the other, so that each has a txg of its own, in one command. */
  async snapshotEach(dataset: string, names: readonly string[]): Promise<void> {
    await this.sh('d=$1; shift; for n in "$@"; do zfs snapshot "$d@$n"; done', { args: [dataset, ...names] });
  }

  /** `mb` MB that do not compress, in a file of a mounted file system. */
  async writeRandom(dataset: string, file: string, mb: number): Promise<void> {
    const script =
      'at=$(zfs get -H -o value mountpoint "$1"); dd if=/dev/urandom of="$at/$2" bs=1M count="$3" status=none';
    await this.sh(script, { args: [dataset, file, String(mb)] });
  }

  /** A text into a file of a mounted file system. */
  async writeFile(dataset: string, file: string, text: string): Promise<void> {
    await this.sh('at=$(zfs get -H -o value mountpoint "$1"); cat >"$at/$2"', { args: [dataset, file], stdin: text });
  }

  /** Of this dataset alone, oldest first. */
  snapshots(dataset: string): Promise<SnapshotEntry[]> {
    return this.entries('snapshot', dataset, '@');
  }

  async snapshotNames(dataset: string): Promise<string[]> {
    return (await this.snapshots(dataset)).map(({ name }) => name);
  }

  bookmarks(dataset: string): Promise<SnapshotEntry[]> {
    return this.entries('bookmark', dataset, '#');
  }

  /** Full names of file systems and volumes, with everything below `root`. */
  async datasets(root: string): Promise<string[]> {
    const listed = await this.read(['zfs', 'list', '-H', '-r', '-t', 'filesystem,volume', '-o', 'name', root]);
    return listed.split('\n');
  }

  /** Tags of the holds on one snapshot. */
  async holds(snapshot: string): Promise<string[]> {
    const listed = await this.read(['zfs', 'holds', '-H', snapshot]);
    return listed === '' ? [] : listed.split('\n').map((line) => line.split('\t')[1] ?? '');
  }

  /** The parsable value of one property. */
  property(dataset: string, property: string): Promise<string> {
    return this.read(['zfs', 'get', '-Hp', '-o', 'value', property, dataset]);
  }

  async exists(name: string): Promise<boolean> {
    const listed = await this.run(['zfs', 'list', '-H', '-o', 'name', '-t', 'all', name], { check: false });
    if (listed.code !== 0 && !/does not exist/.test(listed.stderr))
      throw new Error(`zfs list ${name}: ${listed.stderr}`);
    return listed.code === 0;
  }

  /** Everything at and below a name, holds apart. */
  async destroy(name: string): Promise<void> {
    await this.run(['zfs', 'destroy', '-R', name]);
  }

  /** One hash over names and contents of all files of a snapshot of a file system. */
  async digest(snapshot: string): Promise<string> {
    const script = `d=$(mktemp -d); mount -t zfs "$1" "$d"; trap 'umount "$d"; rmdir "$d"' EXIT
      cd "$d"; find . -type f -exec sha256sum {} + | sort -k2 | sha256sum | cut -d' ' -f1; cd /`;
    return (await this.sh(script, { args: [snapshot] })).stdout.trim();
  }

  private async entries(kind: string, dataset: string, separator: string): Promise<SnapshotEntry[]> {
    const argv = ['zfs', 'list', '-Hp', '-d', '1', '-t', kind, '-o', 'name,guid,createtxg', '-s', 'createtxg', dataset];
    const listed = await this.read(argv);
    if (listed === '') return [];
    return listed.split('\n').map((line) => {
      const [name = '', guid = '', createtxg = ''] = line.split('\t');
      return { name: name.slice(name.indexOf(separator) + 1), guid, createtxg };
    });
  }
}
