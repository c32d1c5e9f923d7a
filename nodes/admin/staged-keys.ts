// Secrets made or found on the server for a node that is deployed later (face.md §5, design/editor-study.md §4). They wait in
// Node-RED's own store of credentials, under the node's id: the editor shows them as stored, and the browser never sees them.
//
// A node that does not exist yet gets them at once. Any deploy without it throws them away, so they are added again. A node
// that exists keeps its own until it is deployed: what is to replace them waits beside them, under a name that no node
// reads, so that the deploy which brings it into force has saved it too.
import { invalidOption, ZfsFlowError } from '../../src/base/errors';
import { stableHash } from '../../src/base/stable-hash';
import type { RawOptions } from '../../src/options/read';
import { CREDENTIALS, NODE_TYPES, type NodeType } from '../node-options';
import { guarded } from '../runtime/life-cycle';
import type { Red } from '../runtime/red';
import { accountOf } from './account';

export type Credentials = Readonly<Record<string, string>>;

export interface StageOptions {
  /** Asked from the node's own dialog: at its next deploy the credentials replace those of the same names. */
  replace?: boolean;
  /** Host, port and user name that they are good for: a node that is deployed for another account keeps its own. */
  account?: RawOptions;
}

/** Milliseconds that credentials wait for their node. */
const PATIENCE = 3_600_000;
/** So many wait at most: an import brings a key for each of its connections. */
const MOST = 100;

interface Staged {
  readonly credentials: Credentials;
  readonly account: string | undefined;
  /** Hash of what they are to replace in a node that exists. */
  readonly instead: string | undefined;
  readonly timer: NodeJS.Timeout;
}

/** By node id. */
const pending = new Map<string, Staged>();

/** Name of what waits beside the credentials of a node; an object, so that it can be no credential of the editor's. */
const WAITING = 'zfsFlowsStaged';

/** What stands there, and so may come back from the disk after a restart. Whoever has entered another secret keeps that. */
type Waiting = Pick<Staged, 'credentials' | 'account' | 'instead'>;

type Stored = Record<string, unknown>;

const SECRET_OF_KEY = ['privateKey', 'passphrase'];

/** Throws INVALID_OPTIONS, field `id`, for an id whose credentials are not ours to set; BUSY when too many wait. */
export function assertMayStage(RED: Red, id: string, replace = false): void {
  if (!/^[\w-][\w.-]{0,99}$/.test(id) || id in Object.prototype) {
    throw invalidOption('id', 'id: the id of the node is missing, or is none');
  }
  const type = deployedTypes(RED).get(id);
  if (type !== undefined && !(replace && isOurs(type))) {
    throw invalidOption('id', `id: there is a node with the id ${JSON.stringify(id)}`, OWN_DIALOG);
  }
  if (pending.has(id)) return;
  if (type === undefined && stored(RED, id) !== undefined) {
    throw invalidOption('id', `id: something has credentials under the id ${JSON.stringify(id)}`, OWN_DIALOG);
  }
  if (pending.size < MOST) return;
  throw new ZfsFlowError('BUSY', `${MOST} keys wait for their connections to be deployed`, {
    hint: 'Deploy them, or wait: what is not deployed within an hour is forgotten.',
  });
}

const OWN_DIALOG = 'Only its own dialog may replace its key.';

/** Throws as `assertMayStage` does. What waited under the id before is forgotten. */
export function stageKey(RED: Red, id: string, credentials: Credentials, options: StageOptions = {}): void {
  assertMayStage(RED, id, options.replace);
  watchDeploys(RED);
  clearTimeout(pending.get(id)?.timer);
  const entry: Staged = {
    credentials: { ...credentials },
    account: options.account && accountOf(options.account),
    instead: deployedTypes(RED).has(id) ? fingerprint(stored(RED, id) ?? {}, credentials) : undefined,
    timer: setTimeout(() => guarded(RED, () => unstageKey(RED, id)), PATIENCE).unref(),
  };
  pending.set(id, entry);
  putDown(RED, id, entry);
}

/** The deployed node of this id has these very secrets, and nothing waits to replace them. */
export function holdsAlready(RED: Red, id: string, credentials: Credentials): boolean {
  const isDeployed = isOurs(deployedTypes(RED).get(id) ?? '');
  const own = isDeployed && !pending.has(id) ? stored(RED, id) : undefined;
  return own !== undefined && Object.entries(credentials).every(([name, value]) => own[name] === value);
}

/** Forgets what waits under an id, if anything does: the person has thought better of it. */
export function unstageKey(RED: Red, id: string): void {
  const entry = pending.get(id);
  if (entry === undefined) return;
  clearTimeout(entry.timer);
  pending.delete(id);
  if (deployedTypes(RED).has(id)) dropWaiting(RED, id);
  else RED.nodes.deleteCredentials(id);
}

/** What waits for this very account under an id, so that a connection can be tested before it is deployed. */
export function stagedCredentials(id: string, account: RawOptions): Credentials | undefined {
  const entry = pending.get(id);
  return entry?.account === accountOf(account) ? entry.credentials : undefined;
}

function isOurs(type: string): type is NodeType {
  return (NODE_TYPES as readonly string[]).includes(type) && CREDENTIALS[type as NodeType].length > 0;
}

/** Disabled nodes, and those of flows that are stopped, too. */
export function eachNode(RED: Red, visit: (node: RawOptions & { id: string; type: string }) => void): void {
  // Before the flows are loaded there is nothing to go through, and Node-RED throws.
  try {
    RED.nodes.eachNode((node) => visit(node as unknown as RawOptions & { id: string; type: string }));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

function deployedTypes(RED: Red): Map<string, string> {
  const types = new Map<string, string>();
  eachNode(RED, ({ id, type }) => types.set(id, type));
  return types;
}

function stored(RED: Red, id: string): Stored | undefined {
  return RED.nodes.getCredentials(id) as Stored | undefined;
}

function putDown(RED: Red, id: string, { credentials, account, instead }: Staged): void {
  const waiting: Waiting = { credentials, account, instead };
  void RED.nodes.addCredentials(
    id,
    instead === undefined ? { ...credentials } : { ...stored(RED, id), [WAITING]: waiting },
  );
}

/** Of those credentials that new ones would replace; a private key goes with its passphrase. */
function fingerprint(own: Stored, replacement: Credentials): string {
  return stableHash(replacedNames(replacement).map((name) => own[name] ?? null));
}

function replacedNames(replacement: Credentials): string[] {
  const names = Object.keys(replacement);
  return [...new Set('privateKey' in replacement ? [...names, ...SECRET_OF_KEY] : names)].toSorted();
}

function dropWaiting(RED: Red, id: string): void {
  const found = stored(RED, id);
  if (found?.[WAITING] === undefined) return;
  const { [WAITING]: _dropped, ...own } = found;
  void RED.nodes.addCredentials(id, own);
}

const watched = new WeakSet<object>();

/** What we look at of Node-RED's events. */
interface DeployEvent {
  /** `flows:starting`: what a deploy has changed. */
  diff?: unknown;
  /** `runtime-event` */
  id?: string;
  payload?: { state?: string; deploy?: boolean };
}

/**
 * From now on deploys are noticed, and what a deploy saved before a restart comes into force. A deploy tells of itself by
 * `flows:stopping`, `flows:starting` and `runtime-deploy`; with flows that are stopped or lack a type, by the last alone.
 */
export function watchDeploys(RED: Red): void {
  if (watched.has(RED.events)) return;
  watched.add(RED.events);
  const on = (name: string, listener: (event: DeployEvent | undefined) => void): void => {
    RED.events.on(name, (event?: DeployEvent) => guarded(RED, () => listener(event)));
  };
  let hasStarted = false;
  on('flows:stopping', () => keepPending(RED));
  on('flows:starting', (event) => {
    hasStarted = true;
    // Only a deploy has compared something: flows are also stopped and started again.
    if (event?.diff) endPending(RED);
    else keepPending(RED);
    afterRestart(RED);
  });
  on('runtime-event', (event) => {
    const isStart = event?.id === 'runtime-state' && event.payload?.state === 'start' && !event.payload.deploy;
    if (event?.id !== 'runtime-deploy' && !isStart) return;
    if (!hasStarted) endPending(RED);
    hasStarted = false;
  });
}

/** Puts back what a deploy without the node, or loading the flows again, has thrown away. */
function keepPending(RED: Red): void {
  const types = deployedTypes(RED);
  for (const [id, entry] of pending) {
    if (types.has(id) === (entry.instead !== undefined)) putDown(RED, id, entry);
  }
}

/** Ends the waiting of all whose nodes are there now. */
function endPending(RED: Red): void {
  const types = deployedTypes(RED);
  for (const [id, entry] of pending) {
    const isThere = types.has(id);
    const isNew = entry.instead === undefined;
    if (!isThere && isNew) putDown(RED, id, entry);
    // What waits for its node, or for a deploy of its node for the account that it is good for, goes on waiting.
    if (isThere ? !isNew && !bringIntoForce(RED, id) : isNew) continue;
    clearTimeout(entry.timer);
    pending.delete(id);
  }
}

/** A deploy saves what waits before it comes into force; after a restart that is found where it waited. */
function afterRestart(RED: Red): void {
  for (const id of deployedTypes(RED).keys()) {
    if (pending.has(id) || stored(RED, id)?.[WAITING] === undefined) continue;
    if (!bringIntoForce(RED, id)) dropWaiting(RED, id);
  }
}

/** False when the node is deployed for another account: it goes on with its own. */
function bringIntoForce(RED: Red, id: string): boolean {
  const { [WAITING]: found, ...own } = stored(RED, id) ?? {};
  if (found === undefined) return true;
  const waiting = found as Waiting;
  if (waiting.account !== undefined && waiting.account !== deployedAccount(RED, id)) return false;
  const isReplaced = waiting.instead === fingerprint(own, waiting.credentials);
  const names = new Set(replacedNames(waiting.credentials));
  const kept = Object.fromEntries(Object.entries(own).filter(([name]) => !names.has(name)));
  const next = isReplaced ? { ...kept, ...waiting.credentials } : own;
  void RED.nodes.addCredentials(id, next);
  // A deploy of changed nodes alone does not make this one anew where nothing else of it was changed.
  const node = RED.nodes.getNode(id) as { credentials?: object; emit(event: string): void } | null;
  if (node !== null) {
    node.credentials = { ...next };
    node.emit(CREDENTIALS_CHANGED);
  }
  return true;
}

/** Event of a node whose credentials were replaced while it lives. */
export const CREDENTIALS_CHANGED = 'zfs-credentials-changed';

function deployedAccount(RED: Red, id: string): string | undefined {
  let found: RawOptions | undefined;
  eachNode(RED, (node) => {
    if (node.id === id) found = node;
  });
  try {
    return found && accountOf(found);
  } catch {
    // Deployed with values that mean no account.
    return undefined;
  }
}
