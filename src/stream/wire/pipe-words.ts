// What the process that carries a stream's bytes on this machine (../tcp-pipe.ts) is told and tells. Pure.
import type { TlsCipher } from '../../host/shell/carrier-commands';

export type Protocol = 'tls' | 'plain';

/** One line of JSON on file descriptor 3. */
export interface PipeRequest {
  direction: 'send' | 'receive';
  listens: boolean;
  protocol: Protocol;
  cipher: TlsCipher;
  /** The key in base64, or the token. */
  secret: string;
  /** To listen on, '' = everywhere; or to connect to. */
  host: string;
  /** To listen on, the first that is free. */
  ports?: readonly number[];
  /** To connect to. */
  port?: number;
}

export type PipeWord =
  | { listening: number; address: string }
  | { connected: true; address: string; cipher?: string }
  /** A client that did not prove itself. */
  | { refused: string }
  | { noPort: true }
  | { error: string; message: string };

const PREFIX = 'zfsflow-tcp: ';

export function pipeLine(word: PipeWord): string {
  return `${PREFIX}${JSON.stringify(word)}`;
}

/** undefined for a line that is none of its. */
export function readPipeLine(line: string): PipeWord | undefined {
  return line.startsWith(PREFIX) ? (JSON.parse(line.slice(PREFIX.length)) as PipeWord) : undefined;
}
