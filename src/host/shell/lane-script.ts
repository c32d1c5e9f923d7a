// The shell text of a lane (stream/ways/lane.ts): the loop that a remote host runs for command after command, and the line
// that gives it one of them.
import { commandWords, writeMarker, type CommandSetup } from './marked-output';
import { quoteArg, ScriptWriter, WRAPPER, writeEnvironment } from './quote';

/** The lane read something else than a command of ours. No program of ours exits with it. */
export const OUT_OF_STEP = 97;

/**
 * Reads commands from standard input, one a line, each behind the key, which nothing else can begin with by chance; the
 * command may read on. Then key and exit code follow on both outputs. POSIX `read` takes no byte beyond the line.
 */
export function laneScript(key: string, zfsPath: string): string {
  const script = writeEnvironment(new ScriptWriter(), zfsPath);
  const word = writeMarker(script, key);
  const check = `case $l in "${word} "*) ;; *) exit ${OUT_OF_STEP};; esac`;
  const report = `c=$?; echo "${word} $c"; echo "${word} $c" >&2; [ $c -eq 0 ] || exit $c`;
  return script.add(`while IFS= read -r l; do ${check}; eval "\${l#* }"; ${report}; done; exit 0`).toString();
}

/**
 * The line for {@link laneScript} that runs a command under a wrapper shell of its own, so that `tag` finds it.
 * `reads`: its standard input is what follows the line, else it is empty.
 */
export function laneLine(
  key: string,
  argv: readonly string[],
  tag: string,
  { setup, reads }: { setup: CommandSetup; reads: boolean },
): string {
  const script = new ScriptWriter();
  // Not `exec`: the wrapper must stay, because its arguments carry the tag.
  const text = script
    .add(commandWords(script, argv, setup))
    .add('exit $?')
    .toString();
  const words = ['/bin/sh', '-c', WRAPPER, tag, text].map(quoteArg).join(' ');
  return `${key} ${words}${reads ? '' : ' </dev/null'}\n`;
}
