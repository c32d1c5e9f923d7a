// What a machine can do for the nodes, as a test of its connection tells it: plain data for both halves, without sentences,
// which are the dialog's.

/** Something that is missing over there. */
export type Lack =
  /** `zfs` is older than what is needed; both are versions. */
  | { kind: 'zfs'; needs: string; has: string }
  /** There are the commands, but the kernel has no ZFS, or this account may not open it. */
  | { kind: 'module' }
  | { kind: 'pool' }
  /** One of these programs is needed. */
  | { kind: 'program'; anyOf: string[] }
  /** There is one, as it calls itself, but it takes no key made for one transfer. */
  | { kind: 'openssl'; has: string }
  /** `zfs allow USER RIGHTS DATASET` would give it. */
  | { kind: 'rights'; user: string; rights: string[]; dataset: string }
  /** sudo or doas runs the command not, or not without a password; `said` is what it says. */
  | { kind: 'privilege'; by: 'sudo' | 'doas'; command: string; said: string }
  /** A way that goes past SSH cannot go through another machine. */
  | { kind: 'jump' };

/** What works, but less well than as root: snapshots are destroyed one command each; no file system can be mounted for a drill. */
export type Limit = 'oneByOne' | 'noDrill';

interface Judged {
  ok: boolean;
  missing: Lack[];
}

export interface TransportReadiness extends Judged {
  transport: 'ssh' | 'ssh+tls' | 'ssh+netcat';
}

export interface NodeReadiness extends Judged {
  node: 'zfs-snapshot' | 'zfs-list-snapshots' | 'zfs-replicate' | 'zfs-retention-prune' | 'zfs-verify';
  /** What the machine is for the node, where that makes a difference. */
  role?: 'source' | 'target';
  /** Datasets where the rights are there, when they are not everywhere. Of those that were looked at. */
  where?: string[];
  limits: Limit[];
}

export interface Readiness {
  /** The account that logs in. */
  user: string;
  /** Where `zfs` has its rights from. */
  rights: 'root' | 'sudo' | 'doas' | 'allow';
  transports: TransportReadiness[];
  nodes: NodeReadiness[];
  /** Programs that make transfers better where both ends have them. */
  helpers: { present: string[]; absent: string[] };
}
