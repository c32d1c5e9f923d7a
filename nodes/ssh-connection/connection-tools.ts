// What the buttons of the connection dialog and the dataset browser ask of the runtime. Answers what went wrong as
// `{ok: false, code, message, hint}`. Stored secrets are used, never shown.
import { toZfsFlowError, ZfsFlowError } from '../../src/base/errors';
import type { Host } from '../../src/host/host';
import { discoverHostKeys } from '../../src/host/ssh/host-keys';
import { generateKeyPair } from '../../src/host/ssh/key-pair';
import { SshHost } from '../../src/host/ssh/ssh-host';
import { readChoice, readNumber, readObject, readString, type RawOptions } from '../../src/options/read';
import { listDatasets } from '../../src/zfs/list';
import { CREDENTIALS } from '../node-options';
import { connectionHandle, leaseHosts } from '../runtime/host-leases';
import type { Red } from '../runtime/red';
import { nextRuns } from '../admin/next-runs';
import { previewRetention } from '../admin/preview-retention';
import { sshHostOptions, type SshCredentials } from './ssh-options';

type Answer = Record<string, unknown>;

/** What Node-RED's editor shows in place of a stored secret. */
const STORED = '__PWRD__';

export function registerAdminEndpoints(RED: Red): void {
  const post = (
    name: string,
    permission: 'zfs.read' | 'zfs.write',
    work: (body: RawOptions) => Promise<Answer>,
  ): void => {
    RED.httpAdmin.post(`/zfs-flows/${name}`, RED.auth.needsPermission(permission), (request, response) => {
      void answer(request.body, work).then((result) => response.json(result));
    });
  };
  // These connect to whatever host the request names, so reading rights are not enough.
  post('discover-host-key', 'zfs.write', discover);
  post('generate-key-pair', 'zfs.write', generate);
  post('test-connection', 'zfs.write', (body) => test(RED, body));
  // Only what is deployed can be asked.
  post('datasets', 'zfs.read', (body) => datasets(RED, body));
  post('next-runs', 'zfs.read', (body) => Promise.resolve(nextRuns(body)));
  post('preview-retention', 'zfs.read', (body) => previewRetention(RED, body));
}

/** Never rejects. */
async function answer(body: unknown, work: (body: RawOptions) => Promise<Answer>): Promise<Answer> {
  try {
    const values = typeof body === 'object' && body !== null ? (body as RawOptions) : {};
    return await work(values);
  } catch (thrown) {
    const { code, message, hint } = toZfsFlowError(thrown);
    return { ok: false, code, message, ...(hint === undefined ? {} : { hint }) };
  }
}

async function discover(body: RawOptions): Promise<Answer> {
  const { host, port, connectTimeout } = sshHostOptions('', body, {});
  const keys = await discoverHostKeys(host, port, connectTimeout);
  return { keys: keys.map(({ type, base64, fingerprint }) => ({ type, key: base64, fingerprint })) };
}

async function generate(body: RawOptions): Promise<Answer> {
  const type = readChoice(body, 'type', ['ed25519', 'rsa'], 'ed25519');
  const { privateKey, publicKey } = await generateKeyPair(type);
  return { privateKey, publicKey };
}

async function test(RED: Red, body: RawOptions): Promise<Answer> {
  const host = new SshHost(sshHostOptions('test', body, credentialsFor(RED, body)));
  try {
    const facts = await host.facts({ refresh: true });
    if (facts.zfsVersion === '') {
      throw new ZfsFlowError('COMMAND_NOT_FOUND', 'the connection works, but there is no zfs command', {
        hint: 'Is ZFS installed? If it is in an unusual directory, enter that as additional PATH.',
      });
    }
    const { zfsVersion, zfsKernelVersion, platform, pools, programs, isRoot } = facts;
    return { ok: true, zfsVersion, zfsKernelVersion, platform, pools, programs: [...programs], isRoot };
  } finally {
    await host.close();
  }
}

async function datasets(RED: Red, body: RawOptions): Promise<Answer> {
  const { hosts, release } = leaseHosts(RED, body);
  try {
    const host: Host = hosts(readString(body, 'connection'));
    const { pools } = await host.facts({ refresh: true });
    const listing = await listDatasets(host, { roots: pools.map(({ name }) => name), recursive: true });
    return { datasets: listing.datasets.map(({ name, type }) => ({ name, type })) };
  } finally {
    release();
  }
}

/**
 * The secrets of the request; where it has none, those that are stored for the node – but only for the account they are
 * deployed for. Else somebody who may edit flows could have them sent to a host of their own.
 */
function credentialsFor(RED: Red, body: RawOptions): SshCredentials {
  const id = readString(body, 'id');
  const given = readObject(body, 'credentials');
  const deployed = id === '' ? undefined : connectionHandle(RED, id)?.values;
  const stored = deployed !== undefined && isSameAccount(deployed, body) ? storedCredentials(RED, id) : {};
  const result: SshCredentials = {};
  for (const name of CREDENTIALS['zfs-ssh-connection']) {
    const value = given[name];
    const secret = value === undefined || value === STORED ? stored[name] : value;
    if (typeof secret === 'string') result[name] = secret;
  }
  return result;
}

function storedCredentials(RED: Red, id: string): SshCredentials {
  return { ...(RED.nodes.getCredentials(id) as SshCredentials | undefined) };
}

function isSameAccount(deployed: RawOptions, asked: RawOptions): boolean {
  const account = (values: RawOptions): string =>
    JSON.stringify([
      readString(values, 'host').trim(),
      readNumber(values, 'port', 22),
      readString(values, 'username', 'root') || 'root',
    ]);
  return account(deployed) === account(asked);
}
