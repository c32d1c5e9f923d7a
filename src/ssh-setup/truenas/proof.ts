// The proof that a set-up worked: a login over SSH with the new key and the pinned host keys, as the nodes will do it.
import { ZfsFlowError, type ErrorCode } from '../../base/errors';
import type { Host } from '../../host/host';
import { SshHost } from '../../host/ssh/ssh-host';
import { commandsThatDoNotRun } from '../../zfs/runnable';

export interface NewLogin {
  host: string;
  port: number;
  username: string;
  privateKey: string;
  hostKeys: string;
  sudo: 'none' | 'sudo';
}

/** As *Test connection* tells them. */
export interface ProvenFacts {
  zfsVersion: string;
  zfsKernelVersion: string;
  platform: string;
  hostname: string;
  pools: { name: string; guid: string; health: string }[];
  programs: string[];
  isRoot: boolean;
  /** What the nodes need and this account cannot do, in sentences. */
  missing: string[];
}

/** Throws the codes of a connection. */
export async function proveLogin({ privateKey, ...login }: NewLogin, signal?: AbortSignal): Promise<ProvenFacts> {
  const host = new SshHost({
    ...login,
    id: 'set-up',
    label: login.host,
    auth: { method: 'privateKey', privateKey },
    ciphers: 'auto',
    connectTimeout: 10,
    keepaliveInterval: 15,
    zfsPath: '',
    maxSessions: 2,
  });
  try {
    const facts = await host.facts({ refresh: true, ...(signal === undefined ? {} : { signal }) });
    const { zfsVersion, zfsKernelVersion, platform, hostname, pools, programs, isRoot } = facts;
    const missing = zfsVersion === '' ? ['there is no zfs command'] : await missingRights(host, login);
    const shown = pools.map(({ name, guid, health }) => ({ name, guid, health }));
    return { zfsVersion, zfsKernelVersion, platform, hostname, pools: shown, programs: [...programs], isRoot, missing };
  } catch (error) {
    throw explained(error, login);
  } finally {
    await host.close();
  }
}

/** Both are run as the nodes run them. */
async function missingRights(host: Host, { username, sudo }: Omit<NewLogin, 'privateKey'>): Promise<string[]> {
  if (sudo === 'none') {
    return username === 'root' ? [] : ['without sudo this account can do only what "zfs allow" gives it'];
  }
  const failing = await commandsThatDoNotRun(host);
  return failing.map(({ command, why }) => `sudo does not run ${command} without a password: ${why}`);
}

const CHECKS: Partial<Record<ErrorCode, (login: Omit<NewLogin, 'privateKey'>) => string>> = {
  AUTHENTICATION_FAILED: ({ username }) =>
    `The key is in place, so something else keeps "${username}" out: its home directory or .ssh is writable for others or not its own (StrictModes), AllowUsers, DenyUsers or Match among the auxiliary parameters of the SSH service, or a second factor for SSH. Its log on the TrueNAS says which. Password login need not be allowed.`,
  CONNECTION_REFUSED: ({ host, port }) =>
    `The SSH service runs, but nothing answers at ${host}:${port}: it may listen on other addresses only, or a port is forwarded.`,
  CONNECTION_TIMEOUT: ({ host, port }) =>
    `The SSH service runs; a firewall between here and ${host}:${port} may drop the packets.`,
  HOST_KEY_MISMATCH: ({ host, port }) =>
    `What answers at ${host}:${port} is not the SSH service of this TrueNAS: a forwarded port, or somebody in between.`,
};

function explained(thrown: unknown, login: Omit<NewLogin, 'privateKey'>): unknown {
  if (!(thrown instanceof ZfsFlowError)) return thrown;
  const hint = CHECKS[thrown.code]?.(login);
  const message = `the key was set up, but the first login with it failed: ${thrown.message}`;
  // The login to the API was right.
  const field = thrown.code === 'AUTHENTICATION_FAILED' ? { field: 'sshUser' } : {};
  return thrown.with({ message, ...field, ...(hint === undefined ? {} : { hint }) });
}
