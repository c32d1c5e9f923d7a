// The first question to a TrueNAS, before anybody logs in: GET /api/versions, which those since 25.04 answer with a JSON list
// (no login needed), older ones with 404 or a page, and a plain port with a redirect to https.
import { request, type IncomingMessage } from 'node:http';
import { ZfsFlowError } from '../../base/errors';
import { hostHeader, shownUrl, type Address } from './address';
import { dial, unreachable, type Trust } from './dial';
import type { Limits } from './limits';

export type Probed =
  /** JSON-RPC is spoken here. */
  | { kind: 'versions'; versions: string[] }
  /** An older TrueNAS, or something else altogether. */
  | { kind: 'other'; status: number; html: boolean }
  | { kind: 'redirect'; location: string };

/** An answer to it is short. */
const MOST_BYTES = 65_536;

/** Sends nothing secret. Throws like `dial`, TIMEOUT. */
export async function probe(address: Address, trust: Trust, limits: Limits): Promise<Probed> {
  const socket = await dial(address, trust, limits.connectMs);
  try {
    const { response, body } = await new Promise<{ response: IncomingMessage; body: string }>((resolve, reject) => {
      const asked = request({
        path: '/api/versions',
        headers: { Host: hostHeader(address), Accept: 'application/json', Connection: 'close' },
        createConnection: () => socket,
      });
      const timer = setTimeout(() => {
        reject(new ZfsFlowError('TIMEOUT', `${shownUrl(address)} does not answer`, { host: address.host }));
        socket.destroy();
      }, limits.connectMs);
      asked.on('error', (error) => reject(unreachable(address, error)));
      asked.on('response', (response) => {
        void bodyOf(response)
          .then(
            (body) => resolve({ response, body }),
            (error: Error) => reject(unreachable(address, error)),
          )
          .finally(() => clearTimeout(timer));
      });
      asked.on('close', () => clearTimeout(timer));
      asked.end();
    });
    return judge(response, body);
  } finally {
    socket.destroy();
  }
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
  return { kind: 'other', status, html: /html/.test(response.headers['content-type'] ?? '') };
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
