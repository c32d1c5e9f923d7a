// Which account on which machine a connection's values mean. A stored secret is used for the account it was stored for only.
import { readNumber, readString, type RawOptions } from '../../src/options/read';

/** Equal for equal accounts. Throws INVALID_OPTIONS for values that mean none. */
export function accountOf(values: RawOptions): string {
  return JSON.stringify([
    readString(values, 'host').trim(),
    readNumber(values, 'port', 22),
    readString(values, 'username', 'root') || 'root',
  ]);
}
