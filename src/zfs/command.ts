// Runs one `zfs` or `zpool` command on a host and throws a classified error unless it exited 0. Who runs several in one
// remote command makes the error of each one that failed here too, so that no exit code is ever overlooked.
import { ZfsFlowError } from '../base/errors';
import type { CommandResult, Host, RunOptions } from '../host/host';
import { classifyStderr, missingDatasets } from './classify';
import { complaintsOf, voicesOf, wordsOf } from './stderr';

export interface ZfsRunOptions extends RunOptions {
  /** Named in the error. */
  dataset?: string;
}

/** Of a command that a host gave no result for, which no host of ours does. */
export const NO_RESULT: CommandResult = { code: null, signal: null, stdout: '', stderr: 'no result' };

/** The error that a failed command stands for. It begins with what ZFS says, or with what kept it from running. */
export function commandError(
  host: Host,
  argv: readonly string[],
  result: Pick<CommandResult, 'code' | 'signal' | 'stderr'>,
  dataset?: string,
): ZfsFlowError {
  return errorOf(host, argv, result, { dataset });
}

/** `judged`: what of standard error decides the code, where that is not all of it. */
function errorOf(
  host: Host,
  argv: readonly string[],
  result: Pick<CommandResult, 'code' | 'signal' | 'stderr'>,
  { dataset, judged }: { dataset?: string | undefined; judged?: string },
): ZfsFlowError {
  const stderr = result.stderr.trim();
  const { code, hint } = classifyStderr(judged ?? stderr, result.code);
  const how = result.signal === null ? `exit code ${result.code}` : `signal ${result.signal}`;
  const what = argv.slice(0, 2).join(' ');
  const around = voicesOf(stderr).around.join('\n');
  const silent = `${what} failed on ${host.label} (${how})${around === '' ? '' : `: ${around}`}`;
  return new ZfsFlowError(code, wordsOf(stderr) || silent, {
    host: host.label,
    command: argv,
    exitCode: result.code,
    stderr,
    ...(dataset === undefined ? {} : { dataset }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/**
 * What a listing (`zfs list`, `get`, `holds`) says does not exist; none: it is complete. Throws the error of one that failed
 * otherwise: that is never an empty list. Exit code 0 is not believed where ZFS says beside it that it could not look.
 */
export function missingIn(host: Host, argv: readonly string[], result: CommandResult, dataset?: string): string[] {
  if (result.code === 0 && complaintsOf(result.stderr).length === 0) return [];
  const missing = missingDatasets(result.stderr);
  if (missing.length > 0 && result.code === 1) return missing;
  // What does not exist is a fact. Why nothing is known is the rest of what it says, or how it ended.
  const { zfs: said, gate } = voicesOf(result.stderr);
  const others = said.filter((statement) => missingDatasets(statement).length === 0);
  throw errorOf(host, argv, result, { dataset, judged: [...others, ...gate].join('\n') });
}

/**
 * Runs `zfs ARGS…` on `host` and returns its standard output.
 * Throws the classified error (code, command, exit code, stderr) when it does not exit 0.
 */
export async function zfs(host: Host, args: readonly string[], options: ZfsRunOptions = {}): Promise<string> {
  return checked(host, ['zfs', ...args], options);
}

/** The same for `zpool`. */
export async function zpool(host: Host, args: readonly string[], options: ZfsRunOptions = {}): Promise<string> {
  return checked(host, ['zpool', ...args], options);
}

async function checked(host: Host, argv: readonly string[], options: ZfsRunOptions): Promise<string> {
  const { dataset, ...run } = options;
  const result = await host.run(argv, run);
  if (result.code !== 0) throw commandError(host, argv, result, dataset);
  return result.stdout;
}

/** A listing has a line that is not what ZFS prints. */
export function unreadable(line: string, host: Host): ZfsFlowError {
  return new ZfsFlowError('ZFS_ERROR', `a line of a listing on ${host.label} cannot be read: ${JSON.stringify(line)}`, {
    host: host.label,
    hint: 'Does the login shell of the remote user print something of its own?',
  });
}

/** Splits a line of `-H` output; ZFS names hold no tabs. Throws ZFS_ERROR unless there are exactly `count` fields. */
export function fields(line: string, count: number, host: Host): string[] {
  const parts = line.split('\t');
  if (parts.length !== count) {
    throw unreadable(line, host);
  }
  return parts;
}
