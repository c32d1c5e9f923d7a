// Connections that a request brings along because they are not deployed yet. An endpoint that asks machines takes them so:
//
//     { connection: "<id>", connections: { "<id>": { host, port, username, hostKeys, … }, … }, … }
//
// `connections` has, by the id that their nodes will have, the properties of `zfs-ssh-connection`. Secrets are not among them:
// they wait on the server under the same id (staged-keys.ts); what a person has typed in and nothing stages may stand in
// `credentials` of a draft, as for `test-connection`, and lives for the request. A draft may be reached through another draft
// (`jumpConnection`), or through a deployed connection.
//
// An endpoint does two things: it resolves connection ids by `leaseRequestHosts(RED, body)` instead of `leaseHosts`, and
// releases. That such a request needs `zfs.write`, whatever the endpoint needs (face.md §1: whoever has a host connected to that
// the request names), endpoints.ts sees to for all of them, by `bringsDrafts`.
//
// No draft gets hold of a secret of somebody else's. Stored secrets go with a draft only when a connection of its id is
// deployed for the same account, and every stop on the way there is what is deployed too; a stored password besides only to a
// host with the deployed host keys. Behind a stop that has no draft the way is the deployed one.
import { invalidOption } from '../../src/base/errors';
import { stableHash } from '../../src/base/stable-hash';
import type { Host, HostResolver } from '../../src/host/host';
import { readObject, readString, type RawOptions } from '../../src/options/read';
import { deployedStop, routeOptions, type Stop } from '../ssh-connection/route';
import { isDeployedAccount, secretsOf } from '../ssh-connection/secrets';
import type { SshCredentials } from '../ssh-connection/ssh-options';
import { engine } from '../runtime/engine';
import { connectionHandle, hostPool, leaseHosts, type HostLease } from '../runtime/host-leases';
import { migrate } from '../runtime/migrate';
import type { Red } from '../runtime/red';

/** More are in no wizard. */
const MOST = 50;

/** Anything at all under the name: what is malformed is refused to those alone who may bring it. */
export function bringsDrafts(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'connections' in body && body.connections !== undefined;
}

/** Throws INVALID_OPTIONS, field `connections`. */
function readDrafts(body: RawOptions): Map<string, RawOptions> {
  const entries = Object.entries(readObject(body, 'connections'));
  if (entries.length > MOST) throw invalidOption('connections', `connections: more than ${MOST} are not asked at once`);
  const drafts = new Map<string, RawOptions>();
  for (const [id, values] of entries) {
    if (id === '' || typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw invalidOption('connections', 'connections must have the properties of each connection under its id');
    }
    drafts.set(id, values as RawOptions);
  }
  return drafts;
}

class DraftRoutes {
  constructor(
    private readonly RED: Red,
    private readonly drafts: ReadonlyMap<string, RawOptions>,
  ) {}

  /** Throws INVALID_OPTIONS with the property in `field`. */
  optionsOf(id: string, way: readonly Stop[] = []): ReturnType<typeof routeOptions> {
    const draft = this.drafts.get(id);
    if (draft === undefined) return deployedStop(this.RED, id, way);
    const values = migrate(draft);
    return routeOptions(this.RED, id, values, this.secretsOf(id, values), way, (jump, stops) =>
      this.optionsOf(jump, stops),
    );
  }

  private secretsOf(id: string, values: RawOptions): SshCredentials {
    const given = readObject(values, 'credentials');
    const found = secretsOf(this.RED, id, values, given, this.isDeployedWay(id));
    if (found.password === undefined || typeof given['password'] === 'string' || this.hasDeployedKeys(id, values)) {
      return found;
    }
    const { password: _kept, ...others } = found;
    return others;
  }

  /** Every stop that has a draft is reached as it is deployed. */
  private isDeployedWay(id: string, seen: ReadonlySet<string> = new Set()): boolean {
    const draft = this.drafts.get(id);
    if (draft === undefined) return true;
    if (seen.has(id) || !isDeployedAccount(this.RED, id, draft)) return false;
    const jump = readString(draft, 'jumpConnection');
    return jump === '' || this.isDeployedWay(jump, new Set([...seen, id]));
  }

  private hasDeployedKeys(id: string, values: RawOptions): boolean {
    const deployed = connectionHandle(this.RED, id)?.values;
    return deployed !== undefined && readString(deployed, 'hostKeys').trim() === readString(values, 'hostKeys').trim();
  }
}

/**
 * Hosts for the connection ids of one request, its drafts among them, kept open until `release` (and for a moment longer, so
 * that the next request finds the connection open). Throws INVALID_OPTIONS, the resolver too: `field` is the property of the
 * request, or of the connection, that is wrong.
 */
export function leaseRequestHosts(RED: Red, body: RawOptions): { hosts: HostResolver; release: () => void } {
  if (!bringsDrafts(body)) return leaseHosts(RED, body);
  const drafts = readDrafts(body);
  const { connections: _drafts, ...question } = body;
  const deployed = leaseHosts(RED, question);
  const routes = new DraftRoutes(RED, drafts);
  const leases = new Map<string, HostLease>();
  const hosts = (id: string): Host => {
    if (!drafts.has(id)) return deployed.hosts(id);
    const known = leases.get(id);
    if (known !== undefined) return known.host;
    const options = routes.optionsOf(id);
    // The secrets are part of what is hashed: whoever has others gets a connection of their own.
    const lease = hostPool.lease(`draft ${stableHash(options)}`, () => new (engine.ssh().SshHost)(options));
    leases.set(id, lease);
    return lease.host;
  };
  const release = (): void => {
    deployed.release();
    for (const lease of leases.values()) lease.release();
  };
  return { hosts, release };
}
