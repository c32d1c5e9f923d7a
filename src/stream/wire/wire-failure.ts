// Why a stream over a TCP connection of its own failed, where it was the connection: no exit code of a program that carries
// says so (docs/design/transports.md §7.4), only its words and how far it came. Pure.
import { ZfsFlowError, type ErrorCode } from '../../base/errors';
import { followsOther, withoutNarration } from '../judge';
import type { EndReport } from './wire-end';
import type { Side, Wire } from './wire-plan';

export interface WireEnding {
  wire: Wire;
  /** Names of the two machines. */
  labels: Readonly<Record<Side, string>>;
  /** That was listened on; 0 = none. */
  port: number;
  reports: Readonly<Record<Side, EndReport>>;
  /** Seconds after which nobody had connected; 0 = it was not that. */
  silentFor: number;
  /** See `FailedTransfer.wordsOf`. */
  wordsOf?: ((stderr: string) => string) | undefined;
}

/** In the words of OpenSSL 1.1.1 to 3.5, and of Node.js. */
const HANDSHAKE =
  /handshake failure|binder does not verify|illegal parameter|certificate verify failed|bad psk|alert (number )?\w+|no suitable (signature|key)|wrong version number|the server showed a certificate|no shared cipher|unknown psk identity|no application protocol|self.signed certificate|unable to (get|verify)/i;

/** In the words of C libraries, OpenSSL, Node.js and netcats. */
const NO_NAME =
  /not known|cannot be resolved|ENOTFOUND|EAI_\w+|could not resolve|name or service|name resolution|nodename nor|no address associated|getaddrinfo|BIO_lookup|bad address|lookup failed/i;

const CONNECTING: readonly [RegExp, ErrorCode][] = [
  [/refused|errno=(111|61)\b/i, 'CONNECTION_REFUSED'],
  [/timed out|ETIMEDOUT|errno=(110|60)\b/i, 'CONNECTION_TIMEOUT'],
  [/no route|unreachable|EHOSTUNREACH|ENETUNREACH|errno=(113|101|65|51)\b/i, 'HOST_UNREACHABLE'],
  [NO_NAME, 'HOST_NOT_FOUND'],
];

const NO_ADDRESS = /cannot assign|can't assign|EADDRNOTAVAIL|errno=(99|49)\b/i;
/** Exit codes of the script (host/shell/far-end-script.ts), and of a shell that misses a program. */
const NO_PLACE = 96;
const NO_PROGRAM = 127;

/** null where `zfs` or a filter failed by itself, which their own words say. */
export function wireFailure(ending: WireEnding): ZfsFlowError | null {
  const { wire, labels, reports } = ending;
  const connects: Side = wire.listen === 'source' ? 'target' : 'source';
  const at = { listener: labels[wire.listen], connector: labels[connects] };
  if (reports[wire.listen].noPort) return noPort(ending, at.listener);
  const place = noPlace(ending);
  if (place) return place;
  const said = `${reports[connects].said}\n${reports[wire.listen].said}`;
  const isConnected = reports.source.connected && reports.target.connected;
  if (!isConnected && !reports[connects].connected) {
    const found = notConnected(ending, at, said);
    if (found) return found;
  }
  return broken(ending, at);
}

function noPort({ wire, reports }: WireEnding, host: string): ZfsFlowError {
  const { said } = reports[wire.listen];
  if (NO_ADDRESS.test(said) || (wire.listenAddress !== '' && NO_NAME.test(said))) {
    const message = `netcatListenAddress: ${host} has no address ${wire.listenAddress}`;
    return new ZfsFlowError('INVALID_OPTIONS', message, { host, field: 'netcatListenAddress' });
  }
  const { min, max } = wire.ports;
  return new ZfsFlowError('UNSUPPORTED', `no free TCP port from ${min} to ${max} on ${host}${quoted(said)}`, {
    host,
    hint: 'Widen the range of ports (netcatPortMin, netcatPortMax): each dataset that is sent at the same time needs one.',
    retryable: true,
  });
}

function noPlace({ reports, labels }: WireEnding): ZfsFlowError | null {
  for (const side of ['source', 'target'] as const) {
    const { stage, connected } = reports[side];
    if (connected || stage.ended) continue;
    const host = labels[side];
    if (stage.code === NO_PLACE) {
      const message = `no private directory with a FIFO could be made on ${host}${quoted(stage.stderr)}`;
      const hint = 'Is its TMPDIR (or /tmp) writable, and on a file system that has FIFOs?';
      return new ZfsFlowError('UNSUPPORTED', message, { host, hint });
    }
    if (stage.code === NO_PROGRAM && /not found/i.test(reports[side].said)) {
      return new ZfsFlowError('COMMAND_NOT_FOUND', `${host}${quoted(reports[side].said)}`, { host });
    }
  }
  return null;
}

interface Machines {
  listener: string;
  connector: string;
}

function notConnected(ending: WireEnding, at: Machines, said: string): ZfsFlowError | null {
  const { wire, port, silentFor } = ending;
  const { listener, connector } = at;
  const from = connector === listener ? connector : `${connector} could not connect to ${listener}`;
  const where = `${from} at ${shown(wire.connectAddress)}:${port}`;
  if (wire.transport === 'ssh+tls' && HANDSHAKE.test(said)) {
    const message = `${where}: who answered does not know the key of this transfer${quoted(said)}`;
    const hint =
      'Does something between the two machines answer in place of one, or does another program use the port?';
    return new ZfsFlowError('AUTHENTICATION_FAILED', message, { host: connector, hint, retryable: true });
  }
  const [, code] = CONNECTING.find(([pattern]) => pattern.test(said)) ?? [];
  const found = code ?? (silentFor > 0 ? 'CONNECTION_TIMEOUT' : undefined);
  if (found === undefined) return null;
  const texts: Partial<Record<ErrorCode, string>> = {
    CONNECTION_REFUSED: 'refused – nothing listens there, or a firewall rejects it',
    CONNECTION_TIMEOUT: `no answer within ${silentFor || 15} s: probably a firewall or NAT in between`,
    HOST_UNREACHABLE: 'there is no way to that address',
    HOST_NOT_FOUND: 'the name cannot be resolved there',
  };
  return new ZfsFlowError(found, `${where}: ${texts[found] ?? 'no connection'}`, {
    host: connector,
    hint: whatToOpen(wire, at, found),
    retryable: true,
  });
}

function whatToOpen({ ports, connectAddress }: Wire, { listener, connector }: Machines, code: ErrorCode): string {
  if (code === 'HOST_NOT_FOUND') {
    return `Set netcatConnectAddress to a name or address of ${listener} that ${connector} knows; "${connectAddress}" is none.`;
  }
  const open = ports.isAny
    ? `Set a range of ports (netcatPortMin, netcatPortMax) and open it from ${connector} to ${listener}`
    : `Open TCP ${ports.min}–${ports.max} from ${connector} to ${listener}`;
  return `${open}, set netcatConnectAddress if ${listener} has another address seen from there, let the other side listen (netcatActiveSide), or set transport to "ssh".`;
}

/** Both ends ran, and neither says that it failed by itself: what was between them broke. */
function broken(
  { wire, labels, reports, port, wordsOf = withoutNarration }: WireEnding,
  at: Machines,
): ZfsFlowError | null {
  const { source, target } = reports;
  const stages = [
    { ...source.stage, role: 'send' as const },
    { ...target.stage, role: 'receive' as const },
  ];
  const own = stages.some((stage) => {
    const isFailed = stage.code !== 0 || stage.signal !== null;
    return isFailed && !stage.ended && stage.code !== null && !followsOther(stage, wordsOf(stage.stderr));
  });
  const between = [...source.between, ...target.between].some(({ code, ended }) => code !== 0 && !ended);
  if (own || between) return null;
  const said = lastOf(`${source.said}\n${target.said}`);
  const message = `the connection from ${labels.source} to ${labels.target} broke (${at.connector} → ${shown(wire.connectAddress)}:${port})${said}`;
  return new ZfsFlowError('CONNECTION_LOST', message, { host: at.connector, retryable: true });
}

const shown = (address: string): string => (address.includes(':') ? `[${address}]` : address);

function lastOf(said: string): string {
  const lines = said.split('\n').filter((line) => /error|reset|broken|closed|eof/i.test(line));
  return lines.length === 0 ? '' : `: ${(lines.at(-1) ?? '').trim().slice(0, 200)}`;
}

/** What a program said, for a message. */
function quoted(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  const text = lines
    .filter((line) => line !== '' && !/get_servername/.test(line))
    .slice(-2)
    .join('; ');
  return text === '' ? '' : `: ${text.slice(0, 300)}`;
}
