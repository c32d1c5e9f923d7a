// Notices that this machine's clock was set while the process ran (retention.md, rule 11): a clock that is suddenly a year
// ahead makes every snapshot a year old. The time since the machine booted, which nobody sets and which goes on while it
// sleeps, says how much time has really passed.
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';

/** A clock may be put right by so much, ms; an age that is wrong by no more costs nothing. */
const JUMP_TOLERANCE_MS = 3_600_000;
/** After so long (ms since the boot) a machine without a battery for its clock has asked the network for the time. */
const SETTLED_MS = 180_000;

/** Ms since the boot; where the system does not tell, ms since this process began, which stands still while it sleeps. */
export function sinceBoot(): () => number {
  try {
    uptime();
    return () => uptime() * 1000;
  } catch {
    return () => performance.now();
  }
}

export class ClockWatch {
  /** Wall clock and time since the boot at the moment when the clock was last believed, ms. */
  private believed: { wall: number; steady: number } | undefined;
  private started = false;

  constructor(
    private readonly steady: () => number = sinceBoot(),
    private readonly wall: () => number = () => Date.now(),
  ) {}

  /**
   * Believes the clock now; after a boot once more when it has been set, whatever it said in between. Only the first call
   * counts: what has been noticed since is not forgotten.
   */
  start(): void {
    if (this.started) return;
    this.started = true;
    const wait = SETTLED_MS - this.steady();
    if (wait <= 0) this.believe(this.wall());
    // Never keeps a process alive that wants to end.
    else setTimeout(() => this.believe(this.wall()), wait).unref();
  }

  /**
   * Ms that the wall clock has gone wrong since it was last believed; positive: ahead. 0 when it is believed. Where nobody
   * has begun to watch, it begins here.
   */
  jump(wall: number): number {
    this.start();
    if (!this.believed) return 0;
    const jump = wall - this.believed.wall - (this.steady() - this.believed.steady);
    return Math.abs(jump) > JUMP_TOLERANCE_MS ? jump : 0;
  }

  /** From now on this time counts: nothing speaks against it, or somebody has looked. */
  believe(wall: number): void {
    if (Number.isFinite(wall)) this.believed = { wall, steady: this.steady() };
  }
}

/** Of this process, whose clock is the one that all plans go by. */
export const clockWatch = new ClockWatch();

/** Begins the watch of this process; to be called with its first breath, or a clock set before the first run goes unnoticed. */
export function startClockWatch(): void {
  clockWatch.start();
}
