// What the retention tests on real ZFS share: runs and their options with defaults, their failures, and hosts that are less
// able than others.
import type { RunContext } from '../../../src/base/run-context';
import type { Host, HostResolver } from '../../../src/host/host';
import { ZfsFlowError, type ErrorCode } from '../../../src/base/errors';
import type { PruneOptions, PruneResult } from '../../../src/retention/options';
import { parsePruneOptions } from '../../../src/retention/check-options';
import { prune } from '../../../src/retention/prune';
import { TestContext } from '../../support/test-context';

export function resolver(hosts: Readonly<Record<string, Host>>): HostResolver {
  return (connection) => {
    const host = hosts[connection];
    if (!host) throw new ZfsFlowError('INVALID_OPTIONS', `unknown connection ${connection}`, { field: 'connection' });
    return host;
  };
}

/** Options of a run, through the same door as a node's. */
export function options(raw: Readonly<Record<string, unknown>>): PruneOptions {
  return parsePruneOptions({
    connection: 'nas',
    datasets: ['tank/data'],
    scope: { all: true },
    policy: { keep: [{ type: 'last', count: 1 }] },
    maxDestroyFraction: 1,
    mode: 'execute',
    ...raw,
  });
}

export async function runPrune(
  hosts: HostResolver,
  raw: Readonly<Record<string, unknown>>,
  ctx: RunContext = new TestContext<PruneResult>(),
): Promise<PruneResult> {
  return prune(options(raw), hosts, ctx);
}

/** The code of the failure that `work` must end with. */
export async function failure(work: Promise<unknown>, code: ErrorCode): Promise<ZfsFlowError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ZfsFlowError && error.code === code) return error;
    throw error;
  }
  throw new Error(`it succeeded, ${code} was expected`);
}

/** `auto-YYYY-MM-DD_HH-MM` in UTC, so many seconds ago. */
export function autoName(secondsAgo: number, now = Date.now()): string {
  const iso = new Date(now - secondsAgo * 1000).toISOString();
  return `auto-${iso.slice(0, 10)}_${iso.slice(11, 13)}-${iso.slice(14, 16)}`;
}

/** The host as one where channel programs cannot run: no root, an old ZFS. */
export function withoutPrograms(host: Host): Host {
  return new Proxy(host, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'run') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (argv: readonly string[], more: object) =>
        argv[1] === 'program'
          ? { code: 2, signal: null, stdout: '', stderr: "unrecognized command 'program'" }
          : target.run(argv, more);
    },
  });
}
