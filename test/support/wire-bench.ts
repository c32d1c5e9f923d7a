// Streams over TCP between two "remote" machines that are this one, with `cat` and the like in the place of `zfs`: real
// openssl, netcats and shells, and what they leave behind.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZfsFlowError, type ErrorCode } from '../../src/base/errors';
import { LocalHost } from '../../src/host/local/local-host';
import { parseTransportFacts, transportScript } from '../../src/host/transport-facts';
import { transfer, type TransferRequest, type TransferResult } from '../../src/stream/transfer';
import { planWire, type DataPath, type Wire, type WireOptions, type WireSide } from '../../src/stream/wire/wire-plan';
import { localMachine, type LocalMachine } from './local-channels';

export const ANY: WireOptions = {
  netcatActiveSide: 'auto',
  netcatListenAddress: '',
  netcatConnectAddress: '',
  netcatPortMin: null,
  netcatPortMax: null,
};

const known = parseTransportFacts(execFileSync('/bin/sh', ['-c', transportScript()], { encoding: 'utf8' }));

/** `far` machines and `near` (this one) as a side of a plan; `only`: the one program that may carry in the clear. */
export function side(label: string, isLocal: boolean, only = ''): WireSide {
  const carries = new Set(['perl', 'bash', 'socat']);
  const programs = new Set([...known.programs].filter((name) => only === '' || name === only || !carries.has(name)));
  const netcats = known.netcats.filter(({ flavour }) => only === '' || flavour === only);
  const sshConnection = ['127.0.0.1', '40000', '127.0.0.1', '22'];
  const { hasTls, noCaStore } = known;
  return { label, isLocal, address: '127.0.0.1', hasTls, noCaStore, aes: true, programs, netcats, sshConnection };
}

export interface Ends {
  source: LocalMachine | null;
  target: LocalMachine | null;
}

/** `from`, `to`: null for this machine itself. */
export function machines(from: 'near' | 'far' = 'far', to: 'near' | 'far' = 'far'): Ends {
  return { source: from === 'far' ? localMachine('A') : null, target: to === 'far' ? localMachine('B') : null };
}

export interface Sending {
  transport?: Wire['transport'];
  ends?: Ends;
  options?: Partial<WireOptions>;
  /** See {@link side}. */
  only?: string;
  send?: readonly string[];
  receive?: readonly string[];
  more?: Partial<TransferRequest>;
  change?: (wire: Wire) => Wire;
}

export interface Sent {
  result: TransferResult;
  path: DataPath | undefined;
}

let count = 0;

export async function sendOver(sending: Sending): Promise<Sent> {
  const { transport = 'ssh+tls', ends = machines(), only = '', change = (wire: Wire) => wire } = sending;
  const sides = {
    source: side('A', ends.source === null, only),
    target: side('B', ends.target === null, only),
    ownAddresses: [],
  };
  const wire = change(planWire(transport, { ...ANY, ...sending.options }, sides));
  let path: DataPath | undefined;
  const result = await transfer({
    source: ends.source?.host ?? new LocalHost(),
    target: ends.target?.host ?? new LocalHost(),
    sendArgv: sending.send ?? script('yes Qk | head -c 3000000'),
    receiveArgv: sending.receive ?? script('sha256sum'),
    lanes: null,
    sameHost: false,
    tag: `zfsflow.wire.${process.pid}.${count++}`,
    signal: AbortSignal.timeout(60_000),
    stallTimeoutMs: 60_000,
    wire,
    onPath: (found) => (path = found),
    ...sending.more,
  });
  return { result, path };
}

export const script = (text: string): string[] => ['/bin/sh', '-c', text];

/** What the receiver said. */
export const received = ({ result }: Sent): string => result.stages.at(-1)?.stderr ?? '';

/** Directories of ours, and processes that belong to a transfer, as they are now. */
export function left(): string[] {
  const directories = readdirSync(tmpdir()).filter((name) => /^zfsflow-[0-9A-Za-z]{10}$/.test(name));
  return [...directories, ...running().map(({ pid, args }) => `${pid} ${args.slice(0, 80)}`)];
}

export function running(pattern = new RegExp(`zfsflow\\.wire\\.${process.pid}\\.`)): { pid: number; args: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!(pid > 0) || pid === process.pid) return [];
    try {
      const args = readFileSync(join('/proc', name, 'cmdline'), 'latin1').replaceAll('\0', ' ');
      readlinkSync(join('/proc', name, 'exe'));
      return pattern.test(args) || /s_server|s_client/.test(args) ? [{ pid, args }] : [];
    } catch {
      return [];
    }
  });
}

/** Within five seconds nothing is left. */
export async function assertNothingLeft(): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (left().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(left(), []);
}

/** Lines that `openssl s_client` would take for commands. */
export const COMMANDS = 'yes "$(printf "Q\\nR\\nk\\nK\\nB")" | head -c 5000000';
export const digest = (text: string): string =>
  createHash('sha256')
    .update(execFileSync('/bin/sh', ['-c', text], { maxBuffer: 1 << 28 }))
    .digest('hex');

/** A stream that goes on until it is ended, at about 1 MB/s. */
export const ENDLESS = script('while head -c 100000 /dev/zero; do sleep 0.1; done; exit 1');
export const COUNT = script('wc -c');

export async function failure(sending: Sending): Promise<ZfsFlowError> {
  const error = await sendOver(sending).then(
    () => assert.fail('it must not succeed'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ZfsFlowError, String(error));
  return error;
}

export async function refused(code: ErrorCode, sending: Sending): Promise<ZfsFlowError> {
  const error = await failure(sending);
  assert.equal(error.code, code, `${error.code} ${error.message} ${JSON.stringify(error.details)}`);
  return error;
}

/** A port of 127.0.0.1 that is held until the end of the test. */
export async function held(address = '127.0.0.1', backlog = 511): Promise<{ server: Server; port: number }> {
  const server = createServer().listen({ port: 0, host: address, backlog });
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

export async function freePort(): Promise<number> {
  const { server, port } = await held();
  server.close();
  await once(server, 'close');
  return port;
}

export const isListening = (port: number): boolean => {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`:${hex} [0-9A-F]+:0000 0A`).test(
    ['tcp', 'tcp6'].map((name) => readFileSync(`/proc/net/${name}`, 'utf8')).join(''),
  );
};
