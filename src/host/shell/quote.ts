// The one place where words are quoted for shells and scripts put together from them. The scripts themselves are those of
// this folder (marked output, pipelines, lanes, …); everything else handles argument lists, or a script of fixed text.
// Two layers: a POSIX `sh` script with quoted arguments, and an outer string that carries this script through whatever
// login shell the account has (`$SHELL -c '<string>'`: sh, bash, zsh, csh, tcsh, fish).

/** Directories where `zfs` and its friends live on Linux and FreeBSD but which a non-login shell often lacks. */
export const SYSTEM_PATH = ['/sbin', '/usr/sbin', '/usr/local/sbin', '/usr/local/bin'] as const;

/** Linux allows 128 KiB for one argument (MAX_ARG_STRLEN), and sshd passes the whole command as one. */
export const MAX_REMOTE_COMMAND = 120_000;

// bsd-csh refuses words of 1024 characters or more ("Word too long").
const CSH_WORD = 800;

/** One argument for a POSIX shell, readable where it needs no quotes. For scripts, and for command lines in logs. */
export function quoteArg(arg: string): string {
  if (/^[\w/:.,@%+-][\w/:.,@%+=-]*$/.test(arg)) return arg;
  return `'${arg.replaceAll("'", "'\\''")}'`;
}

/** A command line as a person would type it. For messages and logs; never executed. */
export function displayCommand(argv: readonly string[]): string {
  return argv.map(quoteArg).join(' ');
}

/** Turns argument lists into POSIX `sh` text made of printable ASCII only, because csh cannot carry anything else. */
export class ScriptWriter {
  private readonly lines: string[] = [];
  private variables = 0;

  /** Adds a statement as it is. */
  add(statement: string): this {
    this.lines.push(statement);
    return this;
  }

  /** A word that expands to exactly `arg`. May add a statement that sets a variable, so call it before using the word. */
  word(arg: string): string {
    if (/^[ -~]*$/.test(arg)) return `'${arg.replaceAll("'", "'\\''")}'`;
    const name = `a${this.variables++}`;
    // The `x` protects trailing newlines, which a command substitution drops. LC_ALL is C by then, so bytes are safe.
    this.add(`${name}=$(printf '${octalEscapes(arg)}x')`).add(`${name}=\${${name}%x}`);
    return `"$${name}"`;
  }

  words(argv: readonly string[]): string {
    return argv.map((arg) => this.word(arg)).join(' ');
  }

  toString(): string {
    return this.lines.join('; ');
  }
}

/** A `printf` format that prints exactly `text`: harmless characters as they are, all other bytes as `\ooo`. */
function octalEscapes(text: string): string {
  return Array.from(Buffer.from(text, 'utf8'), (byte) => {
    const char = String.fromCharCode(byte);
    return /[\w ./:,@=+]/.test(char) ? char : `\\${byte.toString(8).padStart(3, '0')}`;
  }).join('');
}

/** Begins a script of ours: C locale, and a PATH on which the tools of ZFS are found. */
export function writeEnvironment(script: ScriptWriter, zfsPath: string): ScriptWriter {
  script.add('unset IFS').add('LC_ALL=C').add('export LC_ALL');
  const path = script.word([...SYSTEM_PATH, ...splitPath(zfsPath)].join(':'));
  return script.add(`PATH="\${PATH:+$PATH:}"${path}`).add('export PATH');
}

/** The directories of a `zfsPath` option, which are separated by colons or blanks. */
export function splitPath(zfsPath: string): string[] {
  return zfsPath.split(/[:\s]+/).filter((directory) => directory !== '');
}

/**
 * The string to hand to sshd: runs `script` (printable ASCII) in `/bin/sh` whatever the login shell is. `name` becomes
 * `$0`, which is what `ps` shows after the fixed prefix {@link WRAPPER}. Throws RangeError when it gets longer than
 * {@link MAX_REMOTE_COMMAND}; {@link stdinCommand} has no such limit.
 */
export function remoteCommand(script: string, name = 'sh'): string {
  if (!/^[ -~]*$/.test(script)) throw new TypeError('a script for a remote shell must be printable ASCII');
  const words = ['exec', '/bin/sh', '-c', outerWord(WRAPPER), outerWord(name), ...chunks(script).map(outerWord)];
  const command = words.join(' ');
  if (command.length > MAX_REMOTE_COMMAND) throw new RangeError('the command is too long for an SSH command line');
  return command;
}

/** What the wrapper shell evaluates: the script, joined from its pieces. */
export const WRAPPER = 'IFS=; eval "$*"';

/** Like {@link remoteCommand}, for a script of any length that is then written to the command's standard input. */
export function stdinCommand(): string {
  return `exec /bin/sh -c ${outerWord('eval "$(cat)"')} sh`;
}

function chunks(script: string): string[] {
  return script.match(new RegExp(`.{1,${CSH_WORD / 4}}`, 'g')) ?? [''];
}

/**
 * Single quotes work in every shell, with three exceptions, which are therefore written outside of them with a
 * backslash: `'` everywhere, `\` (fish treats it specially inside), `!` (csh's history, even inside).
 */
function outerWord(text: string): string {
  return `'${text.replace(/['\\!]/g, (char) => `'\\${char}'`)}'`;
}
