// Runs the engine against lab machines, without Node-RED: hosts over real OpenSSH, a context that records its events.
import assert from 'node:assert/strict';
import type { EventInput } from '../../src/base/events';
import type { RunContext } from '../../src/base/run-context';
import type { Host, HostResolver } from '../../src/host/host';
import { ZfsFlowError, type ErrorCode } from '../../src/base/errors';
import { LocalHost } from '../../src/host/local/local-host';
import { SshHost } from '../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../src/host/ssh/ssh-options';
import type { ReplicationResult } from '../../src/replication/setup/options';
import { parseReplicateOptions } from '../../src/replication/setup/check-options';
import { replicate } from '../../src/replication/replicate';
import type { Secret } from '../../src/base/secret';
import type { Machine } from '../lab/machine';

/** An SSH connection to a lab machine as a user would set it up. */
export function connect(machine: Machine, more: Partial<SshHostOptions> = {}): SshHost {
  return new SshHost(connectOptions(machine, more));
}

/** Plain data, so that another process can have it too. */
export function connectOptions(machine: Machine, more: Partial<SshHostOptions> = {}): SshHostOptions {
  return {
    id: machine.name,
    label: machine.name,
    host: '127.0.0.1',
    port: machine.port,
    username: 'root',
    auth: { method: 'privateKey', privateKey: machine.privateKey },
    hostKeys: machine.hostKey,
    ciphers: 'auto',
    connectTimeout: 10,
    keepaliveInterval: 2,
    sudo: 'none',
    zfsPath: '',
    maxSessions: 8,
    ...more,
  };
}

/** Neither way to this host is open: both fail with this code and a message that matches and names the host. */
export async function assertRefused(host: SshHost, code: ErrorCode, text: RegExp): Promise<ZfsFlowError> {
  for (const attempt of [host.run(['true']), host.pipeCommand(['true'], { tag: 'zfsflow.t' })]) {
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof ZfsFlowError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, text);
      assert.equal(error.host, host.label);
      return true;
    });
  }
  return (await host.run(['true']).catch((error: unknown) => error)) as ZfsFlowError;
}

export class Engine {
  readonly events: EventInput[] = [];
  readonly hosts = new Map<string, Host>([['', new LocalHost()]]);
  /** The result as far as the last failed run got. */
  partial: ReplicationResult | undefined;
  now: () => Date = () => new Date();
  /** Key for what is encrypted at the target with a stored key. */
  encryptionKey: Secret | null = null;
  private jobs = 0;

  add(machine: Machine, more: Partial<SshHostOptions> = {}): SshHost {
    const host = connect(machine, more);
    this.hosts.set(more.id ?? machine.name, host);
    return host;
  }

  readonly resolve: HostResolver = (id) => {
    const host = this.hosts.get(id);
    if (!host) throw new ZfsFlowError('INVALID_OPTIONS', `no connection ${id}`);
    return host;
  };

  context(signal: AbortSignal = new AbortController().signal): RunContext {
    return {
      jobId: `job${++this.jobs}`,
      task: 'test',
      signal,
      now: () => this.now(),
      emit: (event) => this.events.push(event),
      partial: (result) => (this.partial = result as ReplicationResult),
      onSpeedLimit: () => undefined,
    };
  }

  /** Replicates with raw property values; retries are quick unless given. */
  async replicate(raw: Record<string, unknown>, signal?: AbortSignal): Promise<ReplicationResult> {
    const options = parseReplicateOptions({ retryDelay: 0.2, ...raw });
    return replicate(options, this.resolve, this.context(signal), this.encryptionKey);
  }

  /** Replicates and expects it to fail with this code; returns the error. */
  async refuse(code: ErrorCode, raw: Record<string, unknown>): Promise<ZfsFlowError> {
    try {
      await this.replicate(raw);
    } catch (error) {
      assert.ok(error instanceof ZfsFlowError, String(error));
      assert.equal(error.code, code, `${error.code}: ${error.message}`);
      return error;
    }
    throw new assert.AssertionError({ message: `expected ${code}, but it succeeded` });
  }

  async close(): Promise<void> {
    await Promise.all([...this.hosts.values()].map((host) => host.close()));
  }
}

/** Both datasets have the same snapshots, by GUID, and their newest the same content. */
export async function assertSame(source: Machine, dataset: string, target: Machine, copy: string): Promise<void> {
  const [left, right] = await Promise.all([source.snapshots(dataset), target.snapshots(copy)]);
  assert.deepEqual(
    right.map(({ guid }) => guid),
    left.map(({ guid }) => guid),
  );
  const newest = left.at(-1);
  assert.ok(newest, 'the source has no snapshots');
  assert.equal(await content(target, copy, right.at(-1)?.name), await content(source, dataset, newest.name));
}

/** Digest of a snapshot's files; of a volume's device as it is, since a snapshot of one has no device by default. */
async function content(machine: Machine, dataset: string, name = ''): Promise<string> {
  if ((await machine.property(dataset, 'type')) !== 'volume') return machine.digest(`${dataset}@${name}`);
  return (await machine.sh('sha256sum <"/dev/zvol/$1" | cut -d" " -f1', { args: [dataset] })).stdout;
}

/** Marks of ours: final and tentative bookmarks and held snapshots. */
export async function marks(
  machine: Machine,
  dataset: string,
): Promise<{ final: string[]; tentative: string[]; holds: string[] }> {
  const bookmarks = (await machine.bookmarks(dataset))
    .map(({ name }) => name)
    .filter((name) => name.startsWith('zfsflow'));
  const held: string[] = [];
  for (const { name } of await machine.snapshots(dataset)) {
    for (const tag of await machine.holds(`${dataset}@${name}`))
      if (tag.startsWith('zfsflow')) held.push(`${name}:${tag}`);
  }
  return {
    final: bookmarks.filter((name) => !name.includes('tmp')),
    tentative: bookmarks.filter((name) => name.includes('tmp')),
    holds: held,
  };
}
