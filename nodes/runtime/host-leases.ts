// Which host a connection id stands for. A host is shared by all jobs that use the same configuration, opened when the
// first asks for it, and outlives a deploy as long as a job runs on it.
import { invalidOption } from '../../src/base/errors';
import type { Host, HostResolver } from '../../src/host/host';
import { engine } from './engine';
import { jumpProblem } from './jump-chain';
import type { Red } from './red';

/** What a `zfs-ssh-connection` node offers to the others; a property of the node, never of a message. */
export interface ConnectionHandle {
  /** Equal for equal configuration, credentials and those of the jump connections on its way included. */
  readonly configHash: string;
  /** The same without the jump connections. */
  readonly ownHash: string;
  /** Its properties, without the credentials. */
  readonly values: Readonly<Record<string, unknown>>;
  /** By name, those that there are. For whoever makes a connection. */
  credentials(): Readonly<Record<string, string>>;
  lease(): HostLease;
}

export interface HostLease {
  readonly host: Host;
  release(): void;
}

/** Milliseconds a host without users stays open: a deploy lets go of it and takes it again. */
const LINGER = 15_000;

interface Entry {
  host: Host | undefined;
  users: number;
  timer: NodeJS.Timeout | undefined;
}

/** Hosts by key; one that nobody uses any more is closed after a while. */
export class HostPool {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly linger = LINGER) {}

  /** `make` is called when the host is first asked for. It may throw. */
  lease(key: string, make: () => Host): HostLease {
    const entry = this.entries.get(key) ?? { host: undefined, users: 0, timer: undefined };
    this.entries.set(key, entry);
    entry.users++;
    clearTimeout(entry.timer);
    let released = false;
    return {
      get host() {
        entry.host ??= make();
        return entry.host;
      },
      release: () => {
        if (released) return;
        released = true;
        entry.users--;
        if (entry.users === 0) this.closeLater(key, entry);
      },
    };
  }

  private closeLater(key: string, entry: Entry): void {
    entry.timer = setTimeout(() => {
      this.entries.delete(key);
      // Nobody is left to hear of a connection that does not close cleanly.
      entry.host?.close().catch(() => undefined);
    }, this.linger);
    entry.timer.unref();
  }
}

/** Of this process, so that it survives deploys. */
export const hostPool = new HostPool();

/** The handle of a connection node, or undefined when the id is none's. */
export function connectionHandle(RED: Red, id: string): ConnectionHandle | undefined {
  const node = RED.nodes.getNode(id) as { type?: string; connection?: ConnectionHandle } | null;
  return node?.type === 'zfs-ssh-connection' ? node.connection : undefined;
}

/**
 * Hosts for one job, kept open until `release`. Throws INVALID_OPTIONS for an id that is no connection's, with `field` =
 * the property of `values` that holds it.
 */
export function leaseHosts(
  RED: Red,
  values: Readonly<Record<string, unknown>>,
): { hosts: HostResolver; release: () => void } {
  const leases = new Map<string, HostLease>();
  const hosts: HostResolver = (id) => {
    if (id === '') return engine.localHost();
    const known = leases.get(id);
    if (known !== undefined) return known.host;
    const handle = connectionHandle(RED, id);
    if (handle === undefined) {
      const problem = jumpProblem(RED, id);
      if (problem !== undefined) throw problem;
      const field = Object.keys(values).find((name) => holds(values[name], id)) ?? 'connection';
      throw invalidOption(
        field,
        `${field}: there is no SSH connection with the id ${JSON.stringify(id)}`,
        UNKNOWN_HINT,
      );
    }
    const lease = handle.lease();
    leases.set(id, lease);
    return lease.host;
  };
  return { hosts, release: () => [...leases.values()].forEach((lease) => lease.release()) };
}

const UNKNOWN_HINT = 'it was deleted, is disabled, or the flow was imported without it';

/** Hashes of all connections that a configuration names, at any depth (`protectFor` and policy rules name some too). */
export function connectionHashes(RED: Red, config: unknown): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (value: unknown): void => {
    if (typeof value === 'string' && value !== '') {
      const handle = connectionHandle(RED, value);
      if (handle !== undefined) found[value] = handle.configHash;
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(config);
  return found;
}

function holds(value: unknown, id: string): boolean {
  if (typeof value !== 'object' || value === null) return value === id;
  return Object.values(value).some((item) => holds(item, id));
}
