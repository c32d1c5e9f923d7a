// What to do about a partial receive that a discovery found on the target (pure). A token is input from another machine:
// it is used only when it says exactly what this job would send now (replication.md §3).
import type { SnapshotRecord } from '../../zfs/records';
import type { TokenContents } from '../../zfs/send';

export interface ResumeInput {
  source: string;
  /** Null: the source could not read the token. */
  token: TokenContents | null;
  /** Source snapshots and bookmarks of the dataset. */
  sourceRecords: readonly SnapshotRecord[];
  targetGuids: ReadonlySet<string>;
  /** GUIDs that this job wants on the target. */
  wanted: ReadonlySet<string>;
  /** GUID of the base that would be chosen without the token; null for a first copy. */
  baseGuid: string | null;
  raw: boolean;
  /** Our bookmarks for this destination say that a run of ours has left it. */
  own: boolean;
  partialReceive: 'own' | 'abort' | 'refuse';
  /** GUID of the snapshot that would be sent first without the token; null where any may be the first. */
  next: string | null;
  /** Several tries to continue it moved no byte. */
  stuck: boolean;
}

export type ResumeVerdict =
  { do: 'resume'; to: SnapshotRecord; why: string } | { do: 'abort'; why: string } | { do: 'refuse'; why: string };

/** Why the token is not what this job would send, or the snapshot it is of. */
function match(input: ResumeInput): SnapshotRecord | string {
  const { token } = input;
  if (token === null) return 'its resume token cannot be read on the source';
  if (!token.usable) return `the source can no longer continue it (${token.problem})`;
  const at = token.toName.indexOf('@');
  const [dataset, name] = [token.toName.slice(0, at), token.toName.slice(at + 1)];
  if (dataset !== input.source) return `it is of another dataset (${token.toName})`;
  const to = input.sourceRecords.find((record) => record.kind === 'snapshot' && record.guid === token.toGuid);
  if (!to) return `its snapshot ${token.toName} is gone from the source`;
  if (to.name !== name) return `its snapshot was renamed from ${name} to ${to.name}`;
  if (!input.wanted.has(token.toGuid)) return `its snapshot ${token.toName} is not selected any more`;
  const from = token.fromGuid === '' ? null : token.fromGuid;
  if (from !== input.baseGuid && !(from !== null && input.targetGuids.has(from))) {
    return from === null
      ? 'it is a full stream, but there is a common snapshot now'
      : 'its base is not on the target any more';
  }
  if (input.next !== null && token.toGuid !== input.next)
    return `it leaves out snapshots that come before ${token.toName}`;
  if (token.raw !== input.raw)
    return `it was sent ${token.raw ? 'raw' : 'not raw'}, this job sends ${input.raw ? 'raw' : 'not raw'}`;
  return input.stuck ? 'several tries to continue it moved no byte' : to;
}

/** Resume what this job would send; otherwise what `partialReceive` says. */
export function judgePartialReceive(input: ResumeInput): ResumeVerdict {
  const matched = match(input);
  if (typeof matched !== 'string')
    return { do: 'resume', to: matched, why: `continues the partial receive of @${matched.name}` };
  const discard = input.partialReceive === 'abort' || (input.partialReceive === 'own' && input.own);
  if (discard) return { do: 'abort', why: `the partial receive is discarded: ${matched}` };
  return { do: 'refuse', why: matched };
}
