// The sentence for marks (bookmarks, holds, properties) that could not be made or removed: the run goes on less protected,
// and says so.
import type { ZfsFlowError } from '../../base/errors';

/** What has to be allowed for it, see zfs-allow(8). */
const ALLOW: Readonly<Record<string, string>> = {
  bookmark: 'bookmark',
  hold: 'hold',
  release: 'release',
  'destroy bookmarks': 'destroy,mount',
  'mark the copies': 'userprop',
  'unmark placeholders': 'canmount,userprop',
  'set keylocation': 'change-key',
};

/** One warning for many failures of one kind, with the right that is missing where that is the reason; null for none. */
export function markWarning(what: string, host: string, errors: readonly ZfsFlowError[]): string | null {
  const [first] = errors;
  if (!first) return null;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const allow = ALLOW[what];
  const right = first.code === 'PERMISSION_DENIED' && allow ? `; missing right: zfs allow USER ${allow} DATASET` : '';
  return `could not ${what} on ${host}: ${first.message}${more}${right}`;
}
