// Who speaks on standard error: ZFS itself, what stood between it and us (sudo, a shell that did not find it, a connection that
// broke), or the machine around both (banners, locale warnings, the dynamic linker). Everything that judges a command by its
// words asks here: what the machine says never decides a code, never begins a message, and makes no error of a missing dataset.

export interface Voices {
  /** What ZFS says, a statement each; the lines into which libzfs wraps one are joined by '\n'. */
  zfs: string[];
  /** Why ZFS did not run, or was cut off. Counts only where ZFS says nothing itself. */
  gate: string[];
  /** Everybody else. */
  around: string[];
}

/**
 * How libzfs, `zfs` and `zpool` begin what they say (libzfs_util.c: "ACTION: DESCRIPTION", where the action is almost always
 * "cannot …", so that a bare description such as "no such pool" begins nothing; zfs_main.c, libzfs_sendrecv.c, libzfs_crypto.c). They speak the C locale, which every command of ours is given.
 */
const STATEMENTS: readonly string[] = [
  'internal error\\b',
  '(?:VERIFY|ASSERT)\\d*\\(',
  'warning: (?:cannot|could not|skipping|incremental source|volblocksize|deduplicated|the zfs|\\S+ not in ?/proc)',
  'usage: *(?:$|z(?:fs|pool)\\b)',
  'unrecognized command\\b',
  'invalid (?:option|type|propert|column|source\\b|field|argument|version|data type|numeric|character|keylocation|backup|set name|incremental|bookmark|flags|user|group|activity|project|record|date|stream)',
  "missing (?:\\w+ )?(?:argument|dataset|snapshot|filesystem|property|source|target|size|command|volume|bookmark|=|'[^']*' argument)",
  'too (?:many|few) (?:arguments|errors|fields|snapshots)',
  'bad (?:property|numeric|volume|alternate)',
  'could not find any snapshots',
  'no (?:datasets available|snapshots were created|pools available)',
  "(?:property|bookmark|dataset|snapshot|pool|destination|filesystem) '",
  "'[^']+' (?:is|must|does not|cannot|has|property|uses)\\b",
  'key (?:load|unload|change|inherit\\w*) error',
  'encryption \\w+ error',
  'channel program\\b',
  'permission denied[. ]+(?:channel|the zfs)',
  'the zfs (?:kernel )?modules?\\b',
  'the /dev/zfs\\b',
  '/dev/zfs\\b',
  'failed to initialize the libzfs',
  'unable to (?:obtain diffs|initialize (?:the )?lib|open /dev/zfs)',
  'filesystem successfully created',
  'property may be set',
  'skipping snapshot\\b',
  'attempting (?:rename|destroy)\\b',
  'incremental source\\b',
  'error: (?:backup|stream|raw|multiple|unsupported|cannot)',
  'z(?:fs|pool): error',
  '\\d+ (?:more )?propert(?:y|ies)\\b',
];

const BEGINS = new RegExp(`^(?:${STATEMENTS.join('|')})`, 'i');
/** Never with a capital letter, unlike other programs. */
const ACTION = /^cannot [a-z]+\b/;

/** A statement behind something that did not end its line (a prompt); what a program quotes (`ls: cannot open '…'`) is none. */
const BEHIND = /(?<!: )(?<![\w('"])(?:cannot [a-z]+ '|cannot receive |warning: cannot send |internal error: )/;

/** The lines into which libzfs wraps what it says. */
const GOES_ON =
  /^(?:must (?:specify -F|destroy them)|match incremental|since most recent|partially received|a resuming stream|use (?:'-\w|-\w|'?z(?:fs|pool)\b|exports|exportfs|umount)|discussing the limitations|https?:\/\/(?:openzfs|zfsonlinux)|for (?:the property list|the delegated|further help)|version \(|cause of|you must redirect|the following|to (?:overwrite|version) |see the)/i;

/** One of a list that libzfs announced with a colon: names of datasets and snapshots, or indented lines. */
const LISTED = /^(?:[\w.:-]+(?:\/[\w.: -]+)*[@#/]\S*|[\w.-]+\/\S+|\s+\S.*)$/;

/** What is a cause in spite of not being ZFS: sudo and doas refuse, `zfs` is not there, the connection or a filter broke. */
const GATES: readonly RegExp[] = [
  /^sudo: (?:a password is required|a terminal is required|.*(?:no tty present|must have a tty|askpass)|\d+ incorrect password|no password was|account validation|account or password|PAM account|no valid sudoers|unable to (?:initialize policy|load|execute|change to)|effective uid|.*(?:must be (?:owned by|setuid)|is (?:owned by uid|(?:world|group) writable))|the "no new privileges"|unknown user|\S+: command not found|timed out reading|authentication|you do not exist|sorry, )/i,
  /^doas: /,
  /^sorry, (?:user .* (?:is not allowed|may not run)|you must have a tty)/i,
  /^\S+ is not (?:in the sudoers file|allowed to (?:run|execute))/i,
  /(?:^|[\s:/])z(?:fs|pool): (?:command |inaccessible or )?not found\b/i,
  /\bno such command `z(?:fs|pool)'/,
  /(?:^|[\s:/])z(?:fs|pool): (?:permission denied|cannot execute|no such file|exec format|error while loading)/i,
  /^(?:client_loop|kex_exchange|ssh_exchange|timeout, server|connection (?:reset|closed|timed out|refused|to )|packet_write|write failed|ssh: |zfsflow-ssh-error|the remote command was ended)/i,
  /^(?:gzip|gunzip|pigz|unpigz|xz|lzop|lz4|zstd|mbuffer|openssl): (?!warning)/,
];

/** Known to be the machine, whatever stands in it. */
const MACHINE =
  /^(?:ERROR: ld\.so|perl: |-?(?:\/\S*\/)?(?:ba|da|k|z|tc|c|fi)?sh: warning:|sudo: (?:unable to resolve|setrlimit)|manpath: |mesg: |stty: |tput: )/;

// Colours, and the carriage returns of a terminal.
// eslint-disable-next-line no-control-regex
const DECORATION = /\u001b\[[0-9;?]*[A-Za-z]|\r/g;

type Line = { by: keyof Voices; text: string; goesOn?: boolean };

function readLine(text: string, last: string | undefined, listing: boolean): Line {
  if (MACHINE.test(text)) return { by: 'around', text };
  if (ACTION.test(text) || BEGINS.test(text)) return { by: 'zfs', text };
  if (GATES.some((gate) => gate.test(text))) return { by: 'gate', text };
  const behind = BEHIND.exec(text);
  if (behind && behind.index > 0) return { by: 'zfs', text: text.slice(behind.index) };
  if (last !== undefined && (GOES_ON.test(text) || (listing && LISTED.test(text)))) {
    return { by: 'zfs', text, goesOn: true };
  }
  return { by: 'around', text };
}

/** Tells the voices on standard error apart, each in its order. */
export function voicesOf(stderr: string): Voices {
  const voices: Voices = { zfs: [], gate: [], around: [] };
  // After a colon libzfs lists: what is in the way, how to go on, the usage.
  let listing = false;
  for (const raw of stderr.split('\n')) {
    const text = raw.replace(DECORATION, '').trimEnd();
    if (text.trim() === '') continue;
    const line = readLine(text, voices.zfs.at(-1), listing);
    if (line.goesOn === true) voices.zfs.push(`${voices.zfs.pop() ?? ''}\n${line.text}`);
    else voices[line.by].push(line.text);
    if (line.by === 'zfs') listing = text.endsWith(':') || (listing && line.goesOn === true);
  }
  return voices;
}

/** What says why a command failed: ZFS's own words, else what kept it from running, else ''. */
export function wordsOf(stderr: string): string {
  const { zfs, gate } = voicesOf(stderr);
  return (zfs.length > 0 ? zfs : gate).join('\n');
}

/** ZFS says something, and each of its statements matches: nothing else hides among them, and nothing kept it from running. */
export function saysOnly(stderr: string, pattern: RegExp): boolean {
  const { zfs, gate } = voicesOf(stderr);
  return zfs.length > 0 && gate.length === 0 && zfs.every((statement) => pattern.test(statement));
}

/** One of ZFS's statements matches. */
export function says(stderr: string, pattern: RegExp): boolean {
  return voicesOf(stderr).zfs.some((statement) => pattern.test(statement));
}

/**
 * What ZFS could not do, as it says, whatever its exit code: `zfs list` exits with 0 when it could not look below a dataset
 * ("cannot iterate filesystems: I/O error"), `zfs receive` when it could not set properties.
 */
export function complaintsOf(stderr: string): string[] {
  return voicesOf(stderr).zfs.filter((statement) => /^(?:cannot |internal error)/i.test(statement));
}
