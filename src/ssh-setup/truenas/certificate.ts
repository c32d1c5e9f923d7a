// The certificate of a TrueNAS: what a person compares, and whether it is the one that was confirmed. Most have signed their
// own, so strict checking would fail for most and none at all would let anybody in between.
import { createHash, X509Certificate } from 'node:crypto';
import { invalidOption, ZfsFlowError } from '../../base/errors';

/** Plain data, as the endpoint answers it. */
export interface CertificateInfo {
  [key: string]: unknown;
  /** SHA-256 as browsers show it: `AB:CD:…`. */
  fingerprint: string;
  /** `C=US, O=iXsystems, CN=localhost` */
  subject: string;
  /** ISO 8601 */
  validFrom: string;
  validTo: string;
}

/** `raw`: DER. */
export function certificateInfo(raw: Buffer): CertificateInfo {
  const { subject, validFrom, validTo } = new X509Certificate(raw);
  return {
    fingerprint: fingerprintOf(raw),
    subject: subject.split('\n').join(', '),
    validFrom: isoDate(validFrom),
    validTo: isoDate(validTo),
  };
}

function isoDate(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? text : new Date(time).toISOString();
}

/** `AB:CD:…` of SHA-256 over the whole certificate. */
export function fingerprintOf(raw: Buffer): string {
  const hex = createHash('sha256').update(raw).digest('hex').toUpperCase();
  return hex.replaceAll(/..(?=.)/g, '$&:');
}

/** A confirmed fingerprint in the form of {@link fingerprintOf}, however it was copied; undefined for ''. Throws INVALID_OPTIONS, field `certificate`. */
export function parsePin(text: string): string | undefined {
  const hex = text
    .trim()
    .replace(/^sha-?256[\s:=]+(?:fingerprint[\s:=]+)?/i, '')
    .replaceAll(/[\s:]/g, '')
    .toUpperCase();
  if (hex === '') return undefined;
  if (!/^[0-9A-F]{64}$/.test(hex)) {
    throw invalidOption('certificate', 'certificate must be a SHA-256 fingerprint: 64 hexadecimal digits');
  }
  return hex.replaceAll(/..(?=.)/g, '$&:');
}

/** Why a certificate is not believed, with what a person has to compare. */
export function certificateUnknown(where: string, raw: Buffer, pin: string | undefined, why: string): ZfsFlowError {
  const certificate = certificateInfo(raw);
  const message =
    pin === undefined
      ? `${where} shows a certificate that cannot be verified (${why}): ${certificate.fingerprint}`
      : `${where} shows another certificate (${certificate.fingerprint}) than the confirmed one (${pin})`;
  const hint =
    pin === undefined
      ? 'Nothing secret was sent. Compare the fingerprint with the one that a browser shows for this TrueNAS, then confirm it.'
      : 'Nothing secret was sent. Was the certificate renewed? Otherwise somebody may be in between.';
  return new ZfsFlowError('CERTIFICATE_UNKNOWN', message, { hint, details: { certificate } });
}
