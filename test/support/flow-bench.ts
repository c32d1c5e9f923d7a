// A real Node-RED with flows made for a test: builds them, deploys them again, and keeps what every output, Catch,
// Complete and Status node said – over deploys, which replace each node.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Node, NodeAPI, NodeDef, NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import listSnapshots = require('../../nodes/list-snapshots/list-snapshots');
import replicate = require('../../nodes/replicate/replicate');
import prune = require('../../nodes/retention-prune/retention-prune');
import snapshot = require('../../nodes/snapshot/snapshot');
import connection = require('../../nodes/ssh-connection/ssh-connection');
import verify = require('../../nodes/verify/verify');
import { newKeyPair } from './key-pair';

export type FlowNode = Record<string, unknown> & { id: string; type: string };
export type Message = NodeMessage & Record<string, unknown> & { payload?: unknown };

/** What arrived, by node and kind. Not in the collectors: a deploy makes new ones. */
const collected = new Map<string, Message[]>();

type Kind = 'result' | 'log' | 'error' | 'catch' | 'complete' | 'status';
const OUTPUTS = ['result', 'log', 'error'] as const;
const WATCHERS = ['catch', 'complete', 'status'] as const;

/** What Node-RED gives to the nodes. */
let api: NodeAPI | undefined;

/** Puts messages away under its own id, or under the node that a Catch, Complete or Status node names as their source. */
function collector(RED: NodeAPI): void {
  api = RED;
  function construct(this: Node, config: NodeDef): void {
    RED.nodes.createNode(this, config);
    this.on('input', (msg) => {
      const kind = WATCHERS.find((watcher) => config.id === `watch-${watcher}`);
      const about = (kind === 'catch' ? msg['error'] : kind && msg[kind]) as { source: { id: string } } | undefined;
      const key = about === undefined ? config.id : `${about.source.id}-${kind}`;
      const messages = collected.get(key) ?? [];
      collected.set(key, [...messages, msg]);
    });
  }
  RED.nodes.registerType('test-collector', construct);
}

/** Of Node-RED itself: what stands around our nodes in a flow of a person. */
const CORE = ['common/20-inject', 'common/21-debug', 'common/90-comment'].map((file): unknown =>
  require(`@node-red/nodes/core/${file}`),
);

const NODES = [collector, connection, snapshot, listSnapshots, replicate, prune, verify, ...CORE] as Parameters<
  typeof helper.load
>[0];

/**
 * Nodes on a tab, with a collector at each output and a Catch, a Complete and a Status node for all of them. (The helper
 * can register each of those types once, so there is one of each.)
 */
export function flowOf(nodes: readonly FlowNode[], ...others: FlowNode[]): FlowNode[] {
  const tap = (id: string): FlowNode => ({ id, type: 'test-collector', z: 'tab', wires: [] });
  const watcher = (type: (typeof WATCHERS)[number]): FlowNode => ({
    id: `${type}-node`,
    type,
    z: 'tab',
    scope: nodes.map(({ id }) => id),
    uncaught: false,
    wires: [[`watch-${type}`]],
  });
  return [
    { id: 'tab', type: 'tab', label: 'test' },
    ...others,
    ...nodes.flatMap((node) => [
      { z: 'tab', wires: OUTPUTS.map((output) => [`${node.id}-${output}`]), ...node },
      ...OUTPUTS.map((output) => tap(`${node.id}-${output}`)),
    ]),
    ...WATCHERS.flatMap((type) => [watcher(type), tap(`watch-${type}`)]),
  ];
}

export function flowWith(node: FlowNode, ...others: FlowNode[]): FlowNode[] {
  return flowOf([node], ...others);
}

export function sshConnection(port: number, more: Record<string, unknown> = {}): FlowNode {
  return { id: 'ssh', type: 'zfs-ssh-connection', host: '127.0.0.1', port, hostKeys: HOST_KEY, ...more };
}

/** Settles once the flows are started, which the helper itself looks for too late, and for no more than 300 ms. */
export async function deployTo(
  RED: NodeAPI,
  flow: object[],
  type: 'full' | 'nodes' | 'flows' = 'full',
  credentials: Record<string, object> = {},
): Promise<void> {
  const started = once(RED.events, 'flows:started', { signal: AbortSignal.timeout(30_000) });
  const unlessSlow = (error: unknown): void => {
    if (!(error instanceof Error && error.message === 'timeout waiting event')) throw error;
  };
  await Promise.all([started, helper.setFlows(structuredClone(flow) as never, type, credentials).catch(unlessSlow)]);
}

const KEY_PAIR = newKeyPair();
/** Of no host: nothing gets as far as comparing it. */
const HOST_KEY = KEY_PAIR.public.trim();
export const PRIVATE_KEY = KEY_PAIR.private;

export class FlowBench {
  /** Once for all tests of a file. */
  async open(): Promise<void> {
    await new Promise<void>((resolve) => {
      helper.startServer(resolve);
    });
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      helper.stopServer(resolve);
    });
  }

  get RED(): NodeAPI {
    assert.ok(api, 'not started');
    return api;
  }

  async start(
    flow: FlowNode[],
    credentials: Record<string, object> = { ssh: { privateKey: PRIVATE_KEY } },
  ): Promise<void> {
    collected.clear();
    await helper.load(NODES, structuredClone(flow) as never, credentials);
  }

  /** As the editor's Deploy button does it. */
  async deploy(
    flow: FlowNode[],
    type: 'full' | 'nodes' | 'flows' = 'full',
    credentials: Record<string, object> = { ssh: { privateKey: PRIVATE_KEY } },
  ): Promise<void> {
    await deployTo(this.RED, flow, type, credentials);
  }

  async stop(): Promise<void> {
    // Deleted nodes cancel their jobs; a mere unload would leave them to a successor for a while.
    try {
      await this.deploy([], 'full', {});
    } finally {
      await helper.unload();
    }
  }

  send(id: string, message: Record<string, unknown> = {}): void {
    helper.getNode(id).receive(message);
  }

  /** What arrived so far at an output or watcher of a node. */
  at(id: string, kind: Kind): Message[] {
    return collected.get(`${id}-${kind}`) ?? [];
  }

  events(id: string): Record<string, unknown>[] {
    return this.at(id, 'log').map((message) => message.payload as Record<string, unknown>);
  }

  /** Resolves once something is there; a test that waits in vain fails with what it waited for. */
  async until<T>(what: string, look: () => T | undefined | false, timeoutMs = 30_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }

  async first(id: string, kind: Kind, timeoutMs?: number): Promise<Message> {
    return this.until(`a message at ${id}-${kind}`, () => this.at(id, kind)[0], timeoutMs);
  }
}

/** A port of this machine on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** Accepts connections and never says a word: an SSH connection to it hangs until it is cancelled or cut. */
export class BlackHole {
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((socket) => {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
  });
  port = 0;

  async open(): Promise<this> {
    this.port = await listen(this.server);
    return this;
  }

  get connections(): number {
    return this.sockets.size;
  }

  /** Cuts whoever is connected. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

export { helper };
