// What a host tells of the commands it starts: each line to who listens (the `command` events of a job), and with
// NODE_DEBUG=zfs-flows how each ended. Argument lists hold no secrets; standard input and output are never shown.
import { debug } from '../base/debug-log';
import { ZfsFlowError } from '../base/errors';
import type { LogLevel } from '../base/events';

/** How a command ended: its status, what was thrown instead of one, or nothing when it was not started after all. */
export type CommandEnd = { code: number | null; signal: string | null } | Error | undefined;

/** To be called once, when the command has ended. */
export type Ended = (end?: CommandEnd) => void;

const unwatched = (): void => undefined;

export class CommandLog {
  private readonly listeners = new Set<(line: string, level: LogLevel) => void>();

  constructor(private readonly host: string) {}

  /** See `Host.onCommand`. */
  onCommand(listener: (line: string, level: LogLevel) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A command starts. */
  started(line: string): Ended {
    for (const listener of this.listeners) listener(line, 'debug');
    return this.asked(line);
  }

  /** The same for a question of the host's own, of which listeners do not hear. */
  asked(line: string): Ended {
    if (!debug.enabled) return unwatched;
    const text = line.replaceAll('\n', '\\n');
    const begun = performance.now();
    debug('%s: starts %s', this.host, text);
    return (end) => debug('%s: %s after %d ms: %s', this.host, how(end), Math.round(performance.now() - begun), text);
  }
}

function how(end: CommandEnd): string {
  if (end === undefined) return 'not started';
  if (end instanceof ZfsFlowError) return end.code;
  if (end instanceof Error) return end.name;
  if (end.signal !== null) return `ended by ${end.signal}`;
  return end.code === null ? 'no exit code' : `exit code ${end.code}`;
}

/** `work`, at the end of which is told how each command ended. */
export async function followed<T>(
  commands: readonly Ended[],
  work: Promise<T>,
  endsOf: (answer: T) => readonly CommandEnd[],
): Promise<T> {
  try {
    const answer = await work;
    const ends = endsOf(answer);
    commands.forEach((ended, index) => ended(ends[index]));
    return answer;
  } catch (error) {
    for (const ended of commands) ended(error as Error);
    throw error;
  }
}
