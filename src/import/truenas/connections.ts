// SSH connections of TrueNAS's keychain as `zfs-ssh-connection` nodes, with the private keys beside them (truenas-api.md 4.3).
// `sudo` belongs to the tasks there and to the connection here: where tasks differ there are two connections.
import { importedId, type ConnectionDraft } from '../assemble';
import type { Findings } from '../result';
import { idOf, isRow, numberOf, secretOf, textOf, textsOf, Unusable, wordOf, type Row } from './records';

interface Wanted {
  withSudo: boolean;
  without: boolean;
}

const CIPHERS: Readonly<Record<string, 'auto' | 'none'>> = { STANDARD: 'auto', FAST: 'auto', DISABLED: 'none' };
/** What other machines call themselves. */
const LOOPBACK = /^(?:localhost|127\.[\d.]+|::1|\[::1\])$/i;

export class Connections {
  readonly drafts: ConnectionDraft[] = [];
  readonly secrets = new Map<string, Record<string, string>>();
  /** Ids that are named by nothing in the keychain. */
  private readonly missing = new Set<string>();
  private readonly rows = new Map<string, Row>();
  private readonly keys = new Map<string, Row>();
  private readonly wanted = new Map<string, Wanted>();

  constructor(
    private readonly hash: string,
    private readonly findings: Findings,
  ) {}

  /** An answer of `keychaincredential.query`. */
  learn(keychain: readonly Row[]): void {
    for (const row of keychain) {
      const id = idOf(row['id']);
      if (id === null) this.findings.error('import', 'a connection or key has no id that can be used, and is left out');
      else if (row['type'] === 'SSH_CREDENTIALS') this.rows.set(id, row);
      else if (row['type'] === 'SSH_KEY_PAIR') this.keys.set(id, row);
    }
  }

  /** A task names a connection, by number or, in answers, with the whole of it. Null where it names none. */
  use(named: unknown, sudo: boolean): string | null {
    const id = idOf(isRow(named) ? named['id'] : named);
    if (id === null) return null;
    const known = this.rows.get(id);
    if (isRow(named) && isRow(named['attributes']) && (known === undefined || !hasHost(known)) && hasHost(named)) {
      this.rows.set(id, named);
    }
    const wanted = this.wanted.get(id) ?? { withSudo: false, without: false };
    this.wanted.set(id, sudo ? { ...wanted, withSudo: true } : { ...wanted, without: true });
    return id;
  }

  /** Nothing tells of it but the task that names it. */
  isMissing(id: string): boolean {
    return !this.rows.has(id);
  }

  /** The node for a task that wants it with or without sudo. All tasks have to be known by then. */
  nodeFor(id: string, sudo: boolean): string {
    return importedId(this.hash, sudo && this.wanted.get(id)?.without === true ? 'sudo' : 'ssh', id);
  }

  /** Makes the nodes; call it when all tasks are known. */
  finish(): void {
    const ids = [...new Set([...this.rows.keys(), ...this.wanted.keys()])].toSorted((a, b) => Number(a) - Number(b));
    for (const id of ids) {
      const { withSudo = false, without = false } = this.wanted.get(id) ?? {};
      const row = this.rows.get(id);
      if (row === undefined) this.missing.add(id);
      this.make(id, 'ssh', row, withSudo && !without);
      if (withSudo && without) this.make(id, 'sudo', row, true);
    }
    const used = new Set([...this.rows.values()].map((row) => keyOf(row)));
    for (const [id, row] of this.keys) {
      if (used.has(id)) continue;
      this.findings.info('import', `the key pair "${nameOf(row, id)}" belongs to no SSH connection and is left out`);
    }
  }

  private make(id: string, kind: 'ssh' | 'sudo', row: Row | undefined, sudo: boolean): void {
    const item = `${kind}-${id}`;
    const node = importedId(this.hash, kind, id);
    if (row === undefined) {
      this.findings.error(
        item,
        'a task names this connection, but it is not there: its host, key and host keys are missing',
      );
      this.drafts.push({
        item,
        id: node,
        values: { name: `SSH connection ${id} (missing)`, host: '', sudo: sudoOf(sudo) },
      });
      return;
    }
    const attributes = isRow(row['attributes']) ? row['attributes'] : {};
    const name = nameOf(row, id);
    this.drafts.push({
      item,
      id: node,
      values: {
        name: kind === 'sudo' ? `${name} (sudo)` : name,
        host: textOf(attributes, 'host'),
        port: numberOf(attributes, 'port') ?? 22,
        username: textOf(attributes, 'username') || 'root',
        authMethod: 'privateKey',
        hostKeys: hostKeysOf(attributes),
        ciphers: 'auto',
        connectTimeout: numberOf(attributes, 'connect_timeout') ?? 10,
        sudo: sudoOf(sudo),
      },
    });
    if (kind === 'sudo')
      this.findings.info(item, 'some tasks use this connection with sudo and some without: there are two now');
    this.lookAt(item, attributes);
    this.takeKey(item, node, row);
  }

  private lookAt(item: string, attributes: Row): void {
    const host = textOf(attributes, 'host');
    if (LOOPBACK.test(host)) {
      this.findings.warn(
        item,
        `its host is ${host}, as seen from the TrueNAS: enter the name by which Node-RED reaches it`,
      );
    }
    if (hostKeysOf(attributes) === '') {
      this.findings.warn(item, 'it has no host key, and without one nothing connects: use "Discover host key"');
    }
    try {
      if (wordOf(attributes, 'cipher', CIPHERS, 'auto') === 'none') {
        this.findings.warn(item, 'its data was sent unencrypted (cipher DISABLED); there is no such thing here');
      }
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      this.findings.warn(item, error.message);
    }
  }

  /** One pair of keys may serve many connections: each gets a copy. */
  private takeKey(item: string, node: string, row: Row): void {
    const pair = this.keys.get(keyOf(row) ?? '');
    const held = pair !== undefined && isRow(pair['attributes']) ? pair['attributes'] : {};
    const privateKey = secretOf(held, 'private_key');
    if (privateKey.trim() !== '') {
      this.secrets.set(node, { privateKey });
      return;
    }
    const why =
      textOf(held, 'private_key') === ''
        ? 'is not among what was imported'
        : 'was not shown to the account that asked for it';
    this.findings.warn(item, `key missing: its private key ${why}. Paste it, or make a new pair in its dialog`);
  }
}

const sudoOf = (sudo: boolean): 'sudo' | 'none' => (sudo ? 'sudo' : 'none');

const nameOf = (row: Row, id: string): string => textOf(row, 'name') || `SSH connection ${id}`;

function hasHost(row: Row): boolean {
  return isRow(row['attributes']) && textOf(row['attributes'], 'host') !== '';
}

function keyOf(row: Row): string | null {
  const held = isRow(row['attributes']) ? row['attributes']['private_key'] : undefined;
  return idOf(isRow(held) ? held['id'] : held);
}

function hostKeysOf(attributes: Row): string {
  const text = textOf(attributes, 'remote_host_key') || textsOf(attributes, 'remote_host_key').join('\n');
  return text.trim() === '********' ? '' : text.trim();
}
