// What tests of snapshots give a run: a host in the lab, and a job's context that remembers what came out.
import type { EventInput, RunContext } from '../../src/context';
import { SshHost } from '../../src/host/ssh-host';
import type { SnapshotResult } from '../../src/snapshots/options';
import type { Machine } from '../lab/machine';

export const NOW = new Date('2024-05-06T07:08:09Z');

export function hostOf(machine: Machine, username = 'root'): SshHost {
  const { privateKey, ...login } = machine.login(username);
  return new SshHost({
    ...login,
    id: username,
    label: machine.name,
    auth: { method: 'privateKey', privateKey },
    ciphers: 'auto',
    connectTimeout: 10,
    keepaliveInterval: 15,
    sudo: 'none',
    zfsPath: '',
    maxSessions: 8,
  });
}

/** A job's context, and what came out of it. */
export class Probe implements RunContext {
  readonly jobId = 'job-1';
  readonly task = 'test';
  readonly events: EventInput[] = [];
  payload: SnapshotResult | null = null;
  readonly controller = new AbortController();

  constructor(private readonly clock = NOW) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  now(): Date {
    return this.clock;
  }

  emit(event: EventInput): void {
    this.events.push(event);
  }

  partial(result: object): void {
    this.payload = result as SnapshotResult;
  }

  onSpeedLimit(): void {
    // Nothing is transferred.
  }

  warnings(): string[] {
    return this.events.filter(({ event }) => event === 'warning').map(({ message }) => message);
  }
}
