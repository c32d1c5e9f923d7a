// One of the two ends of a stream over a TCP connection of its own, as who joins them (../ways/tcp.ts) sees it, whether it is
// a script on a remote machine (far-end.ts) or processes of this one (near-end.ts).
import type { Host } from '../../host/host';
import type { Carrier, TlsCipher } from '../../host/shell/carrier-commands';
import type { RateLimit } from '../rate-limit';
import type { StageResult } from '../ways/way';
import type { Protocol } from './pipe-words';

/** What an end is to do. */
export interface EndTask {
  host: Host;
  direction: 'send' | 'receive';
  listens: boolean;
  protocol: Protocol;
  cipher: TlsCipher;
  /** Of a remote machine; null: the process of this one. */
  carrier: Carrier | null;
  commands: { argv: readonly string[]; filters: readonly (readonly string[])[] };
  /** To listen on, '' = its default; or to connect to. */
  address: string;
  ports: readonly number[];
  /** 32 bytes. */
  key: Buffer;
  tag: string;
  /** Of a stream that begins or ends on this machine. */
  rateLimit?: RateLimit | undefined;
  signal: AbortSignal;
  onLine: (line: string) => boolean;
}

/** How an end ended. */
export interface EndReport {
  stage: StageResult;
  /** What else stood on this machine between `zfs` and the connection. */
  between: readonly StageResult[];
  connected: boolean;
  /** None of the ports was free. */
  noPort: boolean;
  /** Of an end that had no time to tidy up: its directory over there; '' = nothing is left of it. */
  directory: string;
  /** What the program with the connection said. */
  said: string;
}

export interface WireEnd {
  /** Once it listens; never for one that connects. */
  readonly listening: Promise<{ port: number; address: string }>;
  /** Once the other side has proved itself. */
  readonly connected: Promise<{ cipher: string }>;
  /** Rejects with the connection codes when the control connection broke, and with what `onLine` threw. */
  readonly ended: Promise<EndReport>;
  /** Where to connect to, for an end that does not listen. */
  connect(port: number): void;
  /** Ends all of it; `ended` tells how. */
  end(): void;
}
