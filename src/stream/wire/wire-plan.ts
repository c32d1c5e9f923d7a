// How a stream goes that has a TCP connection of its own: who listens, where, with which programs, on which ports
// (docs/design/transports.md §5). Pure.
import { invalidOption, ZfsFlowError } from '../../base/errors';
import { plainCarrier, type Carrier, type CarrierChoice, type TlsCipher } from '../../host/shell/carrier-commands';

export type WireTransport = 'ssh+tls' | 'ssh+netcat';
export type ActiveSide = 'auto' | 'source' | 'target' | 'local' | 'remote';
export type Side = 'source' | 'target';

/** What was asked for; the words are TrueNAS's. */
export interface WireOptions {
  netcatActiveSide: ActiveSide;
  /** '' = default. */
  netcatListenAddress: string;
  netcatConnectAddress: string;
  /** null = any. */
  netcatPortMin: number | null;
  netcatPortMax: number | null;
}

/** A machine at one end. */
export interface WireSide extends CarrierChoice {
  label: string;
  isLocal: boolean;
  /** How this machine reaches it; '' for this machine itself. */
  address: string;
  /** It has an `openssl` that takes a key made for one transfer. */
  hasTls: boolean;
  noCaStore: boolean;
  aes: boolean;
  /** Of its SSH connection, as sshd sees it: the client's address and port, then its own. */
  sshConnection: readonly string[];
}

/** A stream's way, decided. */
export interface Wire {
  transport: WireTransport;
  cipher: TlsCipher;
  listen: Side;
  /** '' = where the SSH connection came in, on this machine everywhere. */
  listenAddress: string;
  connectAddress: string;
  ports: PortRange;
  /** null for this machine, which has a process of ours. */
  carriers: Readonly<Record<Side, Carrier | null>>;
}

/** Both ends may be used. */
export interface PortRange {
  min: number;
  max: number;
  /** It was chosen by us. */
  isAny: boolean;
}

/** What a result tells of it. */
export interface DataPath {
  from: string;
  to: string;
  listen: Side;
  address: string;
  port: number;
  protocol?: string;
  cipher?: string;
}

/** As TrueNAS: the smallest that needs no rights, and the largest there is. */
export const LEAST_PORT = 1024;
export const LARGEST_PORT = 65_535;
/** Where any may be used: those that nobody has registered (RFC 6335, 6). */
const ANY_PORT: PortRange = { min: 49_152, max: LARGEST_PORT, isAny: true };
/** So many are tried in one attempt. */
const MOST_TRIES = 20;

/** Throws INVALID_OPTIONS for `local` and `remote` unless exactly one end is this machine. */
export function listeningSide(asked: ActiveSide, source: { isLocal: boolean }, target: { isLocal: boolean }): Side {
  if (asked === 'source' || asked === 'target') return asked;
  const isMixed = source.isLocal !== target.isLocal;
  if (asked === 'auto') return isMixed && target.isLocal ? 'source' : 'target';
  if (!isMixed) {
    const hint = 'Say "source" or "target", or leave it to "auto".';
    const where = 'means one end on the machine that runs Node-RED, and here it is neither';
    throw invalidOption('netcatActiveSide', `netcatActiveSide: "${asked}" ${where}`, hint);
  }
  return source.isLocal === (asked === 'local') ? 'source' : 'target';
}

export function portRange({ netcatPortMin: min, netcatPortMax: max }: WireOptions): PortRange {
  if (min === null && max === null) return ANY_PORT;
  return { min: min ?? LEAST_PORT, max: max ?? LARGEST_PORT, isAny: false };
}

/** Ports in the order in which they are tried, from one anywhere in the range round; `random` is in [0, 1). */
export function portsToTry({ min, max }: PortRange, random: number): number[] {
  const count = max - min + 1;
  const first = Math.min(count - 1, Math.floor(random * count));
  return Array.from({ length: Math.min(count, MOST_TRIES) }, (_, index) => min + ((first + index) % count));
}

/** Throws INVALID_OPTIONS, and where a machine lacks a program COMMAND_NOT_FOUND or UNSUPPORTED, naming it. */
export function planWire(
  transport: WireTransport,
  options: WireOptions,
  { source, target, ownAddresses }: { source: WireSide; target: WireSide; ownAddresses: readonly string[] },
): Wire {
  const listen = listeningSide(options.netcatActiveSide, source, target);
  const [listener, connector] = listen === 'source' ? [source, target] : [target, source];
  const cipher = source.aes && target.aes ? 'TLS_AES_128_GCM_SHA256' : 'TLS_CHACHA20_POLY1305_SHA256';
  const carrier = (side: WireSide, name: Side): Carrier | null =>
    side.isLocal
      ? null
      : carrierOf(
          transport,
          side,
          { direction: name === 'source' ? 'send' : 'receive', listens: name === listen },
          cipher,
        );
  // How the other end sees this machine: where its SSH connection came from.
  const [seenFrom = ''] = connector.sshConnection;
  const connectAddress = options.netcatConnectAddress || (listener.isLocal ? seenFrom : listener.address);
  const own = listener.isLocal && ownAddresses.includes(seenFrom) ? seenFrom : '';
  return {
    transport,
    cipher,
    listen,
    listenAddress: options.netcatListenAddress || own,
    connectAddress,
    ports: portRange(options),
    carriers: { source: carrier(source, 'source'), target: carrier(target, 'target') },
  };
}

function carrierOf(
  transport: WireTransport,
  side: WireSide,
  role: { direction: 'send' | 'receive'; listens: boolean },
  cipher: TlsCipher,
): Carrier {
  const { label: host, programs } = side;
  for (const program of ['mktemp', 'mkfifo']) {
    if (!programs.has(program)) throw missing(`there is no ${program} on ${host}`, host, `Install ${program} there`);
  }
  if (transport === 'ssh+tls') {
    if (side.hasTls) return { kind: 'tls', cipher, noCaStore: side.noCaStore };
    throw missing(
      `there is no openssl on ${host} that takes a key made for one transfer (OpenSSL 1.1.1 or newer)`,
      host,
      'Install the openssl program there',
    );
  }
  const carrier = plainCarrier(role, side);
  if (carrier) return carrier;
  const what = `${role.listens ? 'listens' : 'connects'} and ${role.direction}s`;
  throw missing(
    `there is no program on ${host} that ${what}: none of perl, nc, ncat, busybox, socat${role.listens ? '' : ', bash'}`,
    host,
    'Install one of them there, let the other side listen (netcatActiveSide)',
  );
}

function missing(message: string, host: string, hint: string): ZfsFlowError {
  return new ZfsFlowError('COMMAND_NOT_FOUND', message, { host, hint: `${hint}, or set transport to "ssh".` });
}

export function dataPathOf(wire: Wire, port: number, labels: Readonly<Record<Side, string>>): DataPath {
  const { listen, connectAddress: address, transport, cipher } = wire;
  const tls = transport === 'ssh+tls' ? { protocol: 'TLSv1.3', cipher } : {};
  return { from: labels.source, to: labels.target, listen, address, port, ...tls };
}
