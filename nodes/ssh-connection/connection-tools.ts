// What the buttons of the connection dialog ask for: the keys of a host, a new pair of keys, whether a connection works. With
// the values that the dialog shows, deployed or not. Stored secrets are used, never shown.
import { ZfsFlowError } from '../../src/base/errors';
import type { HostFacts } from '../../src/host/host';
import { readChoice, readObject, readString, type RawOptions } from '../../src/options/read';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import { routeOptions } from './route';
import { isDeployedAccount, secretsOf } from './secrets';
import type { SshCredentials } from './ssh-options';
import type { MachineAnswer, TestAnswer } from './test-answer';

/** Milliseconds after which nobody waits for what a machine can do. */
const LOOK_TIMEOUT_MS = 60_000;

/** Throws what kept the host from being asked. */
export async function discoverHostKey(RED: Red, body: RawOptions): Promise<Record<string, unknown>> {
  const keys = await engine.ssh().hostKeysOf(routeOptions(RED, readString(body, 'id'), body, {}));
  return { keys: keys.map(({ type, base64, fingerprint }) => ({ type, key: base64, fingerprint })) };
}

/** Both halves, for the dialog alone: nothing is stored. */
export async function generateKeyPair(body: RawOptions): Promise<Record<string, unknown>> {
  const type = readChoice(body, 'type', ['ed25519', 'rsa'], 'ed25519');
  const { privateKey, publicKey } = await engine.ssh().generateKeyPair(type);
  return { privateKey, publicKey };
}

/**
 * Connects, and tells what ZFS and what programs there are, and what that is enough for. Throws what keeps the connection from
 * working.
 */
export async function testConnection(RED: Red, body: RawOptions): Promise<Record<string, unknown>> {
  const { SshHost } = engine.ssh();
  const host = new SshHost(routeOptions(RED, readString(body, 'id'), body, credentialsFor(RED, body)));
  try {
    const facts = await host.facts({ refresh: true });
    if (facts.zfsVersion === '') {
      throw new ZfsFlowError('COMMAND_NOT_FOUND', 'the connection works, but there is no zfs command', {
        hint: 'Is ZFS installed? If it is in an unusual directory, enter that as additional PATH.',
      });
    }
    const readiness = await engine.readiness().look(host, {
      sudo: readChoice(body, 'sudo', ['none', 'sudo', 'doas'], 'none'),
      jump: readString(body, 'jumpConnection') !== '',
      signal: AbortSignal.timeout(LOOK_TIMEOUT_MS),
    });
    const answer: TestAnswer = { ok: true, ...shownFacts(facts), ...readiness };
    return { ...answer };
  } finally {
    await host.close();
  }
}

/** What a dialog is told of a machine. */
export function shownFacts(facts: HostFacts): MachineAnswer {
  const { zfsVersion, zfsKernelVersion, platform, hostname, pools, programs, isRoot } = facts;
  return { zfsVersion, zfsKernelVersion, platform, hostname, pools, programs: [...programs], isRoot };
}

/**
 * The secrets of the request; where it has none, those that are stored for the node – but only for the account they are
 * deployed for, and not over another way either: there the name of the host may be that of somebody else's. Else somebody
 * who may edit flows could have them sent to a host of their own.
 */
function credentialsFor(RED: Red, body: RawOptions): SshCredentials {
  const id = readString(body, 'id');
  return secretsOf(RED, id, body, readObject(body, 'credentials'), isDeployedAccount(RED, id, body));
}
