// What the dialogs ask of the runtime: POST requests to `zfs-flows/…`, answered with HTTP status 200 and, when something went
// wrong, `{ok: false, code, message, hint}`. Registered once, by whichever of our node types is loaded first, so that the
// buttons of one dialog do not depend on another node type.
import { toZfsFlowError } from '../../src/base/errors';
import { readString, type RawOptions } from '../../src/options/read';
import { engine } from '../runtime/engine';
import { leaseHosts } from '../runtime/host-leases';
import type { Red } from '../runtime/red';
import { discoverHostKey, generateKeyPair, testConnection } from '../ssh-connection/connection-tools';
import { nextRuns } from './next-runs';
import { previewRetention } from './preview-retention';

/** Plain data; what a stored secret is, no answer tells. */
export type Answer = Record<string, unknown>;

type Work = (body: RawOptions) => Answer | Promise<Answer>;

/** Admin servers that have the endpoints: one for each Node-RED in this process. */
const served = new WeakSet<object>();

export function registerEndpoints(RED: Red): void {
  const server = RED.httpAdmin;
  if (served.has(server)) return;
  served.add(server);
  const post = (name: string, permission: 'zfs.read' | 'zfs.write', work: Work): void => {
    server.post(`/zfs-flows/${name}`, RED.auth.needsPermission(permission), (request, response) => {
      void answer(request.body, work).then((result) => response.json(result));
    });
  };
  // These connect to whatever host the request names, so reading rights are not enough.
  post('discover-host-key', 'zfs.write', discoverHostKey);
  post('generate-key-pair', 'zfs.write', generateKeyPair);
  post('test-connection', 'zfs.write', (body) => testConnection(RED, body));
  // Only what is deployed can be asked.
  post('datasets', 'zfs.read', (body) => datasets(RED, body));
  post('next-runs', 'zfs.read', nextRuns);
  post('preview-retention', 'zfs.read', (body) => previewRetention(RED, body));
}

/** Never rejects. */
async function answer(body: unknown, work: Work): Promise<Answer> {
  try {
    const values = typeof body === 'object' && body !== null ? (body as RawOptions) : {};
    return await work(values);
  } catch (thrown) {
    const { code, message, hint } = toZfsFlowError(thrown);
    return { ok: false, code, message, ...(hint === undefined ? {} : { hint }) };
  }
}

/** All datasets of the pools of a machine, for choosing from. */
async function datasets(RED: Red, body: RawOptions): Promise<Answer> {
  const { hosts, release } = leaseHosts(RED, body);
  try {
    const host = hosts(readString(body, 'connection'));
    const { pools } = await host.facts({ refresh: true });
    const roots = pools.map(({ name }) => name);
    const listing = await engine.datasets().listDatasets(host, { roots, recursive: true });
    return { datasets: listing.datasets.map(({ name, type }) => ({ name, type })) };
  } finally {
    release();
  }
}
