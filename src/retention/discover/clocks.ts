// What speaks for and against this machine's clock (retention.md, rule 11): the clocks of the other machines of a run, and
// how it has moved since it was last believed. What follows from that is decided in `guards.ts` and `breaker.ts`.
import { readFile, readlink } from 'node:fs/promises';
import { hostname, type, version } from 'node:os';
import { toZfsFlowError } from '../../base/errors';
import type { CommandResult, Host } from '../../host/host';
import { mayShareKernel, UNKNOWN_MACHINE, type Identity } from '../../host/machine-identity';
import { clockWatch } from '../../time/clock-watch';
import { CLOCK_TOLERANCE_MS, type ClockEvidence } from '../plan/guards';

/** A machine without the program says nothing. Throws connection errors. */
async function answerOf(
  host: Host,
  argv: string[],
  signal: AbortSignal,
): Promise<Pick<CommandResult, 'code' | 'stdout'>> {
  try {
    return await host.run(argv, { signal });
  } catch (thrown) {
    if (toZfsFlowError(thrown).code !== 'COMMAND_NOT_FOUND') throw thrown;
    return { code: null, stdout: '' };
  }
}

/** The hosts' clocks in ms, as far as they have a `date` that says so, by label. */
async function askClocks(hosts: readonly Host[], signal: AbortSignal): Promise<Map<string, number>> {
  const answers = await Promise.all(
    hosts.map(async (host) => {
      const { code, stdout } = await answerOf(host, ['date', '-u', '+%s'], signal);
      return code === 0 && /^\d+\s*$/.test(stdout) ? [[host.label, Number(stdout) * 1000] as const] : [];
    }),
  );
  return new Map(answers.flat());
}

const orNothing = async (read: Promise<string>): Promise<string> => read.then((text) => text.trim()).catch(() => '');

/** Of the machine that this process runs on, as facts.ts asks others. */
async function ownIdentity(): Promise<Identity> {
  const [bootId, pidNamespace] = await Promise.all([
    orNothing(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    orNothing(readlink('/proc/self/ns/pid')),
  ]);
  const machine = { ...UNKNOWN_MACHINE, bootId, pidNamespace, kernel: `${type()} ${version()}` };
  return { platform: type(), hostname: hostname(), isRoot: false, machine };
}

/**
 * Whether a host has a clock of its own: an SSH connection may lead back to the machine that this process runs on, or to
 * the one whose container it runs in.
 */
async function isElsewhere(host: Host, own: Identity, signal: AbortSignal): Promise<boolean> {
  return !mayShareKernel(own, await host.facts({ signal }), 'unknown', 'unknown');
}

/** Whether another machine says the same time. */
async function isConfirmed(
  now: number,
  hosts: readonly Host[],
  clocks: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<boolean> {
  const agreeing = hosts.filter(({ label }) => Math.abs((clocks.get(label) ?? NaN) - now) <= CLOCK_TOLERANCE_MS);
  const own = await ownIdentity();
  const elsewhere = await Promise.all(agreeing.map((host) => isElsewhere(host, own, signal)));
  return elsewhere.includes(true);
}

/**
 * Asks the machines of a run for the time. A clock that another one agrees with was put right, whatever it said before.
 * `now`: ms since the epoch. Throws connection errors.
 */
export async function clockEvidence(now: number, asked: readonly Host[], signal: AbortSignal): Promise<ClockEvidence> {
  const remote = new Map(asked.filter(({ isLocal }) => !isLocal).map((host) => [host.label, host]));
  const hosts = [...remote.values()];
  const clocks = await askClocks(hosts, signal);
  let jump = clockWatch.jump(now);
  if (jump !== 0 && (await isConfirmed(now, hosts, clocks, signal))) jump = 0;
  if (jump === 0) clockWatch.believe(now);
  return { now, hosts: clocks, jump };
}
