// Reads the few files of a saved configuration out of a tar archive in memory. Only names that are known are looked at, nothing is
// written anywhere. Formats: ustar, GNU (long names, sizes in base 256) and pax headers. Pure.

const BLOCK = 512;
const MOST_ENTRIES = 1000;

/** Why an archive cannot be read; repeats nothing of its content. */
export class BadArchive extends Error {}

export function isTar(file: Uint8Array): boolean {
  return file.byteLength >= BLOCK && hasChecksum(Buffer.from(file.buffer, file.byteOffset, BLOCK));
}

/** Of the header: the sum of its bytes, its own field taken as blanks. */
function hasChecksum(header: Buffer): boolean {
  const told = octal(header.subarray(148, 156));
  if (told === null) return false;
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += header[index] ?? 0;
  return sum === told;
}

function octal(field: Buffer): number | null {
  const text = field.toString('latin1').replaceAll('\0', ' ').trim();
  return /^[0-7]{1,12}$/.test(text) ? parseInt(text, 8) : null;
}

/** Octal, or base 256 where the first bit is set. */
function sizeOf(field: Buffer): number | null {
  if (((field[0] ?? 0) & 0x80) === 0) return octal(field);
  let size = BigInt((field[0] ?? 0) & 0x7f);
  for (const byte of field.subarray(1)) size = (size << 8n) | BigInt(byte);
  return size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(size) : null;
}

const textOf = (field: Buffer): string => field.toString('utf8').split('\0', 1)[0] ?? '';

/** `path=` and `size=` of a pax header: `<length> <key>=<value>\n` each. */
function paxOf(data: Buffer): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  for (const [, key, value = ''] of data.toString('utf8').matchAll(/^\d+ (path|size)=(.*)$/gm)) {
    if (key === 'path') found.path = value;
    else if (/^\d{1,15}$/.test(value)) found.size = Number(value);
  }
  return found;
}

/** The files that `wanted` says yes to, by their names without `./`. Throws `BadArchive`. */
export function readTar(file: Uint8Array, wanted: (name: string) => boolean): Map<string, Uint8Array> {
  const data = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const files = new Map<string, Uint8Array>();
  let longName: string | undefined;
  let pax: { path?: string; size?: number } = {};
  let at = 0;
  for (let entries = 0; at + BLOCK <= data.length; entries++) {
    const header = data.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (entries > MOST_ENTRIES) throw new BadArchive('the archive has too many files');
    if (!hasChecksum(header)) throw new BadArchive('the archive is damaged');
    const size = pax.size ?? sizeOf(header.subarray(124, 136));
    if (size === null || at + BLOCK + size > data.length) throw new BadArchive('the archive is cut off');
    const body = data.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'L') longName = textOf(body);
    else if (type === 'x') pax = paxOf(body);
    else if (type !== 'g' && type !== 'K') {
      const name = (pax.path ?? longName ?? nameOf(header)).replace(/^(?:\.\/)+/, '');
      if ((type === '0' || type === '\0') && wanted(name)) files.set(name, body);
      longName = undefined;
      pax = {};
    }
  }
  return files;
}

function nameOf(header: Buffer): string {
  const name = textOf(header.subarray(0, 100));
  const isUstar = header.subarray(257, 263).toString('latin1') === 'ustar\0';
  const prefix = isUstar ? textOf(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}
