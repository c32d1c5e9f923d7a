// Files that are too large for one request (Node-RED takes bodies of 5 MB): they come in pieces and wait here, in memory, until
// somebody uses them. They hold secrets, so they are not kept for long, and nothing of them is ever repeated.
import { invalidOption } from '../../src/base/errors';
import { readString, type RawOptions } from '../../src/options/read';

/** Bytes of a whole file. */
export const LARGEST_FILE = 64 << 20;
/** Milliseconds that a file waits for its next piece, or for being used again. */
const PATIENCE = 600_000;
/** So many at once; the oldest goes. */
const MOST = 3;
const MOST_PIECES = 10_000;

interface Upload {
  of: number;
  pieces: Map<number, string>;
  /** Characters of all pieces. */
  size: number;
  timer: NodeJS.Timeout;
}

const uploads = new Map<string, Upload>();

const refused = (message: string): Error => invalidOption('file', message);

const DECODED = 3 / 4;

/** Takes `{upload, part, of, data}`: `part` counts from 0 or from 1, `data` is base64. Throws INVALID_OPTIONS, field `file`. */
export function takePiece(body: RawOptions): { ok: true; upload: string; received: number; of: number } {
  const name = nameOf(body);
  const part = wholeOf(body, 'part', 0);
  const of = wholeOf(body, 'of', 1);
  const data = readString(body, 'data').replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(data)) throw refused('a piece of the file is no base64');
  if (part > of) throw refused(`there is no piece ${part} of ${of}`);
  const upload = uploads.get(name) ?? begin(name, of);
  if (upload.of !== of) throw refused('the pieces do not agree how many they are');
  upload.size += data.length - (upload.pieces.get(part)?.length ?? 0);
  if (upload.size * DECODED > LARGEST_FILE) {
    forget(name);
    throw refused('the file is larger than 64 MiB');
  }
  upload.pieces.set(part, data);
  if (upload.pieces.size > of) {
    forget(name);
    throw refused('there are more pieces than were announced');
  }
  renew(name, upload);
  return { ok: true, upload: name, received: upload.pieces.size, of };
}

/** The whole of it, which goes on waiting. Throws INVALID_OPTIONS, field `file`, for what is not there or not complete. */
export function uploaded(body: RawOptions): Buffer {
  const name = nameOf(body);
  const upload = uploads.get(name);
  if (upload === undefined) throw refused('the file was not sent, or too long ago: choose it again');
  const { pieces, of } = upload;
  if (pieces.size < of) throw refused(`the file is not complete: ${pieces.size} of ${of} pieces are here`);
  renew(name, upload);
  const texts = [...pieces].toSorted(([a], [b]) => a - b).map(([, text]) => text);
  // Pieces of the file, each in base64; or pieces of its base64, which only the whole of it can be read from.
  const apart = texts.every((text) => text.length % 4 === 0);
  return apart
    ? Buffer.concat(texts.map((text) => Buffer.from(text, 'base64')))
    : Buffer.from(texts.join(''), 'base64');
}

function begin(name: string, of: number): Upload {
  const [oldest] = uploads.keys();
  if (uploads.size >= MOST && oldest !== undefined) forget(oldest);
  const upload = { of, pieces: new Map<number, string>(), size: 0, timer: setTimeout(() => undefined, 0).unref() };
  uploads.set(name, upload);
  return upload;
}

function renew(name: string, upload: Upload): void {
  clearTimeout(upload.timer);
  upload.timer = setTimeout(() => forget(name), PATIENCE).unref();
}

function forget(name: string): void {
  clearTimeout(uploads.get(name)?.timer);
  uploads.delete(name);
}

function nameOf(body: RawOptions): string {
  const name = body['upload'];
  if (typeof name === 'string' && /^[\w.-]{1,100}$/.test(name)) return name;
  throw invalidOption('file', 'upload: the name of the upload is missing, or is none');
}

function wholeOf(body: RawOptions, field: string, least: number): number {
  const value = Number(body[field]);
  if (Number.isSafeInteger(value) && value >= least && value <= MOST_PIECES) return value;
  throw refused(`${field} must be a whole number from ${least} to ${MOST_PIECES}`);
}
