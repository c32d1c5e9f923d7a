// The shell text that gives back what it is given, line by line, behind what a login shell prints.
import { writeMarker } from './marked-output';
import { ScriptWriter } from './quote';

/** Prints the marker, then whatever comes in. */
export function echoScript(marker: string): string {
  const script = new ScriptWriter();
  const word = writeMarker(script, marker);
  return script.add(`echo; echo ${word}; exec cat`).toString();
}
