// Finds and ends the processes of a transfer on its host by the tag in their wrapper shell's argument list. Needed
// because a connection that dies leaves behind whatever ran over it, and nothing else tells whose process it is.
import { invalidOption, toZfsFlowError, ZfsFlowError } from '../base/errors';
import type { CommandResult, Host, RunOptions } from './host';
import { endProcesses, listProcesses } from './shell/process-scripts';
import { WRAPPER } from './shell/quote';

/** Runs its arguments as a command; `exit $?` keeps shells from replacing themselves, which would lose the tag. */
export const LOCAL_WRAPPER = '"$@"; exit $?';

export interface TaggedProcess {
  tag: string;
  /** Process id of the wrapper shell. */
  pid: number;
  /** Parent of the wrapper: sshd's process for the connection, or a process of ours. */
  parent: number;
  /** All descendants of the wrapper, children before grandchildren. */
  descendants: readonly number[];
}

interface Row {
  pid: number;
  parent: number;
  args: string;
}

export function checkTag(tag: string): void {
  if (!/^[\w.:-]+$/.test(tag)) throw invalidOption('tag', `"${tag}" is not a valid process tag`);
}

/** The transfers on `host` whose tag begins with `prefix`. Throws like `Host.run`, ZFS_ERROR when none can be listed. */
export async function findTagged(host: Host, prefix: string, options?: RunOptions): Promise<TaggedProcess[]> {
  return tagged(await processes(host, options), prefix);
}

/**
 * Ends the transfer with exactly this tag: TERM, then KILL to what is left after three seconds. What may not be
 * signalled (sudo's children) is ended by taking its pipes away with sshd's process for that connection.
 * Returns how many transfers were found. Throws like `Host.run`.
 */
export async function endTagged(host: Host, tag: string, options?: RunOptions): Promise<number> {
  checkTag(tag);
  const before = await processes(host, options);
  const found = tagged(before, tag).filter((process) => process.tag === tag);
  if (found.length === 0) return 0;
  const pids = found.flatMap((process) => [...process.descendants, process.pid]);
  await host.runScript(endProcesses(pids), options);
  const after = await processes(host, options);
  const left = tagged(after, tag).filter((process) => process.tag === tag);
  // "sshd: op@notty", since OpenSSH 9.8 "sshd-session: op@notty": the connection's own process, running as its user.
  const connections = left.flatMap((process) =>
    after.filter((row) => row.pid === process.parent && /^sshd(-session)?: .*@/.test(row.args)).map((row) => row.pid),
  );
  if (connections.length > 0) await host.runScript(`kill -TERM ${connections.join(' ')} 2>/dev/null; exit 0`, options);
  return found.length;
}

/**
 * Ways to list processes, the usual one first: POSIX options with `-ww` for untruncated arguments, on Linux and FreeBSD;
 * busybox knows no `-w` and lets long numbers run together in columns without headers; Linux without a `ps` that works.
 */
const LISTINGS: readonly string[][] = [
  ['ps', '-A', '-ww', '-o', 'pid=', '-o', 'ppid=', '-o', 'args='],
  ['ps', '-A', '-o', 'pid=PID_______', '-o', 'ppid=PPID______', '-o', 'args'],
  ['/bin/sh', '-c', listProcesses()],
];

async function processes(host: Host, options: RunOptions | undefined): Promise<Row[]> {
  let last: CommandResult | ZfsFlowError | undefined;
  for (const argv of LISTINGS) {
    last = await host.run(argv, { timeoutMs: 20_000, ...options }).catch((thrown: unknown) => {
      const error = toZfsFlowError(thrown);
      if (error.code === 'COMMAND_NOT_FOUND') return error;
      throw error;
    });
    const rows = last instanceof ZfsFlowError ? [] : readRows(last.stdout);
    // At least the shell that asks is there: an empty list is a failed one.
    if (rows.length > 0 && !(last instanceof ZfsFlowError) && last.code === 0) return rows;
  }
  const { stderr } = last ?? {};
  throw new ZfsFlowError('ZFS_ERROR', `the processes on ${host.label} cannot be listed: "ps" does not work there`, {
    host: host.label,
    ...(stderr === undefined ? {} : { stderr }),
  });
}

function readRows(text: string): Row[] {
  return text.split('\n').flatMap((line) => {
    const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return args === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args }];
  });
}

function tagged(rows: readonly Row[], prefix: string): TaggedProcess[] {
  return rows.flatMap((row) => {
    const tag = wrapperTag(row.args);
    if (tag === undefined || !tag.startsWith(prefix)) return [];
    // A forked subshell has its parent's arguments; it belongs to the wrapper above it.
    const above = rows.find((other) => other.pid === row.parent);
    if (above && wrapperTag(above.args) === tag) return [];
    return [{ tag, pid: row.pid, parent: row.parent, descendants: descendants(rows, row.pid) }];
  });
}

/** The tag in a wrapper's argument list as `ps` prints it. */
export function wrapperTag(args: string): string | undefined {
  for (const wrapper of [WRAPPER, LOCAL_WRAPPER]) {
    const start = `sh -c ${wrapper} `;
    const at = args.indexOf(start);
    // busybox puts the program's own name before another that it was started with.
    if (at < 0 || !/^(\{\S+\} )?[\w./-]*$/.test(args.slice(0, at))) continue;
    const tag = args.slice(at + start.length).split(' ', 1)[0];
    if (tag !== undefined && tag !== 'sh') return tag;
  }
  return undefined;
}

function descendants(rows: readonly Row[], pid: number): number[] {
  const children = rows.filter((row) => row.parent === pid).map((row) => row.pid);
  return [...children, ...children.flatMap((child) => descendants(rows, child))];
}
