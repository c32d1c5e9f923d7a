// Why the lab cannot run here, in sentences for the person who started the tests. Looks only; changes nothing.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, readdirSync, statfsSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

// What the machines' root tree brings along for the Node of this host that is shared with them.
const GUEST_LIBRARIES = /^(lib(dl|stdc\+\+|m|gcc_s|pthread|c|rt|atomic)\.so|ld-linux|linux-vdso)/;

/** What keeps the lab from running on this host; empty when nothing does. */
export function labProblems(flavour = 'newest'): string[] {
  if (process.platform !== 'linux')
    return [`The lab boots User Mode Linux and needs a Linux host; this is ${process.platform}.`];
  const problems: string[] = [];
  if (process.arch !== 'x64') problems.push(`The lab needs an amd64 host; this is ${process.arch}.`);
  if (process.getuid?.() !== 0)
    problems.push('The lab makes network namespaces and tap devices and must be started as root.');
  else problems.push(...deviceProblems());
  problems.push(...memoryProblems(), ...nodeProblems());
  // The build installs the programs that are missing; a lab from a cache needs them to be there.
  problems.push(...(isBuilt(flavour) ? toolProblems() : buildProblems()));
  return problems;
}

function deviceProblems(): string[] {
  const problems: string[] = [];
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    problems.push(
      'There is no usable /dev/net/tun, which carries the network of the machines (in a container: --device /dev/net/tun).',
    );
  }
  if (spawnSync('unshare', ['--net', 'true']).status !== 0) {
    problems.push('Network namespaces cannot be made here (in a container: it must be privileged).');
  }
  return problems;
}

function memoryProblems(): string[] {
  if (!existsSync('/dev/shm')) return ['There is no /dev/shm, where the memory and the disks of the machines live.'];
  const shm = statfsSync('/dev/shm');
  const free = (shm.bavail * shm.bsize) / 2 ** 20;
  if (free >= 1024) return [];
  return [
    `/dev/shm has ${Math.round(free)} MB free; the machines' memory and disks need 1024 (in a container: --shm-size 4g).`,
  ];
}

function nodeProblems(): string[] {
  const asked = spawnSync('ldd', [process.execPath], { encoding: 'utf8' });
  if (asked.status !== 0) return [];
  const foreign = asked.stdout
    .split('\n')
    .map((line) => path.basename(line.trim().split(' ')[0] ?? ''))
    .filter((name) => name !== '' && !GUEST_LIBRARIES.test(name));
  if (foreign.length === 0) return [];
  return [
    `Node (${process.execPath}) needs libraries that the machines do not have (${foreign.join(', ')}): use the Node of nodejs.org or NodeSource.`,
  ];
}

/** Whether the kernel and a root tree of this flavour are in the cache (the root tree may be of an older revision). */
export function isBuilt(flavour: string): boolean {
  const cache =
    process.env['ZFS_LAB_CACHE'] ??
    path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'zfs-lab');
  return existsSync(path.join(cache, flavour, 'rev')) && existsSync(path.join(cache, flavour, 'root'));
}

function toolProblems(): string[] {
  const tools = {
    ip: 'iproute2',
    bridge: 'iproute2',
    nsenter: 'util-linux',
    setsid: 'util-linux',
    ssh: 'openssh-client',
  };
  const places = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const missing = Object.entries(tools).filter(([tool]) => !places.some((place) => existsSync(path.join(place, tool))));
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  return [`The lab needs ${missing.map(([tool]) => tool).join(', ')}: apt-get install ${packages}.`];
}

function buildProblems(): string[] {
  const problems: string[] = [];
  if (!existsSync('/etc/debian_version'))
    return ['Building the lab takes the packages of a Debian 12 host; this is no Debian.'];
  const release = readFileSync('/etc/os-release', 'utf8');
  if (!/VERSION_CODENAME=bookworm/.test(release))
    problems.push('Building the lab is made for Debian 12 (bookworm); this is another release.');
  const lists = existsSync('/etc/apt/sources.list.d') ? readdirSync('/etc/apt/sources.list.d') : [];
  const sources = existsSync('/etc/apt/sources.list') && statSync('/etc/apt/sources.list').size > 0;
  if (!sources && lists.length === 0)
    problems.push('apt has no Debian mirror configured, from which Linux and OpenZFS are built.');
  return problems;
}
