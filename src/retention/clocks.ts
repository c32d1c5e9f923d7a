// What speaks for and against this machine's clock (retention.md, rule 11): the clocks of the other machines of a run, and
// how it has moved since it was last believed. What follows from that is decided in `guards.ts` and `breaker.ts`.
import type { Host } from '../host/host';
import { clockWatch } from './clock-watch';
import { CLOCK_TOLERANCE_MS, type ClockEvidence } from './guards';

/** The hosts' clocks in ms, as far as they have a `date` that says so; this machine's own clock is no evidence. */
export async function askClocks(hosts: readonly Host[], signal: AbortSignal): Promise<Map<string, number>> {
  const remote = new Map(hosts.filter(({ isLocal }) => !isLocal).map((host) => [host.label, host]));
  const answers = await Promise.all(
    [...remote].map(async ([label, host]) => {
      const { code, stdout } = await host.run(['date', '-u', '+%s'], { signal });
      return code === 0 && /^\d+\s*$/.test(stdout) ? [[label, Number(stdout) * 1000] as const] : [];
    }),
  );
  return new Map(answers.flat());
}

/** A clock that another one agrees with was put right, whatever it said before. `now`: ms since the epoch. */
export function clockEvidence(now: number, hosts: ReadonlyMap<string, number>): ClockEvidence {
  const confirmed = [...hosts.values()].some((time) => Math.abs(time - now) <= CLOCK_TOLERANCE_MS);
  const jump = confirmed ? 0 : clockWatch.jump(now);
  if (jump === 0) clockWatch.believe(now);
  return { now, hosts, jump };
}
