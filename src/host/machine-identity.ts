// Are two connections one machine? Decided here and nowhere else, from what facts.ts and witness.ts found out. A pool's GUID
// says nothing about it: machines made from one image share it, and machine ids, host keys and names besides; one whose
// memory was copied while it ran shares even the boot id. So facts only ever tell machines apart, and what tells that two
// are one is a process of the one that the other sees as its own. Pure.

/** What a machine says of itself beside its name. '' where it could not be read. */
export interface MachineFacts {
  /**
   * Linux: of the kernel since it started; systemd-nspawn and LXC give each container one of its own. FreeBSD: none, or
   * `kern.boot_id`.
   */
  readonly bootId: string;
  /** `kern.boottime` of FreeBSD, which moves with the clock. */
  readonly bootTime: string;
  /** System and build of the kernel (`uname -sv`). Its release is another one in some jails and for old programs. */
  readonly kernel: string;
  readonly hostId: string;
  readonly hostUuid: string;
  readonly machineId: string;
  /** Checksum of the public SSH host keys. */
  readonly hostKeys: string;
  /** Linux: the namespaces that a container has of its own, as the kernel names them. */
  readonly pidNamespace: string;
  readonly userNamespace: string;
  /** FreeBSD: `1` within a jail, `0` outside. */
  readonly jailed: string;
}

/** Of a machine of which nothing is known. */
export const UNKNOWN_MACHINE: MachineFacts = {
  bootId: '',
  bootTime: '',
  kernel: '',
  hostId: '',
  hostUuid: '',
  machineId: '',
  hostKeys: '',
  pidNamespace: '',
  userNamespace: '',
  jailed: '',
};

/** What of `HostFacts` counts here. */
export interface Identity {
  readonly platform: string;
  readonly hostname: string;
  readonly isRoot: boolean;
  readonly machine: MachineFacts;
}

/**
 * What one connection saw of a process that was started through another: `own`: it, under the same process id. `inner`: it,
 * under another id, so it runs in a container of this machine. `none`: no such process. `unknown`: it could not look.
 */
export type Sighting = 'own' | 'inner' | 'none' | 'unknown';

/** The first process namespace of every Linux kernel (PROC_PID_INIT_INO). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** A `hostid` that was never set says nothing. */
function facts({ platform, hostname, machine }: Identity): [name: string, value: string][] {
  const hostId = /^[\s0]*$/.test(machine.hostId) ? '' : machine.hostId;
  return Object.entries({ platform, hostname, ...machine, hostId });
}

/** Both are known. */
const differ = (mine: string, theirs: string): boolean => mine !== '' && theirs !== '' && mine !== theirs;

/**
 * Something that one machine has only once is different. Containers count as machines of their own: their rights and their
 * view of the datasets are others. What could not be read on one side says nothing.
 */
export function tellsApart(a: Identity, b: Identity): boolean {
  const others = new Map(facts(b));
  return facts(a).some(([name, value]) => differ(value, others.get(name) ?? ''));
}

/** What is meant for `b` may as well be done through the connection to `a`. In doubt it may not: passing it on is always right. */
export function isOneMachine(a: Identity, b: Identity, seen: Sighting): boolean {
  return seen === 'own' && !tellsApart(a, b);
}

/** Not in a container, as far as it can be said from inside. */
function isOutermost({ platform, machine }: Identity): boolean {
  return platform === 'Linux' ? machine.pidNamespace === FIRST_PID_NAMESPACE : machine.jailed === '0';
}

/** Sees every process of its kernel. */
const seesAll = (one: Identity): boolean => one.isRoot && isOutermost(one);

/**
 * Both may stand on one kernel, so that pools of one GUID are one pool: the machine itself, its containers, or it cannot be
 * ruled out. `aByB`: what b saw of a process of a's. In doubt they do: what would be wrong then is refused.
 */
export function mayShareKernel(a: Identity, b: Identity, aByB: Sighting, bByA: Sighting): boolean {
  if ([aByB, bByA].some((seen) => seen === 'own' || seen === 'inner')) return true;
  if (a.platform !== b.platform || differ(a.machine.kernel, b.machine.kernel)) return false;
  if ((seesAll(b) && aByB === 'none') || (seesAll(a) && bByA === 'none')) return false;
  // Outside of containers nobody puts another boot id in the place of the kernel's.
  return !(isOutermost(a) && isOutermost(b) && differ(a.machine.bootId, b.machine.bootId));
}
