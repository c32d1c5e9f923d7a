// What a failed set-up is called, and at which field it is shown: the codes of the endpoints in words for the person who
// typed in what did not work.
import type { Refusal } from '../../dialog/admin';
import type { Problem, Translate } from './set-up-pane';

/** Fields by code, where the answer names none. */
export type Places = Readonly<Record<string, string>>;

/** The sentences of codes that have one; others say it themselves. */
const SENTENCES: Readonly<Record<string, string>> = {
  HOST_NOT_FOUND: 'setUp.failed.hostNotFound',
  HOST_UNREACHABLE: 'setUp.failed.hostUnreachable',
  CONNECTION_REFUSED: 'setUp.failed.connectionRefused',
  CONNECTION_TIMEOUT: 'setUp.failed.connectionTimeout',
  CONNECTION_LOST: 'setUp.failed.connectionLost',
  HOST_KEY_MISMATCH: 'setUp.failed.hostKeyMismatch',
  AUTHENTICATION_FAILED: 'setUp.failed.authenticationFailed',
  OTP_REQUIRED: 'setUp.failed.otpRequired',
  API_ERROR: 'setUp.failed.apiError',
  TIMEOUT: 'setUp.failed.timeout',
};

interface Terms {
  /** Those of the step; an answer may name others. */
  fields: readonly string[];
  places: Places;
  /** Put into the sentence. */
  values: Record<string, string>;
  /** The machine that failed may be another than the one that was typed in: what the answer says of it is shown. */
  telling?: boolean;
}

export function problemOf(t: Translate, refusal: Refusal, { fields, places, values, telling = false }: Terms): Problem {
  const { code, message, hint, field } = refusal;
  const named = field !== undefined && fields.includes(field) ? field : places[code ?? ''];
  const sentence = SENTENCES[code ?? ''];
  const { changed } = refusal.details ?? {};
  const done = Array.isArray(changed) ? changed.map(String) : [];
  if (sentence === undefined) return { code, field: named, text: message, hint, done };
  // What the other side said is worth reading where it is more than that.
  const isTelling = telling || code === 'API_ERROR' || code === 'HOST_KEY_MISMATCH';
  const more = isTelling || hint === undefined || hint === '' ? [message, hint] : [hint];
  return { code, field: named, text: t(sentence, values), hint: more.filter(Boolean).join(' – '), done };
}
