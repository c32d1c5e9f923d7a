// The pre-shared key of one transfer in the form that `openssl -psk_session` reads: an SSL_SESSION of OpenSSL
// (ssl/ssl_asn1.c) that never was one. Pure.
import type { TlsCipher } from '../../host/shell/carrier-commands';

/** Bytes of a key. */
export const KEY_BYTES = 32;
/** What openssl calls itself to the other side unless it is told otherwise; both ends have to use the same. */
export const PSK_IDENTITY = 'Client_identity';

/** Seconds that the session says it lasts, after the time that it says it was made. */
const LIFETIME = 3600;
/**
 * That time. An openssl whose clock is past both refuses the key as one that has expired, and clocks of machines are wrong by
 * anything; one that is before it takes the key. So this lies ahead, as far as four bytes go. What ends a key is that its transfer does.
 */
const MADE_AT = 0x7fff_ffff;

/** Numbers of RFC 8446, B.4. */
const CIPHERS: Readonly<Record<TlsCipher, readonly [number, number]>> = {
  TLS_AES_128_GCM_SHA256: [0x13, 0x01],
  TLS_CHACHA20_POLY1305_SHA256: [0x13, 0x03],
};

function element(tag: number, content: Buffer): Buffer {
  if (content.length > 127) throw new RangeError('an element of more than 127 bytes');
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}

/** INTEGER of a number that is not negative; the first bit is the sign. */
function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return element(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]));
}

const octets = (content: Buffer): Buffer => element(0x04, content);

/**
 * SEQUENCE { version 1, TLS 1.3, cipher suite, no session id, the key, [1] time, [2] timeout }, both in seconds.
 * `seconds`: now. Throws RangeError unless the key has {@link KEY_BYTES}.
 */
export function tlsSession(key: Buffer, cipher: TlsCipher, seconds: number): Buffer {
  const madeAt = Math.max(MADE_AT, Math.floor(seconds));
  if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes`);
  return element(
    0x30,
    Buffer.concat([
      integer(1),
      integer(0x0304),
      octets(Buffer.from(CIPHERS[cipher])),
      octets(Buffer.alloc(0)),
      octets(key),
      element(0xa1, integer(madeAt)),
      element(0xa2, integer(LIFETIME)),
    ]),
  );
}
