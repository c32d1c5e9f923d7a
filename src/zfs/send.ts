// Argument lists of `zfs send`, its estimates, and what a resume token holds. What is sent, and from which base:
// `replication/plan/plan.ts`; moving the stream: `stream/`.
import type { CommandResult, Host } from '../host/host';
import { ZfsFlowError } from '../base/errors';
import { commandError, NO_RESULT } from './command';
import { wordsOf } from './stderr';

/** The stream flags of zfs-send(8). */
export interface StreamFlags {
  /** -w: encrypted blocks as they are. */
  raw: boolean;
  /** -p */
  properties: boolean;
  /** -L; must stay as it was within a chain. */
  largeBlocks: boolean;
  /** -c */
  compressedBlocks: boolean;
  /** -e */
  embeddedBlocks: boolean;
}

export interface SendStep {
  dataset: string;
  /** Base: null for a full stream. */
  from: {
    kind: 'snapshot' | 'bookmark';
    name: string;
    guid: string;
    /** Where it is of another: a clone's origin. */ dataset?: string;
  } | null;
  /** Name after `@` of the last snapshot sent. */
  to: { name: string; guid: string };
  /** `-I`: everything between `from` and `to` too. */
  intermediates: boolean;
  /** All snapshots that this step delivers, oldest first, `to` included. */
  snapshots: readonly { name: string; guid: string }[];
  /** Names of all source snapshots after the base up to `to`, sent or passed over: what was written in them is sent. */
  spans: readonly string[];
}

function streamFlags(flags: StreamFlags): string[] {
  return [
    ...(flags.raw ? ['-w'] : []),
    ...(flags.properties ? ['-p'] : []),
    ...(flags.largeBlocks ? ['-L'] : []),
    ...(flags.compressedBlocks ? ['-c'] : []),
    ...(flags.embeddedBlocks ? ['-e'] : []),
  ];
}

function stepNames(step: SendStep): string[] {
  const to = `${step.dataset}@${step.to.name}`;
  if (!step.from) return [to];
  const from = `${step.from.dataset ?? step.dataset}${step.from.kind === 'bookmark' ? '#' : '@'}${step.from.name}`;
  return [step.intermediates ? '-I' : '-i', from, to];
}

/** `zfs send -vP …`: the stream on standard output, size and progress on standard error. */
export function sendArgv(step: SendStep, flags: StreamFlags): string[] {
  return ['zfs', 'send', '-v', '-P', ...streamFlags(flags), ...stepNames(step)];
}

/**
 * `zfs send -R …` of a whole tree: all snapshots of all its datasets up to `name`, with their properties, clones as
 * clones. Without a base, since what an incremental one does to the target cannot be planned
 * (`replication/plan/whole-trees.ts`).
 */
export function treeArgv(dataset: string, name: string, flags: StreamFlags): string[] {
  return ['zfs', 'send', '-v', '-P', '-R', ...streamFlags({ ...flags, properties: false }), `${dataset}@${name}`];
}

/** `zfs send -vP -t TOKEN`; only for a token that passed the checks of `replication/plan/partial-receive.ts`. */
export function resumeArgv(token: string): string[] {
  return ['zfs', 'send', '-v', '-P', '-t', token];
}

/**
 * Estimated stream sizes in bytes, for all steps in one remote command (`zfs send -nP`). A step that cannot be
 * estimated gives null; the send itself will say what is wrong.
 */
export async function estimateSizes(
  host: Host,
  argvs: readonly (readonly string[])[],
  signal?: AbortSignal,
): Promise<(number | null)[]> {
  if (argvs.length === 0) return [];
  const dry = argvs.map((argv) => ['zfs', 'send', '-n', ...argv.slice(2)]);
  const results = await host.runAll(dry, { signal });
  return dry.map((_, index) => {
    const result = results[index];
    // Where the sizes go has moved between standard output and error over the versions.
    const size = result?.code === 0 ? /^size\t(\d+)$/m.exec(`${result.stdout}\n${result.stderr}`) : null;
    return size?.[1] === undefined ? null : Number(size[1]);
  });
}

export interface TokenContents {
  /** Full name of the snapshot that the partial receive is of, as it was called when the send began. */
  toName: string;
  /** Decimal GUIDs; '' for a full stream's fromGuid. */
  toGuid: string;
  fromGuid: string;
  /** Bytes that had arrived. */
  bytes: number;
  raw: boolean;
  largeBlocks: boolean;
  compressedBlocks: boolean;
  embeddedBlocks: boolean;
  /** False when the sender says that it cannot go on from this token; `problem` is its text. */
  usable: boolean;
  problem: string;
}

/** What a token tells may be text that reads like another line: each thing is told once, or nothing is believed. */
const TOLD = ['toname', 'toguid', 'fromguid', 'bytes', 'rawok', 'largeblockok', 'compressok', 'embedok'] as const;

function decodeToken(result: CommandResult): TokenContents | null {
  const text = `${result.stdout}\n${result.stderr}`;
  const usable = result.code === 0;
  const isTwice = (key: string): boolean => (text.match(new RegExp(`^\\s*${key} = `, 'gm')) ?? []).length > 1;
  if (TOLD.some(isTwice)) return null;
  const value = (key: string): string => new RegExp(`^\\s*${key} = (.+)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const number = (key: string): string => (/^0x[0-9a-f]+$/i.test(value(key)) ? BigInt(value(key)).toString() : '');
  const flag = (key: string): boolean => value(key) === '1';
  if (value('toname') === '' || number('toguid') === '') return null;
  return {
    toName: value('toname'),
    toGuid: number('toguid'),
    fromGuid: number('fromguid') === '0' ? '' : number('fromguid'),
    bytes: Number(number('bytes') || 0),
    raw: flag('rawok'),
    largeBlocks: flag('largeblockok'),
    compressedBlocks: flag('compressok'),
    embeddedBlocks: flag('embedok'),
    usable,
    problem: usable ? '' : (wordsOf(result.stderr) || text).replace(/\s+/g, ' ').trim(),
  };
}

/**
 * Decodes tokens with `zfs send -nvt` on the source, without sending anything. A token is input from another machine:
 * it is only ever passed on after its contents were compared with what this job would send (replication.md §3).
 * Null for a token that cannot be read at all.
 */
export async function decodeTokens(
  host: Host,
  tokens: readonly string[],
  signal?: AbortSignal,
): Promise<(TokenContents | null)[]> {
  if (tokens.length === 0) return [];
  for (const token of tokens) {
    if (!/^[0-9a-z-]+$/i.test(token)) {
      throw new ZfsFlowError('ZFS_ERROR', 'the target gave a resume token that is none', { host: host.label });
    }
  }
  const argvs = tokens.map((token) => ['zfs', 'send', '-n', '-v', '-t', token]);
  const results = await host.runAll(argvs, { signal });
  return argvs.map((argv, index) => {
    const result = results[index];
    if (!result || result.code === 127) throw commandError(host, argv, result ?? NO_RESULT);
    return decodeToken(result);
  });
}
