// What imports from configuration files share: ids out of names (there are no numbers to take), connections by account, and one
// dataset to be left out of a tree while what is below it stays. Pure.
import { stableHash } from '../base/stable-hash';
import { hashIn, importedId, type ConnectionDraft, type Draft, type TaskDraft } from './assemble';
import { Findings, type DeployedConnection, type ImportChoices, type TaskType } from './result';

/** 6 hexadecimal digits that stand for a name as long as it is the same. */
export const nameHash = (...names: readonly string[]): string => stableHash(names).slice(0, 6);

/** A glob that matches this dataset and nothing below it. */
export function alone(dataset: string): string {
  return `${dataset.slice(0, -1)}[${dataset.slice(-1)}]`;
}

export interface Account {
  host: string;
  port?: number;
  username?: string;
  /** Path on the machine that runs Node-RED. */
  keyFile?: string;
}

export class TextDraft {
  readonly findings = new Findings();
  readonly hash: string;
  /** Connection to the machine whose configuration it is, '' = this one. */
  readonly here: string;
  private readonly connections = new Map<string, ConnectionDraft>();
  private readonly tasks = new Map<string, TaskDraft>();
  private readonly deployed: readonly DeployedConnection[];
  /** Those that tasks of this import use, by id. */
  private readonly used = new Map<string, DeployedConnection>();

  constructor(
    private readonly tool: string,
    { here, deployed = [] }: ImportChoices,
  ) {
    this.deployed = deployed;
    const name = typeof here === 'string' ? here : here.host;
    // A connection that an earlier import has made for the machine stands for it.
    this.hash = hashIn(here) ?? stableHash([tool, name]).slice(0, 8);
    this.here = typeof here === 'string' ? here : importedId(this.hash, 'self');
    if (typeof here === 'string') return;
    const values = { authMethod: 'privateKey', name: here.host, ...here };
    this.connections.set('self', { item: 'self', id: this.here, values });
  }

  /** The id of the connection for an account, of one that there is already if possible; a new one has no key, unless a file. */
  connectionTo(account: Account): string {
    const { host, port = 22, username = 'root', keyFile } = account;
    const old = nameHash(host, String(port), username);
    const item = `ssh-${old}`;
    const there = this.deployedFor({ host, port, username, ...(keyFile === undefined ? {} : { keyFile }) }, old);
    if (there !== undefined) {
      this.used.set(there.id, there);
      return there.id;
    }
    if (!this.connections.has(item)) {
      const way = keyFile === undefined ? { authMethod: 'privateKey' } : { authMethod: 'keyFile', keyFile };
      const values = { name: `${username}@${host}`, host, port, username, ...way };
      this.connections.set(item, { item, id: importedId(this.hash, 'ssh', old), values });
      const key = keyFile === undefined ? 'its key' : `its key (${keyFile} has to be readable for Node-RED)`;
      this.findings.warn(item, `${key} and its host key are not in the configuration: see to them in its dialog`);
    }
    return importedId(this.hash, 'ssh', old);
  }

  /** A connection that there was before this import. */
  isThere(connection: string): boolean {
    return this.used.has(connection);
  }

  /** What an earlier import has made stays what it is; of several to one account, none is more meant than the others. */
  private deployedFor(
    account: Required<Omit<Account, 'keyFile'>> & Account,
    old: string,
  ): DeployedConnection | undefined {
    const { host, port, username, keyFile } = account;
    if (this.deployed.some(({ id }) => id === importedId(this.hash, 'ssh', old))) return undefined;
    // Another machine means itself by such a name, and not the one that has the connection.
    if (this.here !== '' && LOOPBACK.test(host)) return undefined;
    const [there, ...others] = this.deployed.filter(
      (one) => one.host.toLowerCase() === host.toLowerCase() && one.port === port && one.username === username,
    );
    if (there === undefined || others.length > 0) return undefined;
    return keyFile === undefined || keyFile === there.keyFile ? there : undefined;
  }

  /** Undefined for a second one of the same names. */
  add(kind: 'snap' | 'repl' | 'prune', names: readonly string[], more: NewTask): TaskDraft | undefined {
    const old = nameHash(...names);
    const item = `${kind}-${old}`;
    if (this.tasks.has(item)) {
      this.findings.warn(item, 'stands there twice, and is imported once');
      return undefined;
    }
    const type = TYPES[kind];
    const task: TaskDraft = {
      item,
      id: importedId(this.hash, kind, old),
      type,
      starts: [],
      enabled: true,
      broken: false,
      button: false,
      ...more,
    };
    this.tasks.set(item, task);
    this.findings.info(item, `becomes a ${type} node: ${more.original.split('\n', 1)[0] ?? ''}`);
    for (const property of CONNECTIONS) {
      const there = [...this.used.values()].find(({ id }) => id === more.values[property]);
      if (there !== undefined && there.id !== this.here)
        this.findings.info(item, `uses your connection "${there.name}", which is there already`);
    }
    return task;
  }

  done(): Draft {
    return {
      version: this.tool,
      host: this.tool,
      hash: this.hash,
      connections: [...this.connections.values()],
      tasks: [...this.tasks.values()],
      secrets: new Map(),
      findings: this.findings,
    };
  }
}

const LOOPBACK = /^(?:localhost|127\.[\d.]+|\[?::1\]?)$/i;
const CONNECTIONS = ['connection', 'sourceConnection', 'targetConnection'] as const;

type NewTask = Pick<TaskDraft, 'values' | 'original'> & Partial<TaskDraft>;

const TYPES = { snap: 'zfs-snapshot', repl: 'zfs-replicate', prune: 'zfs-retention-prune' } as const satisfies Record<
  string,
  TaskType
>;
