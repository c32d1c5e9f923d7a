// What a machine has for streams that go over TCP connections of their own (docs/design/transports.md §1): which programs,
// in which flavour, and how much TCP may hold. Asked for when a run may need it, and believed for a minute.
import type { Host } from './host';
import type { Netcat, NetcatFlavour } from './shell/carrier-commands';

export interface TransportFacts {
  /** As it calls itself, '' = there is none. */
  openssl: string;
  /** TLS 1.3 with a pre-shared key works with it. */
  hasTls: boolean;
  /** Its options include `-no-CAstore`. */
  noCaStore: boolean;
  netcats: readonly Netcat[];
  /** `bash`, `perl` (with what it needs), `socat`, `mkfifo`, `mktemp`, as far as they are there. */
  programs: ReadonlySet<string>;
  /** Most bytes that TCP holds for one connection; 0 = not known. `sysctl`: what holds the limit. */
  tcp: { send: number; receive: number; sysctls: { send: string; receive: string } };
  /** Address and port of the client, then of the server, as sshd saw them; empty on this machine. */
  sshConnection: readonly string[];
}

/** Milliseconds. */
const LASTING_MS = 60_000;

const LINUX = { send: 'net.ipv4.tcp_wmem', receive: 'net.ipv4.tcp_rmem' };
const BSD = { send: 'net.inet.tcp.sendbuf_max', receive: 'net.inet.tcp.recvbuf_max' };

/** A `sh` script that prints `key<TAB>value` lines and exits with 0; what is missing is missing. */
export function transportScript(): string {
  return [
    `exec 2>/dev/null </dev/null; t=$(printf '\\t')`,
    'has() { command -v $1 >/dev/null; }',
    'has openssl && { echo "openssl$t$(openssl version)"; echo "options$t$(openssl s_client -help 2>&1 | grep -c -e -psk_session -e -nocommands)"; }',
    'for p in bash socat mkfifo mktemp; do has $p && echo "program$t$p"; done',
    `has perl && perl -MSocket=:all -e 'my ($e)=getaddrinfo("127.0.0.1",1); exit($e ? 1 : 0)' && echo "program\${t}perl"`,
    // The first lines of their help tell which one it is.
    `help() { echo "netcat$t$*$t$("$@" -h 2>&1 | head -n 12 | tr '\\t\\n' '  ')"; }`,
    'for p in nc ncat nc.openbsd nc.traditional; do has $p && help $p; done; has busybox && help busybox nc',
    `echo "linux$t$(cat /proc/sys/net/ipv4/tcp_wmem | tr '\\t' ' ')$t$(cat /proc/sys/net/ipv4/tcp_rmem | tr '\\t' ' ')"`,
    `echo "bsd$t$(sysctl -n ${BSD.send})$t$(sysctl -n ${BSD.receive})"`,
    'echo "ssh$t$SSH_CONNECTION"',
    'exit 0',
  ].join('\n');
}

/** Which netcat this is, by its help; undefined where what it would do at the end of its input cannot be known. */
export function netcatOf(command: string, help: string): Netcat | undefined {
  const flavour = flavourOf(help);
  if (flavour === undefined) return undefined;
  const ends = flavour !== 'openbsd' || /usage: nc \[-46\w*N/.test(help);
  return { flavour, command: command.split(' '), ends };
}

function flavourOf(help: string): NetcatFlavour | undefined {
  if (/OpenBSD netcat|usage: nc \[-46/.test(help)) return 'openbsd';
  if (/^\s*\[v1\.1\d/.test(help)) return 'traditional';
  if (/Ncat \d/.test(help)) return 'ncat';
  // A small build of it only connects.
  return /BusyBox/.test(help) && /-l\b/.test(help) ? 'busybox' : undefined;
}

export function parseTransportFacts(text: string): TransportFacts {
  const rows = text.split('\n').map((line) => line.split('\t'));
  const all = (key: string): string[][] => rows.filter(([name]) => name === key).map(([, ...values]) => values);
  const [[openssl = ''] = []] = all('openssl');
  const [[options = ''] = []] = all('options');
  const [[connection = ''] = []] = all('ssh');
  const version = Number(/^OpenSSL (\d+)\./.exec(openssl)?.[1] ?? 0);
  return {
    openssl,
    hasTls: version > 0 && Number(options) >= 2,
    noCaStore: version >= 3,
    netcats: all('netcat').flatMap(([command = '', help = '']) => netcatOf(command, help) ?? []),
    programs: new Set(all('program').flatMap(([program = '']) => program)),
    tcp: tcpOf(all('linux')[0], all('bsd')[0]),
    sshConnection: connection.split(' ').filter((word) => word !== ''),
  };
}

function tcpOf(linux: readonly string[] | undefined, bsd: readonly string[] | undefined): TransportFacts['tcp'] {
  const largest = (values: string | undefined): number => Number(values?.trim().split(/\s+/)[2] ?? 0) || 0;
  const onLinux = { send: largest(linux?.[0]), receive: largest(linux?.[1]) };
  if (onLinux.send > 0 && onLinux.receive > 0) return { ...onLinux, sysctls: LINUX };
  return { send: Number(bsd?.[0] ?? 0) || 0, receive: Number(bsd?.[1] ?? 0) || 0, sysctls: BSD };
}

const known = new WeakMap<Host, { asked: number; answer: Promise<TransportFacts> }>();

/** Throws like `Host.run`. One round trip, at most once a minute. */
export async function transportFacts(host: Host, signal: AbortSignal): Promise<TransportFacts> {
  const before = known.get(host);
  if (before && performance.now() - before.asked < LASTING_MS) return before.answer;
  const answer = ask(host, signal);
  known.set(host, { asked: performance.now(), answer });
  answer.catch(() => forgetTransportFacts(host));
  return answer;
}

/** After a failure that another look may explain. */
export function forgetTransportFacts(host: Host): void {
  known.delete(host);
}

async function ask(host: Host, signal: AbortSignal): Promise<TransportFacts> {
  const { stdout } = await host.run(['/bin/sh', '-c', transportScript()], { signal, timeoutMs: 60_000 });
  return parseTransportFacts(stdout);
}
