// Several commands in one remote shell, their results kept apart by marker lines: the script that prints the markers
// and the parser that reads them. Everything before the first marker is the login shell's own chatter (rc files).
import { randomBytes } from 'node:crypto';
import { ZfsFlowError } from '../../base/errors';
import { LineReader } from '../lines';
import { ScriptWriter, writeEnvironment } from './quote';

export type Privilege = 'none' | 'sudo' | 'doas';

/** How commands are made ready on one host. */
export interface CommandSetup {
  zfsPath: string;
  /** Program put before `zfs` and `zpool`, never before anything else. */
  privilege: Privilege;
}

/** A word that no program prints by chance. */
export function newMarker(): string {
  return `zfsflow-${randomBytes(12).toString('hex')}`;
}

/**
 * Sets a variable to the marker and gives the word that prints it. The script never contains the marker in one piece:
 * it is part of the shell's argument list, which `ps`, run by the script, prints.
 */
export function writeMarker(script: ScriptWriter, marker: string): string {
  const middle = marker.length / 2;
  script.add(`k=${marker.slice(0, middle)}`).add(`k=\${k}${marker.slice(middle)}`);
  return '$k';
}

/** The words of a command in a script, with the program that gives it its rights. */
export function commandWords(script: ScriptWriter, argv: readonly string[], setup: CommandSetup): string {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError('a command needs a program');
  if (setup.privilege === 'none' || !/^(zfs|zpool)$/.test(program)) return script.words(argv);
  // sudo and doas search a PATH of their own, on which the directories of `zfsPath` are not.
  const found = setup.zfsPath.trim() === '' ? script.word(program) : `"$(command -v ${program} || echo ${program})"`;
  return [`${setup.privilege} -n`, found, script.words(args)].join(' ');
}

/** A script that runs `argvs` one after the other. Without `stdin` their standard input is empty. */
export function markedScript(
  argvs: readonly (readonly string[])[],
  marker: string,
  setup: CommandSetup,
  stdin: boolean,
): string {
  const script = writeEnvironment(new ScriptWriter(), setup.zfsPath);
  if (!stdin) script.add('exec </dev/null');
  const word = writeMarker(script, marker);
  script.add(`m() { c=$?; echo ${word} $c; echo ${word} >&2; }`);
  script.add(`echo ${word} $$; echo ${word} >&2`);
  for (const argv of argvs) script.add(`${commandWords(script, argv, setup)}; m`);
  return script.add('exit 0').toString();
}

export interface MarkedResult {
  /** What the command printed. */
  text: string;
  /** The number after the marker that ended it. */
  code: number;
}

export interface MarkedOutputOptions {
  marker: string;
  maxBytes: number;
  /** Gets each line instead of having it collected. */
  onLine?: ((line: string, index: number, whole: boolean) => void) | undefined;
}

/** Reads one output stream of a {@link markedScript}. `push` throws when a command prints more than `maxBytes`. */
export class MarkedOutput {
  /** Results of the commands that have ended. */
  readonly results: MarkedResult[] = [];
  /** Process id of the shell, on standard output only. */
  pid = 0;
  started = false;
  /** Something came before the first marker. */
  noisy = false;
  private readonly reader = new LineReader((line) => this.line(line));
  private lines: string[] = [];
  private bytes = 0;
  private noise = '';

  constructor(private readonly options: MarkedOutputOptions) {}

  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.reader.push(chunk);
    if (this.options.onLine && this.started) this.bytes = this.reader.rest.length;
    if (this.bytes > this.options.maxBytes) {
      throw new ZfsFlowError('ZFS_ERROR', `the command printed more than ${this.options.maxBytes} bytes`);
    }
  }

  /** Output that belongs to no finished command: chatter, or what a command printed before it was ended. */
  get unfinished(): string {
    return [this.started ? '' : this.noise, ...this.lines, this.reader.rest].filter((part) => part !== '').join('\n');
  }

  private line(line: string): void {
    const at = line.indexOf(this.options.marker);
    if (at < 0) {
      if (this.started) this.give(line);
      else this.noise = `${this.noise}${line}\n`.slice(-4096);
      if (!this.started) this.noisy = true;
      return;
    }
    const before = line.slice(0, at);
    const number = Number(line.slice(at + this.options.marker.length + 1));
    if (this.started) this.finish(before, number);
    else this.start(before, number);
  }

  private start(before: string, pid: number): void {
    this.started = true;
    this.noisy ||= before !== '';
    this.pid = pid;
    this.bytes = 0;
  }

  private finish(unterminated: string, code: number): void {
    if (unterminated !== '' && this.options.onLine) this.options.onLine(unterminated, this.results.length, false);
    const text = this.lines.map((line) => `${line}\n`).join('') + (this.options.onLine ? '' : unterminated);
    this.results.push({ text, code });
    this.lines = [];
    this.bytes = 0;
  }

  private give(line: string): void {
    if (this.options.onLine) this.options.onLine(line, this.results.length, true);
    else this.lines.push(line);
  }
}
