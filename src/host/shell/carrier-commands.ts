// Which program carries a stream over TCP at a far end, and its command line: the plain `openssl` for TLS, the first of the
// many that can for the clear. Each of their traps was found by running them (docs/design/transports.md §1).

/** How a program stands to its connection: it listens or connects, and sends or receives. */
export interface Role {
  direction: 'send' | 'receive';
  listens: boolean;
}

export type NetcatFlavour = 'openbsd' | 'ncat' | 'traditional' | 'busybox';

export interface Netcat {
  flavour: NetcatFlavour;
  /** How it is called: `nc`, `ncat`, `busybox nc`. */
  command: readonly string[];
  /** It can tell the other side that its input has ended (`-N` of OpenBSD's, which old ones lack). */
  ends: boolean;
}

/**
 * `handOver`: makes the connection and becomes the command, which then reads or writes the socket itself; `copy`: stands
 * between the command and the socket.
 */
export type Carrier =
  | { kind: 'tls'; cipher: TlsCipher; noCaStore: boolean }
  | { kind: 'handOver'; program: 'perl' | 'bash' }
  | { kind: 'copy'; program: 'socat' }
  | { kind: 'copy'; program: 'netcat'; netcat: Netcat };

/** Both have a hash of SHA-256, to which a pre-shared key is tied (RFC 8446, 4.2.11). */
export type TlsCipher = 'TLS_AES_128_GCM_SHA256' | 'TLS_CHACHA20_POLY1305_SHA256';

/** The address of who listens on all addresses of a machine, those of IPv4 too: TrueNAS's word for it. */
export const EVERYWHERE = '::';

/** To others it is IPv6 alone, or nothing at all; they listen everywhere when they are told no address. */
export function takesEverywhere(carrier: Carrier): boolean {
  if (carrier.kind !== 'copy') return carrier.kind === 'handOver';
  return carrier.program === 'socat' || ['openbsd', 'busybox'].includes(carrier.netcat.flavour);
}

/** What there is to choose from on a machine. */
export interface CarrierChoice {
  programs: ReadonlySet<string>;
  netcats: readonly Netcat[];
}

/** bash only connects. */
function handsOver(program: 'perl' | 'bash', { listens }: Role): boolean {
  return program === 'perl' || !listens;
}

/**
 * What carries a stream in the clear there; undefined when nothing can. What hands over the socket is first: it copies
 * nothing, and perl goes on listening after a client without the token.
 */
export function plainCarrier(role: Role, { programs, netcats }: CarrierChoice): Carrier | undefined {
  const hander = (['bash', 'perl'] as const).find((program) => programs.has(program) && handsOver(program, role));
  if (hander !== undefined) return { kind: 'handOver', program: hander };
  const netcat = netcats.find(({ ends }) => ends || role.direction === 'receive');
  if (netcat) return { kind: 'copy', program: 'netcat', netcat };
  return programs.has('socat') ? { kind: 'copy', program: 'socat' } : undefined;
}

/** Shell variables of the script: the address as it is and for a place with a port, and the port. */
const HOST = '"$A"';
const BRACKETED = '"$B"';
const PORT = '"$P"';

/** The command line of `openssl`, as shell text; it reads the session with the key from `"$D/k"`. */
export function tlsCommand({ listens }: Role, cipher: TlsCipher, noCaStore: boolean): string {
  // Without these, a client with a key would take any certificate in its place (finding 7).
  const noCertificates = `-no-CAfile -no-CApath${noCaStore ? ' -no-CAstore' : ''}`;
  const common = `-tls1_3 -ciphersuites ${cipher} -brief ${noCertificates} -psk_session "$D/k"`;
  if (listens) return `openssl s_server -accept "\${B:+$B:}$P" -naccept 1 -nocert -num_tickets 0 ${common}`;
  // -nocommands: else it takes input that begins with Q for a command (finding 5).
  return `openssl s_client -connect ${BRACKETED}:${PORT} -nocommands -verify_return_error ${common}`;
}

/** The command line of a program that copies, as shell text, and what its standard input has to be. */
export interface CopyCommand {
  text: string;
  /** `silent`: it never ends; `token`: the token and then its end; `stream`: what is sent; `none`: nothing. */
  stdin: 'silent' | 'silentToken' | 'token' | 'stream' | 'none';
}

/** `program`: the shell words that call a netcat. */
export function copyCommand(carrier: Extract<Carrier, { kind: 'copy' }>, role: Role, program: string): CopyCommand {
  if (carrier.program === 'socat') return socatCommand(role);
  const { flavour } = carrier.netcat;
  const text = NETCATS[flavour](role, program);
  if (role.direction === 'send') return { text, stdin: 'stream' };
  // These stay when the connection has ended and their input has not; others end the connection with their input.
  if (flavour === 'openbsd' || flavour === 'ncat') return { text, stdin: role.listens ? 'none' : 'token' };
  return { text, stdin: role.listens ? 'silent' : 'silentToken' };
}

function socatCommand({ listens, direction }: Role): CopyCommand {
  const place = listens
    ? `"$(case $A in "") echo "TCP-LISTEN:$P,reuseaddr";; *:*) echo "TCP6-LISTEN:$P,bind=$B,reuseaddr";; *) echo "TCP4-LISTEN:$P,bind=$A,reuseaddr";; esac)"`
    : `"TCP:$B:$P"`;
  if (direction === 'receive' && listens) return { text: `socat -u ${place} -`, stdin: 'none' };
  // Once its input has ended it gives the other side half a second, unless told otherwise.
  return direction === 'send'
    ? { text: `socat -t 3600 - ${place}`, stdin: 'stream' }
    : { text: `socat - ${place}`, stdin: 'silentToken' };
}

/** `program`: the shell words that call it. */
const NETCATS: Readonly<Record<NetcatFlavour, (role: Role, program: string) => string>> = {
  openbsd: ({ listens, direction }, program) =>
    listens
      ? `${program} -n -l ${direction === 'send' ? '-N' : '-d'} \${A:+"$A"} ${PORT}`
      : `${program} -v${direction === 'send' ? ' -N' : ''} ${HOST} ${PORT}`,
  ncat: ({ listens, direction }, program) =>
    listens
      ? `${program} -l${direction === 'send' ? '' : ' --recv-only'} \${A:+"$A"} ${PORT}`
      : `${program} ${direction === 'send' ? '--send-only' : '--no-shutdown'} ${HOST} ${PORT}`,
  traditional: ({ listens, direction }, program) => {
    const ends = direction === 'send' ? ' -q 0' : '';
    return listens ? `${program} -n -l${ends} \${A:+-s "$A"} -p ${PORT}` : `${program} -v${ends} ${HOST} ${PORT}`;
  },
  // With -s it does not listen.
  busybox: ({ listens }, program) =>
    listens ? `${program} -l $(case $A in "") echo "-p $P";; *) echo "$B:$P";; esac)` : `${program} ${HOST} ${PORT}`,
};
