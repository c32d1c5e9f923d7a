// Runtime half of zfs-ssh-connection: a configuration node that others lease a host from. It opens nothing by itself;
// the connection is made by the first job that needs it (src/host/ssh/ssh-host.ts).
import type { EventEmitter } from 'node:events';
import type { Node } from 'node-red';
import { stableHash } from '../../src/base/stable-hash';
import { registerEndpoints } from '../admin/endpoints';
import { CREDENTIALS_CHANGED } from '../admin/staged-keys';
import { CREDENTIALS, IDENTITY } from '../node-options';
import { attempt } from '../runtime/attempt';
import { engine } from '../runtime/engine';
import type { ConnectionHandle } from '../runtime/host-leases';
import { hostPool } from '../runtime/host-leases';
import { migrate } from '../runtime/migrate';
import type { NodeConfig, Red } from '../runtime/red';
import { warmUpFor } from '../runtime/warm-up';
import { jumpHashes, routeOptions } from './route';
import { SSH_CONNECTION, type SshCredentials } from './ssh-options';

const TYPE = 'zfs-ssh-connection';

interface ConnectionNode extends Node<Required<SshCredentials>> {
  connection: ConnectionHandle;
}

/** The properties of the contract, and nothing of the editor's. */
function ownProperties(config: NodeConfig): Record<string, unknown> {
  return Object.fromEntries(Object.keys({ ...IDENTITY, ...SSH_CONNECTION }).map((name) => [name, config[name]]));
}

/** The credentials that are the connection's own: a key that waits beside them is none yet. */
function ownCredentials(node: Node<SshCredentials>): Record<string, string> {
  // Absent until somebody has entered one.
  const found: SshCredentials = node.credentials ?? {};
  return Object.fromEntries(
    CREDENTIALS[TYPE].flatMap((name) => (found[name] === undefined ? [] : [[name, found[name]]])),
  );
}

function handleOf(RED: Red, node: Node<SshCredentials>, config: NodeConfig): ConnectionHandle {
  const values = ownProperties(config);
  const credentials = (): Record<string, string> => ownCredentials(node);
  const ownHash = (): string => stableHash({ values, credentials: credentials() });
  const configHash = (): string => stableHash({ own: ownHash(), jumps: jumpHashes(RED, node.id, values) });
  return {
    get configHash() {
      return configHash();
    },
    get ownHash() {
      return ownHash();
    },
    values,
    credentials,
    lease: () => {
      // Both of this moment: the jump connections may be others by the time that the host is asked for.
      const route = attempt(() => routeOptions(RED, node.id, migrate(values), credentials()));
      return hostPool.lease(`${node.id} ${configHash()}`, () => {
        // Mistakes are reported to the message that needs the connection, not at deploy.
        if (route.error !== undefined) throw route.error;
        return new (engine.ssh().SshHost)(route.value);
      });
    },
  };
}

export = (RED: Red): void => {
  registerEndpoints(RED);
  function construct(this: ConnectionNode, config: NodeConfig): void {
    RED.nodes.createNode(this, config);
    warmUpFor(RED, 'connection');
    const handle = handleOf(RED, this, config);
    // Not enumerable: a node that somebody prints or clones must not carry it along.
    Object.defineProperty(this, 'connection', { value: handle, enumerable: false });
    // Held over the time between two jobs, so that they share one connection.
    let lease = handle.lease();
    this.on('close', () => lease.release());
    (this as EventEmitter).on(CREDENTIALS_CHANGED, () => {
      lease.release();
      lease = handle.lease();
    });
  }
  const secret = { type: 'password' as const };
  RED.nodes.registerType<ConnectionNode, NodeConfig, object, Required<SshCredentials>>(TYPE, construct, {
    credentials: { privateKey: secret, passphrase: secret, password: secret },
  });
};
