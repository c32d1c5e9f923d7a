// The shell text of a small pipeline on one host: every stage's exit code counts, which POSIX `sh` alone does not offer
// (no pipefail).
import { commandWords, writeMarker, type CommandSetup } from './marked-output';
import { ScriptWriter, writeEnvironment } from './quote';

/** Runs `argvs` on this machine as a pipeline from the script's standard input to its standard output. */
export function localPipelineScript(argvs: readonly (readonly string[])[]): string {
  const script = new ScriptWriter();
  const commands = argvs.map((argv) => script.words(argv));
  return addPipeline(script, commands).toString();
}

/** The same on a remote host. `marker`: printed on both outputs before anything else, behind what the login shell prints. */
export function remotePipelineScript(
  argvs: readonly (readonly string[])[],
  setup: CommandSetup,
  marker: string | undefined,
): string {
  const script = writeEnvironment(new ScriptWriter(), setup.zfsPath);
  if (marker !== undefined) {
    const word = writeMarker(script, marker);
    script.add(`echo; echo ${word}; echo ${word} >&2`);
  }
  const commands = argvs.map((argv) => commandWords(script, argv, setup));
  return addPipeline(script, commands).toString();
}

/** Shell text that runs `commands`, of quoted words, as a pipeline in a subshell of its own, and ends that. */
export function pipelineText(commands: readonly string[]): string {
  return addPipeline(new ScriptWriter(), commands).toString();
}

/**
 * Adds statements that run `commands`, of quoted words, and end the script with the first exit code that is not 0. The
 * wrapper's IFS may be empty.
 */
function addPipeline(script: ScriptWriter, commands: readonly string[]): ScriptWriter {
  const [only] = commands;
  // Not `exec`: the wrapper must stay, because its arguments carry the tag.
  if (commands.length === 1 && only !== undefined) return script.add(only).add('exit $?');
  const stages = commands.map((command, index) => {
    const output = index === commands.length - 1 ? '>&4 ' : '';
    return `{ ${command} ${output}3>&- 4>&-; echo $? >&3; }`;
  });
  return script
    .add('exec 4>&1')
    .add(`c=$({ ${stages.join(' | ')}; } 3>&1)`)
    .add(`unset IFS; set -- $c; [ $# -eq ${commands.length} ] || exit 125`)
    .add('for x in "$@"; do [ "$x" -eq 0 ] || exit "$x"; done')
    .add('exit 0');
}
