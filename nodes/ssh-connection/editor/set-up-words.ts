// What a failed set-up is called, and at which field it is shown: the codes of the endpoints in words for the person who
// typed in what did not work.
import type { Refusal } from '../../dialog/admin';
import type { Problem, Translate } from './set-up-pane';

/** Fields by code, where the answer names none. */
export type Places = Readonly<Record<string, string>>;

/** Codes that have a sentence of their own, `setUp.failed.CODE`. */
const NAMED: ReadonlySet<string> = new Set([
  'HOST_NOT_FOUND',
  'HOST_UNREACHABLE',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'CONNECTION_LOST',
  'HOST_KEY_MISMATCH',
  'AUTHENTICATION_FAILED',
  'OTP_REQUIRED',
  'API_ERROR',
  'TIMEOUT',
]);

/** `fields`: those of the step; an answer may name others. `values` are put into the sentence. */
export function problemOf(
  t: Translate,
  refusal: Refusal,
  { fields, places, values }: { fields: readonly string[]; places: Places; values: Record<string, string> },
): Problem {
  const { code, message, hint, field } = refusal;
  const named = field !== undefined && fields.includes(field) ? field : places[code ?? ''];
  if (code === undefined || !NAMED.has(code)) return { code, field: named, text: message, hint };
  const more = [message, hint].filter((part) => part !== undefined && part !== '').join(' – ');
  return { code, field: named, text: t(`setUp.failed.${code}`, values), hint: more };
}
