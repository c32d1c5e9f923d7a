// Turns what `zfs` prints on standard error into the contract's error codes, and judges whether a resume token is
// dead. The texts are libzfs's (libzfs_util.c, libzfs_sendrecv.c); the original text is always kept in the error. Which of the
// lines are ZFS's is for `stderr.ts` to say.
import type { ErrorCode } from '../base/errors';
import { voicesOf, wordsOf } from './stderr';

interface Rule {
  pattern: RegExp;
  code: ErrorCode;
  hint?: string;
}

// First match wins, so the more special text comes first.
const RULES: readonly Rule[] = [
  { pattern: /cannot create snapshot '[^']*': dataset already exists/, code: 'SNAPSHOT_EXISTS' },
  {
    pattern:
      /cannot create snapshots? .*: (multiple snapshots of same fs|snapshots not in same pool|dataset already exists)/,
    code: 'SNAPSHOT_EXISTS',
  },
  { pattern: /destination has snapshots/, code: 'NO_COMMON_SNAPSHOT' },
  { pattern: /destination .* has been modified/, code: 'TARGET_MODIFIED' },
  { pattern: /most recent snapshot of .* does not\s+match incremental source/, code: 'TARGET_DIVERGED' },
  {
    pattern: /contains partially-complete state|resuming stream can be generated on the sending system|recv_resume/,
    code: 'TARGET_BUSY_PARTIAL',
  },
  { pattern: /destination '.*' (already )?exists|must specify -F to overwrite/, code: 'DATASET_EXISTS' },
  {
    pattern:
      /IV ?set guid|cannot be used to destroy an encrypted|incompatible with encrypted|encrypted.*(parent|raw)|raw (send|receive)|encryption (property|root(?!'s key))|zfs_disable_ivset|missing 'from' IV set/i,
    code: 'ENCRYPTION_MISMATCH',
    hint: 'A chain of encrypted snapshots that began raw must stay raw, and one that did not cannot become raw.',
  },
  {
    pattern:
      /Key load error|key material|key (must be loaded|not loaded|is not loaded|unavailable)|keys? .*not loaded|encryption key .*(not|un)|dataset key must be loaded/i,
    code: 'KEY_NOT_LOADED',
    hint: 'Load the key with `zfs load-key`, or send the dataset raw.',
  },
  // What it says when more has arrived than the token tells, since a receive went on after it was read.
  { pattern: /cannot receive resume stream: kernel modules must be upgraded/, code: 'TRANSFER_FAILED' },
  {
    pattern: /pool must be upgraded to receive this stream/,
    code: 'UNSUPPORTED',
    hint: "The target's pool lacks a feature that the stream needs: zpool upgrade, or fewer features on the source.",
  },
  { pattern: /quota exceeded|Disk quota/i, code: 'QUOTA_EXCEEDED' },
  { pattern: /out of space|No space left/i, code: 'OUT_OF_SPACE' },
  {
    pattern:
      /permission denied|insufficient privileges|may only be mounted by root|must be superuser|Operation not permitted|a password is required|not in the sudoers|^(?:sudo|doas|sorry,)\b|not allowed to (?:run|execute)/im,
    code: 'PERMISSION_DENIED',
    hint: 'Give the user the rights with `zfs allow`, or let it run zfs through sudo or doas.',
  },
  {
    pattern: /pool is read-?only/i,
    code: 'POOL_UNAVAILABLE',
    hint: 'The pool is imported read-only: export it, and import it without readonly=on.',
  },
  {
    pattern: /no such pool|pool .*(is|was) (unavail|suspended|faulted)|I\/O is currently suspended|pool I\/O/i,
    code: 'POOL_UNAVAILABLE',
  },
  {
    pattern:
      /ZFS modules? .*(not loaded|cannot be)|\/dev\/zfs.*(No such|Permission)|Failed to initialize the libzfs|initialize ZFS library|libzfs/i,
    code: 'POOL_UNAVAILABLE',
    hint: 'The ZFS kernel module is not loaded on this host.',
  },
  {
    pattern:
      /could not find any snapshots to (destroy|hold)|dataset does not exist|does not exist|no such (snapshot|dataset)|incremental source .* (not found|could not)/i,
    code: 'DATASET_NOT_FOUND',
  },
  { pattern: /dataset already exists|already exists/, code: 'DATASET_EXISTS' },
  {
    pattern:
      /is busy|is held|being held|has dependent clones|snapshot has|dataset is in use|has children|tag already exists|more recent snapshots/i,
    code: 'DATASET_BUSY',
  },
  {
    pattern: /command not found|: (?:inaccessible or )?not found$|\bno such command `\S+'$/m,
    code: 'COMMAND_NOT_FOUND',
  },
  {
    pattern:
      /unsupported|invalid option|unrecognized command|bad property|invalid property|must be upgraded|feature .*(disabled|not enabled)/i,
    code: 'UNSUPPORTED',
  },
  {
    pattern:
      /invalid (backup )?stream|checksum mismatch|incomplete stream|failed to read from stream|warning: cannot send|signal received|stream .*truncated|unexpected end/i,
    code: 'TRANSFER_FAILED',
  },
  {
    pattern:
      /client_loop|Connection (reset|closed|timed out|refused)|Broken pipe|kex_exchange|ssh_exchange|Timeout, server|Connection to .* closed/i,
    code: 'CONNECTION_LOST',
  },
];

export interface Classified {
  code: ErrorCode;
  hint?: string;
}

/**
 * The code that standard error stands for: what ZFS says there decides, where it says nothing what kept it from running.
 * `ZFS_ERROR` when that is none of the known texts.
 */
export function classifyStderr(stderr: string, exitCode: number | null = null): Classified {
  const words = wordsOf(stderr);
  for (const { pattern, code, hint } of RULES) {
    if (pattern.test(words)) return hint === undefined ? { code } : { code, hint };
  }
  if (exitCode === 127) return { code: 'COMMAND_NOT_FOUND' };
  return { code: 'ZFS_ERROR' };
}

/**
 * What a command says does not exist, where that is all that ZFS says; else none, and the command has failed for another
 * reason. Whatever the machine around it prints.
 */
export function missingDatasets(stderr: string): string[] {
  const { zfs, gate } = voicesOf(stderr);
  const missing = zfs.map((statement) => /^cannot open '(.*)': dataset does not exist$/.exec(statement)?.[1] ?? '');
  return gate.length > 0 || missing.includes('') ? [] : missing;
}

/** Texts after which a partial receive can never be completed from its token (replication.md §3). */
export const DEAD_TOKEN =
  /is no longer the same snapshot used in the initial send|used in the initial send no longer exists|incremental source 0x[0-9a-f]+ no longer exists|incompatible embedded data stream feature with encrypted receive|destination has snapshots/;
