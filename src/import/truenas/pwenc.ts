// How TrueNAS encrypts what its database holds of secrets: AES-256-CTR with the 32 bytes of its secret seed; base64 of 8 bytes of
// nonce and the data, which is filled up with `{` to a multiple of 32. Nothing authenticates it, so the seed is tried on a word
// that is known first. Source: plugins/pwenc.py of the middleware. Pure.
import { createDecipheriv } from 'node:crypto';

const NONCE = 8;
export const SEED_BYTES = 32;
const KNOWN_WORD = 'Donuts!';
/** The counter is the rest of the block, big-endian, and begins with 1. */
const FIRST_COUNTER = Buffer.from('0000000000000001', 'hex');

/** The text, '' for '' (TrueNAS has no encryption then); null where it is none. */
export function decrypted(seed: Uint8Array, stored: string): string | null {
  if (stored === '') return '';
  const bytes = Buffer.from(stored, 'base64');
  if (seed.byteLength !== SEED_BYTES || bytes.length <= NONCE) return null;
  const cipher = createDecipheriv('aes-256-ctr', seed, Buffer.concat([bytes.subarray(0, NONCE), FIRST_COUNTER]));
  const plain = Buffer.concat([cipher.update(bytes.subarray(NONCE)), cipher.final()]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(plain).replace(/\{+$/, '');
  } catch {
    return null;
  }
}

/** `check`: `stg_pwenc_check` of the database. */
export function isSeedOf(seed: Uint8Array, check: string): boolean {
  return decrypted(seed, check) === KNOWN_WORD;
}
