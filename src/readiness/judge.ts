// What each node and each transport needs of a machine, held against what the machine is (docs/far-side.md). Pure: what is
// known is given, and what follows is plain data.
import type { HostFacts } from '../host/host';
import { plainCarrier } from '../host/shell/carrier-commands';
import type { TransportFacts } from '../host/transport-facts';
import type { Lack, NodeReadiness, Readiness, TransportReadiness } from './readiness';

/** What was found out about a machine and about the account that logs in there. */
export interface Findings {
  facts: Pick<HostFacts, 'platform' | 'zfsVersion' | 'zfsKernelVersion' | 'isRoot' | 'programs' | 'pools'>;
  /** What there is for streams that go past SSH. */
  carriers: Pick<TransportFacts, 'openssl' | 'hasTls' | 'netcats' | 'programs'>;
  user: string;
  /** Program that gives `zfs` its rights; `refused`: by command, what it said when it did not. */
  privilege?: { by: 'sudo' | 'doas'; installed: boolean; refused: ReadonlyMap<string, string> } | undefined;
  /** By dataset; empty for who has all rights. */
  allowed: ReadonlyMap<string, ReadonlySet<string>>;
  /** The connection leads through another one. */
  jump: boolean;
}

/** The oldest OpenZFS that the nodes are made for. */
const OLDEST = [2, 0] as const;

/** The rights that README.md tells to give, by what the machine is for a replication. */
export const SOURCE_RIGHTS = 'send,hold,release,bookmark,snapshot,destroy,mount'.split(',');
export const TARGET_RIGHTS =
  'receive,create,mount,canmount,userprop,readonly,hold,release,destroy,rollback,userused,userobjused,userquota,userobjquota'.split(
    ',',
  );

type Need = Pick<NodeReadiness, 'node' | 'role'> & { rights: readonly string[] };

/** zfs-allow(8): who takes or destroys snapshots must also have the right to mount. */
const NEEDS: readonly Need[] = [
  { node: 'zfs-snapshot', rights: ['snapshot', 'mount'] },
  { node: 'zfs-list-snapshots', rights: [] },
  { node: 'zfs-replicate', role: 'source', rights: SOURCE_RIGHTS },
  { node: 'zfs-replicate', role: 'target', rights: TARGET_RIGHTS },
  { node: 'zfs-retention-prune', rights: ['destroy', 'mount'] },
  { node: 'zfs-verify', rights: [] },
];

/** What hands over the key or the token of a stream that goes past SSH. */
const HANDING_OVER = ['mktemp', 'mkfifo'] as const;
/** Of those one is needed in the clear; bash only connects. */
const IN_THE_CLEAR = ['perl', 'nc', 'ncat', 'busybox', 'socat'] as const;

/** Compressors in the order in which they are preferred, then the buffer. */
const HELPERS = ['zstd', 'lz4', 'pigz', 'gzip', 'xz', 'lzop', 'mbuffer'] as const;

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = (/^(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

/** What keeps every node from working there. */
function generalLacks({ facts, privilege }: Findings): Lack[] {
  const lacks: Lack[] = [];
  if (isOlder(facts.zfsVersion)) lacks.push({ kind: 'zfs', needs: OLDEST.join('.'), has: facts.zfsVersion });
  if (privilege?.installed === false) lacks.push({ kind: 'program', anyOf: [privilege.by] });
  for (const [command, said] of privilege?.refused ?? []) {
    if (privilege !== undefined) lacks.push({ kind: 'privilege', by: privilege.by, command, said });
  }
  // What may not be asked tells nothing of the kernel or of pools.
  if (lacks.length > 0) return lacks;
  if (facts.zfsKernelVersion === '') lacks.push({ kind: 'module' });
  else if (facts.pools.length === 0) lacks.push({ kind: 'pool' });
  return lacks;
}

const hasAll = ({ facts, privilege }: Findings): boolean => facts.isRoot || privilege !== undefined;

/** Where all of `rights` are there; where none has them all, what is lacking on the dataset that lacks least. */
function rightsOf(findings: Findings, rights: readonly string[]): { missing: Lack[]; where?: string[] } {
  if (rights.length === 0 || hasAll(findings) || findings.allowed.size === 0) return { missing: [] };
  const lacking = [...findings.allowed].map(([dataset, allowed]) => ({
    dataset,
    rights: rights.filter((right) => !allowed.has(right)),
  }));
  const where = lacking.filter((one) => one.rights.length === 0).map(({ dataset }) => dataset);
  if (where.length === lacking.length) return { missing: [] };
  if (where.length > 0) return { missing: [], where };
  // Of equal ones that which is above the others.
  const [least] = lacking.toSorted(
    (one, other) => one.rights.length - other.rights.length || one.dataset.length - other.dataset.length,
  );
  if (least === undefined) return { missing: [] };
  return { missing: [{ kind: 'rights', user: findings.user, ...least }] };
}

function judgeNode(findings: Findings, general: readonly Lack[], { node, role, rights }: Need): NodeReadiness {
  const { missing, where } = rightsOf(findings, rights);
  const all = [...general, ...(general.length > 0 ? [] : missing)];
  const limits: NodeReadiness['limits'] = [];
  if (!hasAll(findings) && all.length === 0) {
    if (node === 'zfs-retention-prune') limits.push('oneByOne');
    if (node === 'zfs-verify' && findings.facts.platform === 'Linux') limits.push('noDrill');
  }
  return {
    node,
    ...(role === undefined ? {} : { role }),
    ok: all.length === 0,
    missing: all,
    limits,
    ...(where === undefined ? {} : { where }),
  };
}

/** Whether a stream can come here, and go from here, when this side listens: the one that is reached by SSH does by default. */
function carriesInTheClear({ carriers }: Findings): boolean {
  return (['receive', 'send'] as const).every((direction) => plainCarrier({ direction, listens: true }, carriers));
}

function judgeTransports(findings: Findings): TransportReadiness[] {
  const { carriers, jump } = findings;
  const both: Lack[] = jump ? [{ kind: 'jump' }] : [];
  for (const program of HANDING_OVER)
    if (!carriers.programs.has(program)) both.push({ kind: 'program', anyOf: [program] });
  const tls = [...both];
  if (carriers.openssl === '') tls.push({ kind: 'program', anyOf: ['openssl'] });
  else if (!carriers.hasTls) tls.push({ kind: 'openssl', has: carriers.openssl });
  const clear = [...both];
  if (!carriesInTheClear(findings)) clear.push({ kind: 'program', anyOf: [...IN_THE_CLEAR] });
  return [
    { transport: 'ssh', ok: true, missing: [] },
    { transport: 'ssh+tls', ok: tls.length === 0, missing: tls },
    { transport: 'ssh+netcat', ok: clear.length === 0, missing: clear },
  ];
}

export function judge(findings: Findings): Readiness {
  const { facts, user, privilege } = findings;
  const general = generalLacks(findings);
  const present = HELPERS.filter((program) => facts.programs.has(program));
  return {
    user,
    rights: facts.isRoot ? 'root' : (privilege?.by ?? 'allow'),
    transports: judgeTransports(findings),
    nodes: NEEDS.map((need) => judgeNode(findings, general, need)),
    helpers: { present: [...present], absent: HELPERS.filter((program) => !facts.programs.has(program)) },
  };
}
