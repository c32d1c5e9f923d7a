// What dialogs and the sidebar ask of the runtime (face.md §1): requests to `zfs-flows/…`, answered with HTTP status 200 and,
// when something went wrong, `{ok: false, code, message, hint?, field?, details?}` – 404 for what does not exist. Registered
// once, by whichever of our node types is loaded first, so that the buttons of one dialog do not depend on another node type.
import type { Request, RequestHandler, Response } from 'express';
import { toZfsFlowError, ZfsFlowError } from '../../src/base/errors';
import { readString, type RawOptions } from '../../src/options/read';
import { engine } from '../runtime/engine';
import { leaseHosts } from '../runtime/host-leases';
import { setting, type Red } from '../runtime/red';
import { discoverHostKey, generateKeyPair, testConnection } from '../ssh-connection/connection-tools';
import { bringsDrafts } from './draft-connections';
import { objectionTo } from './guard';
import { nextRuns } from './next-runs';
import { unstageKey, watchDeploys } from './staged-keys';

/** Plain data; what a stored secret is, no answer tells. */
export type Answer = Record<string, unknown>;

/** `signal` is aborted when whoever asked has gone; `user` is who asks. */
type Work = (body: RawOptions, signal: AbortSignal, user: string) => Answer | Promise<Answer>;

type Permission = 'zfs.read' | 'zfs.tasks.write' | 'zfs.write';

/** Bytes of a request about tasks; more is in none. */
const LONGEST_REQUEST = 65_536;

/** Loaded when first asked for; most starts of a Node-RED never see them. */
const later = {
  check: () => require('./check-replication') as typeof import('./check-replication'),
  browse: () => require('./browse') as typeof import('./browse'),
  phone: () => require('./phone') as typeof import('./phone'),
  tasks: () => require('./tasks') as typeof import('./tasks'),
  remote: () => require('../ssh-connection/set-up-remote') as typeof import('../ssh-connection/set-up-remote'),
  preview: () => require('./preview-retention') as typeof import('./preview-retention'),
  trueNasImport: () => require('./truenas-import') as typeof import('./truenas-import'),
  trueNas: () => require('./set-up-truenas') as typeof import('./set-up-truenas'),
};

/** Admin servers that have the endpoints: one for each Node-RED in this process. */
const served = new WeakSet<object>();

export function registerEndpoints(RED: Red): void {
  const server = RED.httpAdmin;
  if (served.has(server)) return;
  served.add(server);
  watchDeploys(RED);
  const guard = guarded(RED);
  const drafts = writersForDrafts(RED);
  const post = (name: string, permission: Permission, work: Work, ...more: RequestHandler[]): void => {
    // Headers first, so that what is refused is answered like anything else.
    const before = [forNobodyElse, RED.auth.needsPermission(permission), guard, drafts, ...more];
    server.post(`/zfs-flows/${name}`, ...before, (request: Request, response: Response) => {
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      void answer(request.body, (body) => work(body, gone.signal, userOf(request))).then((result) =>
        send(response, result),
      );
    });
  };
  const get = (name: string, work: (request: Request, response: Response) => void): void => {
    server.get(`/zfs-flows/${name}`, forNobodyElse, RED.auth.needsPermission('zfs.read'), (request, response) => {
      try {
        work(request, response);
      } catch (thrown) {
        send(response, refusal(thrown));
      }
    });
  };
  // These connect to whatever host the request names, so reading rights are not enough.
  post('discover-host-key', 'zfs.write', (body) => discoverHostKey(RED, body));
  post('generate-key-pair', 'zfs.write', generateKeyPair);
  post('test-connection', 'zfs.write', (body) => testConnection(RED, body));
  post('set-up-remote', 'zfs.write', (body, signal) => later.remote().setUpRemote(RED, body, signal));
  post('set-up-truenas', 'zfs.write', (body, signal) => later.trueNas().setUpTrueNas(RED, body, signal));
  post('forget-staged-key', 'zfs.write', (body) => {
    unstageKey(RED, readString(body, 'id'));
    return { ok: true };
  });
  post('truenas-import', 'zfs.write', (body) => later.trueNasImport().truenasImport(RED, body));
  // Only what is deployed can be asked, or with `zfs.write` what the request brings along (draft-connections.ts).
  post('dataset-level', 'zfs.read', (body, signal) => later.browse().datasetLevel(RED, body, signal));
  post('dataset-search', 'zfs.read', (body, signal) => later.browse().datasetSearch(RED, body, signal));
  post('count-snapshots', 'zfs.read', (body, signal) => later.browse().countSnapshots(RED, body, signal));
  post('datasets', 'zfs.read', (body) => datasets(RED, body));
  post('next-runs', 'zfs.read', nextRuns);
  post('check-replication', 'zfs.read', (body, signal) => later.check().checkReplication(RED, body, signal));
  post('preview-retention', 'zfs.read', (body) => later.preview().previewRetention(RED, body));
  get('tasks', ({ query }, response) => {
    const { tag, list } = later.tasks().taskList(RED, query);
    // Of the tasks alone: the time of the answer is another one each time.
    response.setHeader('ETag', `"${tag}"`);
    response.json(list);
  });
  get('metrics', (_request, response) => {
    response.type('text/plain; version=0.0.4; charset=utf-8').send(later.tasks().metrics(RED));
  });
  get('tasks/log', ({ query }, response) => response.json(later.tasks().taskLog(RED, query)));
  // Without data, so without a login: it asks for one where the data needs it.
  server.get('/zfs-flows/phone', forNobodyElse, (_request, response) => {
    const { html, policy } = later.phone().phonePage();
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.type('html').send(html);
  });
  post('tasks/run', 'zfs.tasks.write', (body, _signal, user) => later.tasks().runTask(RED, body, user), short);
  post('tasks/cancel', 'zfs.tasks.write', (body) => later.tasks().cancelTask(RED, body), short);
  post('tasks/pause', 'zfs.tasks.write', (body, _signal, user) => later.tasks().pauseTask(RED, body, user), short);
}

/** A request that brings connections along names the hosts that are connected to, whatever else it asks. */
function writersForDrafts(RED: Red): RequestHandler {
  const needsWrite = RED.auth.needsPermission('zfs.write');
  return (request, response, next) => {
    if (bringsDrafts(request.body)) needsWrite(request, response, next);
    else next();
  };
}

/** The name that somebody has logged in with. */
function userOf(request: Request): string {
  const { username } = ((request as { user?: unknown }).user ?? {}) as { username?: unknown };
  return typeof username === 'string' && username !== '' ? username : 'anonymous';
}

const short: RequestHandler = (request, response, next) => {
  if (JSON.stringify(request.body ?? null).length <= LONGEST_REQUEST) {
    next();
    return;
  }
  const error = new ZfsFlowError('INVALID_OPTIONS', `the request is longer than ${LONGEST_REQUEST} bytes`);
  response.status(413).json(refusal(error));
};

function send(response: Response, result: Answer): void {
  response.status(result['code'] === 'NOT_FOUND' ? 404 : 200).json(result);
}

/** Answers are not kept on the way, and no page of another site may read them: Node-RED lets every one (`cors`, origin *). */
const forNobodyElse: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'private, no-cache');
  for (const name of response.getHeaderNames()) if (name.startsWith('access-control-')) response.removeHeader(name);
  next();
};

/** Where a login is needed, no other site has its token; only what asks without one is looked at then. */
function guarded(RED: Red): RequestHandler {
  return (request: Request, response: Response, next) => {
    const loggedIn = Boolean(setting(RED, 'adminAuth')) && request.headers.authorization !== undefined;
    const objection = objectionTo(request.headers, { proxy: setting(RED, 'zfsTrustProxy') === true });
    if (loggedIn || objection === null) {
      next();
      return;
    }
    response
      .status(403)
      .json(refusal(new ZfsFlowError('FORBIDDEN', OBJECTIONS[objection], { hint: HINTS[objection] })));
  };
}

const OBJECTIONS = {
  notJson: 'only requests with the content type application/json are served here',
  otherSite: 'this request comes from a page of another site',
} as const;

const HINTS = {
  notJson: 'What sends it by hand has to set the header Content-Type: application/json.',
  otherSite:
    'Behind a proxy that changes the header Host, set zfsTrustProxy: true in settings.js, or let it pass Host on.',
} as const;

function refusal(thrown: unknown): Answer {
  const { code, message, hint, field, details } = toZfsFlowError(thrown);
  // Where the contract has it; the dialog shows it and sends it back when a person has compared it.
  const certificate = details?.['certificate'];
  const more = Object.entries({ hint, field, certificate, details }).filter(([, value]) => value !== undefined);
  return { ok: false, code, message, ...Object.fromEntries(more) };
}

/** Never rejects. */
async function answer(body: unknown, work: (body: RawOptions) => Answer | Promise<Answer>): Promise<Answer> {
  try {
    const values = typeof body === 'object' && body !== null ? (body as RawOptions) : {};
    return await work(values);
  } catch (thrown) {
    return refusal(thrown);
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
