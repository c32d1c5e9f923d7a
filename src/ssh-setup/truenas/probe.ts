// The first question to a TrueNAS, before anybody logs in: GET /api/versions, which those since 25.04 answer with a JSON list
// (no login needed), older ones with 404 or a page, and a plain port with a redirect to https.
import { request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { hostHeader, type Address } from './address';
import { dial, type Trust } from './dial';
import type { Limits } from './limits';

export type Probed =
  /** JSON-RPC is spoken here. */
  | { kind: 'versions'; versions: string[] }
  /** An older TrueNAS, or something else altogether; status 0 where nothing of use was answered. */
  | { kind: 'other'; status: number }
  | { kind: 'redirect'; location: string };

/** An answer to it is short, and comes soon. */
const MOST_BYTES = 65_536;
const PATIENCE_MS = 5_000;

const NOTHING: Probed = { kind: 'other', status: 0 };

/** Sends nothing secret. Throws like `dial`; whoever cannot answer this may still take a websocket. */
export async function probe(address: Address, trust: Trust, limits: Limits): Promise<Probed> {
  const socket = await dial(address, trust, limits.connectMs);
  try {
    return await answered(socket, address, Math.min(limits.connectMs, PATIENCE_MS));
  } catch {
    return NOTHING;
  } finally {
    socket.destroy();
  }
}

async function answered(socket: Socket, address: Address, timeoutMs: number): Promise<Probed> {
  return new Promise((resolve, reject) => {
    const asked = request({
      path: '/api/versions',
      headers: { Host: hostHeader(address), Accept: 'application/json', Connection: 'close' },
      createConnection: () => socket,
    });
    const timer = setTimeout(() => asked.destroy(new Error('no answer')), timeoutMs);
    asked.on('error', reject);
    asked.on('response', (response) => {
      bodyOf(response)
        .then((body) => resolve(judge(response, body)), reject)
        .finally(() => clearTimeout(timer));
    });
    asked.on('close', () => clearTimeout(timer));
    asked.end();
  });
}

/** At most the first {@link MOST_BYTES}. */
async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > MOST_BYTES) break;
  }
  return Buffer.concat(chunks).toString();
}

function judge(response: IncomingMessage, body: string): Probed {
  const status = response.statusCode ?? 0;
  const { location } = response.headers;
  if ([301, 302, 307, 308].includes(status) && location !== undefined) return { kind: 'redirect', location };
  const versions = status === 200 ? versionsOf(body) : undefined;
  if (versions !== undefined) return { kind: 'versions', versions };
  return { kind: 'other', status };
}

function versionsOf(body: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const isList = Array.isArray(value) && value.every((one) => typeof one === 'string' && /^v\d/.test(one));
    return isList ? (value as string[]) : undefined;
  } catch {
    return undefined;
  }
}
