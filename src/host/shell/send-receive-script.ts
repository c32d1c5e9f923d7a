// The shell text that runs `send | receive` on one remote machine and tells each one's exit code and messages apart.
// What reads them is stream/ways/one-host-pipeline.ts.
import { commandWords, writeMarker, type CommandSetup } from './marked-output';
import { ScriptWriter, writeEnvironment } from './quote';

/**
 * The sender's messages go to the channel's standard output, the receiver's to its standard error; a marker line with
 * the exit code ends each. A watchdog reads the channel's standard input: its end means that the channel was closed or
 * the connection lost, and then the whole process group – sshd makes each command the leader of one, and only then there
 * is a group with this shell's number – is ended.
 */
export function sendReceiveScript(
  sendArgv: readonly string[],
  receiveArgv: readonly string[],
  marker: string,
  setup: CommandSetup,
): string {
  const script = writeEnvironment(new ScriptWriter(), setup.zfsPath);
  const word = writeMarker(script, marker);
  const send = commandWords(script, sendArgv, setup);
  const receive = commandWords(script, receiveArgv, setup);
  // Commands under sudo cannot be signalled by us, but they end when what stands between them does.
  const between = setup.privilege === 'none' ? '' : '| cat ';
  const kill = 'kill -s TERM 0; sleep 2; kill -s KILL 0';
  const watchdog = `trap "" TERM; read -r x <&3; kill -0 -$$ && { ${kill}; }`;
  return script
    .add('exec 3<&0 4>&1 </dev/null')
    .add(`echo ${word} begin; echo ${word} begin >&2`)
    .add(`{ ${watchdog}; } >/dev/null 2>&1 4>&- & w=$!`)
    .add('exec 3<&-')
    .add(`{ ${send} 2>&4 4>&-; echo ${word} $? >&4; } ${between}| { ${receive} >&2 4>&-; echo ${word} $? >&2; }`)
    .add('kill -s KILL $w 2>/dev/null')
    .add('exit 0')
    .toString();
}
