// The answer to *Test connection*, for both halves: what the machine is, and what it can do for the nodes.
import type { Readiness } from '../../src/readiness/readiness';

export interface MachineAnswer {
  zfsVersion: string;
  /** '' where the kernel says none. */
  zfsKernelVersion: string;
  /** `uname -s` */
  platform: string;
  hostname: string;
  pools: readonly { name: string; guid: string; health: string }[];
  programs: string[];
  isRoot: boolean;
}

export interface TestAnswer extends MachineAnswer, Readiness {
  ok: true;
}
