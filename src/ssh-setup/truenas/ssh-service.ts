// The SSH service of a TrueNAS: that it runs, and now and after a restart; its port and its host keys.
import { ZfsFlowError } from '../../base/errors';
import { hostKeyLine, parseHostKeys } from '../../host/ssh/host-keys';
import type { TrueNasClient } from './client';
import { isUnknownMethod } from './refusals';

export interface SshService {
  port: number;
  /** Text of a connection's property: one `type base64` a line. */
  hostKeys: string;
}

const NAME = 'ssh';

/** Tells `changed` what it has changed, as soon as it has. Throws API_ERROR, TIMEOUT, CONNECTION_LOST. */
export async function startSsh(client: TrueNasClient, changed: (line: string) => void): Promise<void> {
  const { enable, state } = await serviceState(client);
  if (!enable) {
    await client.call('service.update', NAME, { enable: true });
    changed('SSH service: starts with the TrueNAS from now on');
  }
  if (state === 'RUNNING') return;
  await start(client);
  if ((await serviceState(client)).state !== 'RUNNING') throw notStarted();
  changed('SSH service: started');
}

/** The list form: what a single hit that is missing looks like differs between versions. */
async function serviceState(client: TrueNasClient): Promise<{ enable: boolean; state: string }> {
  const listed = await client.call('service.query', [['service', '=', NAME]], {});
  const [service] = (Array.isArray(listed) ? listed : [listed]) as (Record<string, unknown> | null | undefined)[];
  if (typeof service?.['state'] !== 'string') throw notStarted('it knows no SSH service');
  return { enable: service['enable'] === true, state: service['state'] };
}

/** `service.control` since 25.10, where the other is on its way out; 26 keeps that to itself. */
async function start(client: TrueNasClient): Promise<void> {
  try {
    await client.job('service.control', 'START', NAME);
  } catch (error) {
    if (!isUnknownMethod(error)) throw error;
    await client.call('service.start', NAME);
  }
}

function notStarted(why = 'it does not run after its start'): ZfsFlowError {
  return new ZfsFlowError('API_ERROR', `the SSH service of the TrueNAS cannot be used: ${why}`, {
    hint: 'Start it in the TrueNAS (System › Services), and see there what keeps it from running.',
    details: { method: 'service.control', errname: '' },
  });
}

/** Asked after the start: the first one makes the host keys. Private halves, which are in the answer, are not looked at. */
export async function sshService(client: TrueNasClient): Promise<SshService> {
  const service = readSshConfig(await client.call('ssh.config'));
  if (service.hostKeys !== '') return service;
  throw new ZfsFlowError('API_ERROR', 'the TrueNAS tells no SSH host key that can be pinned', {
    hint: 'Start its SSH service once, which makes the keys, then try again.',
    details: { method: 'ssh.config', errname: '' },
  });
}

const HOST_KEYS = ['host_ed25519_key_pub', 'host_ecdsa_key_pub', 'host_rsa_key_pub'] as const;

/** Public parts alone. Keys are base64 of a line like those of `ssh_host_*_key.pub`; what is none is left out. */
export function readSshConfig(config: unknown): SshService {
  const values = (typeof config === 'object' && config !== null ? config : {}) as Record<string, unknown>;
  const { tcpport } = values;
  const lines = HOST_KEYS.flatMap((name) => {
    const encoded = values[name];
    return typeof encoded === 'string' ? readable(Buffer.from(encoded, 'base64').toString()) : [];
  });
  return { port: typeof tcpport === 'number' ? tcpport : 22, hostKeys: lines.join('\n') };
}

function readable(text: string): string[] {
  const [type = '', base64 = ''] = text.trim().split(/\s+/);
  try {
    return parseHostKeys(`${type} ${base64}`).map(hostKeyLine);
  } catch {
    return [];
  }
}
