// What one round trip finds out about a machine: the script that asks and the parser of its answer.
import { ZfsFlowError } from '../base/errors';
import type { CommandResult, HostFacts } from './host';
import type { MachineFacts } from './machine-identity';
import type { Privilege } from './shell/marked-output';

/** Programs that transports and stream filters may use. */
const HELPER_PROGRAMS = [
  'lz4',
  'zstd',
  'pigz',
  'gzip',
  'xz',
  'lzop',
  'mbuffer',
  'openssl',
  'socat',
  'nc',
  'ncat',
  'busybox',
  'bash',
  'perl',
  'mkfifo',
  'mktemp',
  'pv',
  'ssh',
  'sudo',
  'doas',
  'timeout',
  'ps',
  'zfs',
  'zpool',
] as const;

/** What logs say instead of the scripts here. */
export const FACTS = '(what this machine is)';

/** For so long a machine is believed to be what it was; its pools and programs are asked for every time. Milliseconds. */
const LASTING_MS = 10 * 60_000;

/** How each fact of a machine is read, by machine-identity.ts's names; where it cannot be, nothing is printed. */
const MACHINE: Readonly<Record<keyof MachineFacts, string>> = {
  bootId: 'cat /proc/sys/kernel/random/boot_id || sysctl -n kern.boot_id',
  bootTime: '[ -e /proc/sys/kernel ] || sysctl -n kern.boottime',
  kernel: 'uname -sv',
  // Not `hostid`, which asks DNS for the machine's address where none was set.
  hostId: 'od -An -tx1 /etc/hostid || sysctl -n kern.hostid',
  hostUuid: '[ -e /proc/sys/kernel ] || sysctl -n kern.hostuuid',
  machineId: 'cat /etc/machine-id',
  hostKeys: 'set -- /etc/ssh/ssh_host_*_key.pub; [ -e "$1" ] && cat "$@" | cksum',
  pidNamespace: 'readlink /proc/self/ns/pid',
  userNamespace: 'readlink /proc/self/ns/user',
  jailed: '[ -e /proc/sys/kernel ] || sysctl -n security.jail.jailed',
};
const MACHINE_FACTS = Object.keys(MACHINE) as (keyof MachineFacts)[];

/** Facts with the time when all of them were asked for, in ms of the clock that nobody sets (`performance.now`). */
export interface KnownFacts {
  facts: HostFacts;
  asked: number;
}

/** Whether {@link changingScript} is enough. A machine that had no ZFS may have been given it. */
export function stillHolds(known: KnownFacts | undefined): known is KnownFacts {
  return known !== undefined && known.facts.zfsVersion !== '' && performance.now() - known.asked < LASTING_MS;
}

/** A `sh` script that prints `key<TAB>value` lines. It always exits with 0; what is missing is missing. */
export function factsScript(privilege: Privilege): string {
  return [
    `t=$(printf '\\t')`,
    // Where `uname` or `id` is missing or fails, Linux says it too.
    'v=$(uname -s); [ -n "$v" ] || read -r v </proc/sys/kernel/ostype; echo "platform$t$v"',
    'v=$(uname -n); [ -n "$v" ] || read -r v </proc/sys/kernel/hostname; echo "hostname$t$v"',
    'v=$(id -u); [ -n "$v" ] || while read -r k r e s; do case $k in Uid:) v=$e;; esac; done </proc/$$/status; echo "uid$t$v"',
    // "zfs-2.2.4-1" and "zfs-kmod-2.2.4-1", one a line; `zfs version` came with 0.8.
    'zfs version 2>/dev/null | while read -r v; do case $v in zfs-kmod-*) echo "kernel$t${v#zfs-kmod-}";; zfs-*) echo "zfs$t${v#zfs-}";; esac; done',
    'if [ -r /proc/cpuinfo ]; then grep -qwm1 aes /proc/cpuinfo; else uname -m | grep -Eq "amd64|arm64|aarch64"; fi && echo "aes${t}1"',
    ...MACHINE_FACTS.map((fact) => `v=$({ ${MACHINE[fact]}; } 2>/dev/null | tail -n 1) && echo "machine.${fact}$t$v"`),
    ...changing(privilege),
  ].join('\n');
}

/** The part of {@link factsScript} whose answer may be another one with each run. */
export function changingScript(privilege: Privilege): string {
  return [`t=$(printf '\\t')`, ...changing(privilege)].join('\n');
}

const POOLS = 'name,guid,health';

function changing(privilege: Privilege): string[] {
  // What not every ZFS tells is asked for first, and left out where it is refused.
  const lists = [`${POOLS},load_guid,feature@extensible_dataset`, POOLS].flatMap((columns) => {
    const list = `zpool list -Hp -o ${columns} 2>/dev/null`;
    return privilege === 'none' ? [list] : [list, `${privilege} -n ${list}`];
  });
  return [
    `for p in ${HELPER_PROGRAMS.join(' ')}; do command -v $p >/dev/null 2>&1 && echo "program$t$p"; done`,
    `v=$(date -u +%s 2>/dev/null) && echo "clock$t$v"`,
    `{ ${lists.join(' || ')}; } | while read -r v; do echo "pool$t$v"; done`,
    'exit 0',
  ];
}

function readLines(text: string): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const key = line.slice(0, tab);
    all.set(key, [...(all.get(key) ?? []), line.slice(tab + 1)]);
  }
  return all;
}

function readChanging(all: ReadonlyMap<string, string[]>): Pick<HostFacts, 'programs' | 'pools' | 'clock'> {
  const clock = all.get('clock')?.[0] ?? '';
  return {
    ...(/^\d+$/.test(clock) ? { clock: Number(clock) } : {}),
    programs: new Set(all.get('program')),
    pools: (all.get('pool') ?? []).map((line) => {
      const [name = '', guid = '', health = '', loadGuid = '', feature = ''] = line.split('\t');
      const more = { loadGuid, keepsNotes: feature === 'enabled' || feature === 'active' };
      return { name, guid, health, ...(/^[1-9]\d*$/.test(loadGuid) ? more : {}) };
    }),
  };
}

/** What was known, with the answer to {@link changingScript}; null when that is no answer, or ZFS has gone. */
export function updateFacts(known: HostFacts, result: CommandResult, noisyShell: boolean): HostFacts | null {
  const answer = readChanging(readLines(result.stdout));
  const { clock: _before, ...lasting } = known;
  return result.code === 0 && answer.programs.has('zfs') ? { ...lasting, ...answer, noisyShell } : null;
}

/** Throws ZFS_ERROR when the answer is not one. */
export function parseFacts(result: CommandResult, noisyShell: boolean, host: string): HostFacts {
  const all = readLines(result.stdout);
  const first = (key: string): string => all.get(key)?.[0] ?? '';
  if (result.code !== 0 || first('platform') === '') {
    throw new ZfsFlowError('ZFS_ERROR', `could not find out what ${host} is`, {
      host,
      exitCode: result.code,
      stderr: result.stderr,
    });
  }
  return {
    platform: first('platform'),
    hostname: first('hostname'),
    zfsVersion: first('zfs'),
    zfsKernelVersion: first('kernel'),
    isRoot: first('uid') === '0',
    ...readChanging(all),
    aes: first('aes') === '1',
    noisyShell,
    machine: Object.fromEntries(MACHINE_FACTS.map((fact) => [fact, first(`machine.${fact}`)])) as Record<
      keyof MachineFacts,
      string
    >,
  };
}
