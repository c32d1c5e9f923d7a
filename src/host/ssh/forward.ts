// A stream through a jump host to the next one, as `ssh -W` has it (RFC 4254, section 7.2), and what it means when the jump
// host opens none. Who logs in where is `connect.ts`.
import type { Client, ClientChannel } from 'ssh2';
import { ZfsFlowError, type ErrorCode } from '../../base/errors';
import type { Endpoint } from '../connection-errors';
import { cancelled } from '../run-options';

/** Reasons of SSH_MSG_CHANNEL_OPEN_FAILURE (RFC 4254, section 5.1). */
const PROHIBITED = 1;

interface OpenFailure extends Error {
  reason?: string | number;
}

/** What a jump host says of a connection that it could not make: words of the system's, whatever system that is. */
const FAILURES: readonly [RegExp, ErrorCode][] = [
  [/refused/i, 'CONNECTION_REFUSED'],
  [/timed out|timeout/i, 'CONNECTION_TIMEOUT'],
  [/not known|unknown host|resolve|resolution|nodename|no address/i, 'HOST_NOT_FOUND'],
];

/**
 * Throws PERMISSION_DENIED when the jump host forwards nothing, CONNECTION_REFUSED, CONNECTION_TIMEOUT, HOST_NOT_FOUND,
 * HOST_UNREACHABLE as the jump host met them, CANCELLED. `timeout` in seconds.
 */
export async function forward(
  hop: Client,
  via: string,
  to: Endpoint,
  timeout: number,
  signal?: AbortSignal,
): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    let over = false;
    const settle = (error: Error | undefined, channel?: ClientChannel): void => {
      // One that opens too late is nobody's.
      if (over) {
        channel?.destroy();
        return;
      }
      over = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      hop.removeListener('close', lost);
      if (channel === undefined) reject(error ?? new Error('no channel'));
      else resolve(channel);
    };
    const abort = (): void => settle(cancelled(`connecting to ${to.label}`));
    const late = `no answer within ${timeout} s`;
    const timer = setTimeout(() => settle(failed('CONNECTION_TIMEOUT', via, to, late)), timeout * 1000);
    const lost = (): void => settle(failed('CONNECTION_LOST', via, to, 'the jump host closed the connection'));
    signal?.addEventListener('abort', abort, { once: true });
    hop.on('close', lost);
    try {
      hop.forwardOut('127.0.0.1', 0, to.host, to.port, (error: OpenFailure | undefined, channel) => {
        if (error) settle(explain(error, via, to));
        else settle(undefined, channel);
      });
    } catch (error) {
      // "Not connected": the socket has gone, its `close` event is still to come.
      settle(failed('CONNECTION_LOST', via, to, (error as Error).message));
    }
  });
}

function explain(error: OpenFailure, via: string, to: Endpoint): ZfsFlowError {
  const said = error.message.replace(/^\(SSH\) Channel open failure: /, '');
  if (Number(error.reason) !== PROHIBITED) {
    const code = FAILURES.find(([pattern]) => pattern.test(said))?.[1] ?? 'HOST_UNREACHABLE';
    return failed(code, via, to, said);
  }
  const message = `${to.label} is reached through ${via}, whose SSH server forwards nothing to ${to.host}:${to.port} (${said})`;
  const hint = `Allow it in its sshd_config: AllowTcpForwarding yes or local; PermitOpen; "restrict" at the key.`;
  return new ZfsFlowError('PERMISSION_DENIED', message, { host: via, hint, cause: error });
}

function failed(code: ErrorCode, via: string, to: Endpoint, said: string): ZfsFlowError {
  const message = `${to.label} (${to.host}:${to.port}) cannot be reached from ${via}: ${said}`;
  const hint = `It is ${via} that makes this connection: is that the address by which it knows ${to.label}?`;
  return new ZfsFlowError(code, message, { host: to.label, hint });
}
