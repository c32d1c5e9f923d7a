// A TCP connection to a TrueNAS, with TLS where the URL says https – and judged before a byte is sent over it.
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { ZfsFlowError, type ErrorCode } from '../../base/errors';
import { connectError } from '../../host/connection-errors';
import { shownUrl, type Address } from './address';
import { certificateUnknown, fingerprintOf } from './certificate';

/** What is believed: the confirmed certificate and no other, or else whatever the authorities vouch for. */
export interface Trust {
  /** As `parsePin` has it. */
  pin?: string | undefined;
  /** Certificates (PEM) of authorities besides those that Node.js knows. */
  authorities?: readonly string[] | undefined;
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  CONNECTION_REFUSED: 'Is this the address and port of the TrueNAS web interface?',
  CONNECTION_TIMEOUT: 'Is the TrueNAS up? A firewall may drop the packets.',
};

/**
 * Resolves with a connection whose peer is believed. Throws HOST_NOT_FOUND, HOST_UNREACHABLE, CONNECTION_REFUSED,
 * CONNECTION_TIMEOUT, CONNECTION_LOST, CERTIFICATE_UNKNOWN (details.certificate).
 */
export async function dial(address: Address, trust: Trust, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { host, port } = address;
    const socket = address.secure ? connectTls(tlsOptions(address, trust)) : connectTcp({ host, port });
    const settle = (problem: Error | undefined): void => {
      clearTimeout(timer);
      socket.removeListener('error', failed);
      socket.removeListener('close', closed);
      // Its next owner has listeners of its own; an error in between must not end the process.
      socket.on('error', () => undefined);
      if (problem === undefined) return resolve(socket);
      socket.destroy();
      reject(problem);
    };
    const timer = setTimeout(() => settle(unreachable(address, timeout())), timeoutMs);
    const failed = (error: Error): void => settle(unreachable(address, error));
    const closed = (): void => settle(unreachable(address, new Error('it closed the connection')));
    socket.on('error', failed);
    socket.on('close', closed);
    if (address.secure) socket.once('secureConnect', () => settle(objection(socket as TLSSocket, address, trust)));
    else socket.once('connect', () => settle(undefined));
  });
}

function tlsOptions({ host, port }: Address, { authorities }: Trust): ConnectionOptions {
  return {
    host,
    port,
    servername: isIP(host) === 0 ? host : '',
    // Judged in `objection`, which a refused handshake would leave nothing to show of. The handshake proves in either case
    // that the peer has the key of the certificate.
    rejectUnauthorized: false,
    ...(authorities === undefined ? {} : { ca: [...authorities] }),
  };
}

/** A pinned certificate is compared as it is: that it has run out, or was made out for `localhost`, a person has seen. */
function objection(socket: TLSSocket, address: Address, { pin }: Trust): Error | undefined {
  const { raw } = socket.getPeerCertificate();
  if (pin === undefined ? socket.authorized : fingerprintOf(raw) === pin) return undefined;
  return certificateUnknown(shownUrl(address), raw, pin, String(socket.authorizationError));
}

function timeout(): Error {
  return Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
}

/** In the words of a connection to a web server; the codes are those of every other connection. */
export function unreachable(address: Address, error: Error): ZfsFlowError {
  const known = connectError(error, { ...address, label: address.host });
  const tls = /^(ERR_SSL|EPROTO)/.test(String((error as { code?: string }).code));
  const texts: Partial<Record<ErrorCode, string>> = {
    HOST_NOT_FOUND: 'the host name cannot be resolved',
    CONNECTION_REFUSED: 'the connection was refused',
    HOST_UNREACHABLE: 'the host cannot be reached',
    CONNECTION_TIMEOUT: 'no answer within the time allowed',
  };
  const text = tls
    ? 'it does not speak TLS on this port'
    : (texts[known.code] ?? `the connection broke: ${error.message}`);
  const hint = tls ? 'Is https right, and this the port of the web interface?' : (HINTS[known.code] ?? known.hint);
  return new ZfsFlowError(known.code, `${shownUrl(address)}: ${text}`, {
    host: address.host,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
