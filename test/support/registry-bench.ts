// A registry with runs that the test ends when it likes. The hosts are stand-ins that only say which pools they have; no
// command is run here.
import assert from 'node:assert/strict';
import { machineFacts } from './builders';
import type { JobEvent } from '../../src/base/events';
import type { DatasetUse, RunContext } from '../../src/base/run-context';
import type { Host, HostResolver } from '../../src/host/host';
import { ZfsFlowError } from '../../src/base/errors';
import type { JobInfo, JobSpec, Outcome } from '../../src/jobs/job';
import { type Attachment, type RegistryOptions, JobRegistry } from '../../src/jobs/registry';

/** A run that the test ends when it likes. */
export interface Run {
  ctx: RunContext;
  finish: (result?: unknown) => void;
  fail: (error: unknown) => void;
}

export class Bench {
  readonly registry: JobRegistry<string>;
  readonly events: JobEvent[] = [];
  readonly ends: { ticket: string; outcome: Outcome; index: number }[] = [];
  readonly runs = new Map<string, Run>();
  readonly started: string[] = [];

  constructor(options: RegistryOptions = {}) {
    this.registry = new JobRegistry<string>({ progressInterval: 30, ...options });
  }

  readonly reporter = () => ({
    event: (event: JobEvent) => void this.events.push(event),
    ended: (outcome: Outcome, _job: JobInfo, ticket: string, index: number) =>
      void this.ends.push({ ticket, outcome, index }),
  });

  attach(id: string, hash = 'same'): Attachment<string> {
    const attachment = this.registry.attach(id, hash, this.reporter());
    attachment.resume();
    return attachment;
  }

  spec(name: string, uses: DatasetUse[] = [], more: Partial<JobSpec> = {}): JobSpec {
    return {
      task: name,
      optionsKey: name,
      overlap: 'skip',
      uses,
      hosts: pools({}),
      run: (_hosts, ctx) =>
        new Promise((resolve, reject) => {
          this.started.push(name);
          this.runs.set(name, { ctx, finish: resolve, fail: reject });
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason), { once: true });
        }),
      ...more,
    };
  }

  run(name: string): Run {
    const run = this.runs.get(name);
    assert.ok(run, `${name} has not started`);
    return run;
  }

  named(event: string): JobEvent[] {
    return this.events.filter((item) => item.event === event);
  }
}

/** Hosts by connection id, each with the GUID of its pool `tank`; `fail` = cannot be reached. */
export function pools(guids: Record<string, string>): HostResolver {
  const made = new Map<string, Host>();
  return (connection) => {
    const host = made.get(connection) ?? stranger(connection, guids[connection] ?? connection);
    made.set(connection, host);
    return host;
  };
}

function stranger(id: string, guid: string): Host {
  const host: Partial<Host> = {
    id,
    label: id,
    onCommand: () => () => undefined,
    facts: async () => {
      await settle();
      if (guid === 'fail') throw new ZfsFlowError('HOST_UNREACHABLE', 'gone');
      return {
        platform: 'Linux',
        hostname: id,
        zfsVersion: '',
        zfsKernelVersion: '',
        isRoot: true,
        programs: new Set<string>(),
        pools: [{ name: 'tank', guid, health: 'ONLINE' }],
        aes: false,
        noisyShell: false,
        machine: machineFacts({ bootId: guid }),
      };
    },
  };
  return host as Host;
}

export const write = (dataset: string, connection = ''): DatasetUse => ({ connection, dataset, access: 'write' });
export const read = (dataset: string, connection = ''): DatasetUse => ({ connection, dataset, access: 'read' });

/** Lets everything that is ready to happen, happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
