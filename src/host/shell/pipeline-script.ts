// The shell text of a small pipeline on one host: every stage's exit code counts, which POSIX `sh` alone does not offer
// (no pipefail).
import type { ScriptWriter } from './quote';

/**
 * Adds statements that run `commands` (each already made of quoted words) as a pipeline from the script's standard input
 * to its standard output, and end the script with the first exit code that is not 0.
 */
export function addPipeline(script: ScriptWriter, commands: readonly string[]): ScriptWriter {
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
    .add('set -- $c')
    .add(`[ $# -eq ${commands.length} ] || exit 125`)
    .add('for x in "$@"; do [ "$x" -eq 0 ] || exit "$x"; done')
    .add('exit 0');
}
