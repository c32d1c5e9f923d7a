// The shell text of one end of a stream that goes over a TCP connection of its own, on a remote machine: `zfs`, its
// filters and what carries them, from their start to their end. What reads the lines that it prints, and writes what it
// reads, is stream/wire/far-end.ts.
//
// Standard input: the secret of this transfer on the first line, for an end that connects the port on the second, and
// then silence; its end means "stop". Standard output: the receiver's words, and behind the marker `begin`, `at DIRECTORY`, `port N
// ADDRESS`, `noport`, `connected`, `send CODE`, `receive CODE`, `carrier CODE`, `said TEXT`.
// The secret is only ever in a variable of this shell and in a FIFO; `echo` and `read` are builtins everywhere.
import { copyCommand, EVERYWHERE, takesEverywhere, tlsCommand, type Carrier, type Role } from './carrier-commands';
import { BASH_CONNECTS, NO_PORT, NOT_CONNECTED, PERL } from './hand-over';
import { commandWords, writeMarker, type CommandSetup } from './marked-output';
import { pipelineText } from './pipeline-script';
import { ScriptWriter, writeEnvironment } from './quote';

export interface FarEnd extends Role {
  carrier: Carrier;
  /** `zfs send` and what its output passes, or what the stream passes and `zfs receive`. */
  commands: readonly (readonly string[])[];
  /** To listen on, '' = where the SSH connection came in; or to connect to. */
  address: string;
  /** To listen on, the first that is free. */
  ports: readonly number[];
}

/** No directory or FIFO can be made. */
const NO_PLACE = 96;
/** The first line was not the token. */
const STRANGER = 95;

export function farEndScript(end: FarEnd, marker: string, setup: CommandSetup): string {
  const script = writeEnvironment(new ScriptWriter(), setup.zfsPath);
  const mark = writeMarker(script, marker);
  script
    // A shell that a signal ends does not come to its EXIT trap. Ignored, it would be ignored by `zfs` too.
    .add(`exec 3<&0 </dev/null; umask 077; trap 'exit 143' HUP INT TERM PIPE`)
    .add(`echo "${mark} begin"`)
    .add('IFS= read -r K <&3 || exit 0')
    // In mksh the code of a shell that a trap has ended would be that of the last command here.
    .add(BYE)
    .add("trap 'e=$?; bye; exit $e' EXIT")
    .add(`D=$(mktemp -d "\${TMPDIR:-/tmp}/zfsflow-XXXXXXXXXX") || exit ${NO_PLACE}`)
    .add(`echo "${mark} at $D"`)
    .add(`mkfifo "$D/k" "$D/q" "$D/z" "$D/t" || exit ${NO_PLACE}`)
    .add(end.listens ? listenAddress(script, end) : `A=${script.word(end.address)}`)
    .add('case $A in *:*) B="[$A]";; *) B=$A;; esac')
    .add(NAP);
  if (!end.listens) script.add('IFS= read -r P <&3 || exit 0');
  // What this shell says of the processes that it ends is of no interest.
  script.add(WATCHDOG).add('exec 3<&- 8>&2 2>/dev/null');
  const work = pipelineText(end.commands.map((argv) => commandWords(script, argv, setup)));
  const parts = { mark, work, elevated: setup.privilege !== 'none' };
  for (const statement of statements(end, parts, setup)) script.add(statement);
  return script.add('exit 0').toString();
}

// What runs in the background is `{ …; } &`, which is a process: for `( … ) &` some shells have one more, which keeps what it
// was given open and takes the signals.
interface Parts {
  mark: string;
  /** Shell text, for a subshell, that runs the commands from standard input to standard output and exits. */
  work: string;
  elevated: boolean;
}

/** Third word: the address that sshd accepted on. */
function listenAddress(script: ScriptWriter, { address, carrier }: FarEnd): string {
  if (address === EVERYWHERE && !takesEverywhere(carrier)) return 'A=';
  return address === '' ? 'set -- $SSH_CONNECTION; A=${3:-}; A=${A#::ffff:}' : `A=${script.word(address)}`;
}

/**
 * Nothing of it stays: carrier and feeder end, the group – sshd makes each command the leader of one, and only then there
 * is a group with this shell's number – is told to, for a `zfs` whose shell has gone before it.
 */
const BYE =
  'bye() { trap "" TERM; kill -s KILL $G; kill $O $W $V; [ -z "$X" ] || { kill $S; kill -0 -$$ && kill -s TERM 0; }; [ -z "$D" ] || rm -rf "$D" || { sleep 1; rm -rf "$D"; }; } 2>/dev/null; D=; O=; W=; V=; G=; S=; X=1';

/** All has ended by itself: nobody is left to be told to. */
const DONE = '[ $c -ne 0 ] || X=';

/** `nap SECONDS MANY`: POSIX has whole seconds only; `n` is how many of these naps, of which MANY make one, have passed. */
const NAP = 'nap() { if sleep $1 2>/dev/null; then n=1; else sleep 1; n=$2; fi; }';

/**
 * Its standard input has ended: nobody follows any more. The carrier goes first, so that a receiver takes what is still in
 * its pipe and saves its place; then the rest. It outlives this shell where that was killed.
 */
const WATCHDOG =
  '{ trap "" HUP INT TERM PIPE; while read -r x <&3; do :; done; : >"$D/stop"; read -r o <"$D/o" && kill $o; ' +
  'i=0; while [ $i -lt 20 ] && kill -0 $$; do nap 0.1 10; i=$((i+n)); done; ' +
  'rm -rf "$D"; kill -0 -$$ && { kill -s TERM 0; sleep 1; rm -rf "$D"; kill -s KILL 0; }; } >/dev/null 2>&1 & G=$!';

function statements(end: FarEnd, parts: Parts, setup: CommandSetup): string[] {
  const { carrier } = end;
  if (carrier.kind === 'handOver') return handOver(end, carrier.program, parts, setup);
  return end.direction === 'receive' ? receive(end, carrier, parts) : send(end, carrier, parts);
}

/** `feed`: what reads `"$D/k"` finds the secret there, once. */
function feed(isTls: boolean): string {
  const secret = isTls
    ? 'echo "-----BEGIN SSL SESSION PARAMETERS-----"; echo "$K"; echo "-----END SSL SESSION PARAMETERS-----"'
    : 'echo "$K"';
  return `feed() { kill $W 2>/dev/null; { ${secret}; } >"$D/k" 2>/dev/null & W=$!; }`;
}

/** `start`: the carrier, in the background. Its messages are in `"$D/e"`. */
function start(end: FarEnd, carrier: Exclude<Carrier, { kind: 'handOver' }>): string {
  const isTls = carrier.kind === 'tls';
  const { text, stdin } = isTls
    ? ({ text: tlsCommand(end, carrier.cipher, carrier.noCaStore), stdin: tlsInput(end) } as const)
    : copyCommand(carrier, end, netcatWords(carrier));
  const input = { silent: '"$D/q"', silentToken: '"$D/q"', token: '"$D/k"', stream: '', none: '/dev/null' }[stdin];
  const from = end.direction === 'send' ? (end.listens ? '<"$D/z"' : '<&7') : `<${input}`;
  const to = end.direction === 'receive' ? '"$D/z"' : end.listens && !isTls ? '"$D/t"' : '/dev/null';
  const close = '5>&- 6>&- 7<&- 8>&- 9>&-';
  const first = isTls || stdin === 'token' ? 'feed; ' : '';
  return `start() { ${first}: >"$D/e"; { exec ${text}; } ${from} >${to} 2>"$D/e" ${close} & O=$!; echo $O >"$D/o"; }`;
}

function tlsInput({ direction }: Role): 'silent' | 'stream' {
  return direction === 'send' ? 'stream' : 'silent';
}

function netcatWords(carrier: Extract<Carrier, { kind: 'copy' }>): string {
  return carrier.program === 'netcat' ? carrier.netcat.command.join(' ') : '';
}

/** Of `openssl -brief`, once the other side has proved that it knows the key. */
const ESTABLISHED = 'grep -q "^Protocol version: TLSv1.3" "$D/e"';
/** Refused before a byte of its input was read. */
const REFUSED = 'grep -Eiq "refused|errno=(111|61)( |$)" "$D/e"';
/** The connection was there, and ended. */
const CUT_OFF = 'grep -Eiq "reset|unexpected eof|errno=(0|32|54|104)( |$)" "$D/e"';
/** Somebody listens on the port, on whatever address. Where the kernel does not show it: never. */
const LISTENING =
  'H=$(printf %04X $P); busy() { grep -q ":$H [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6; } 2>/dev/null';

/** Starts the carrier on the first port that it gets. */
function listen({ ports }: FarEnd, mark: string): string[] {
  // Whose listener it is cannot be seen, so where there was one before, only that ours lives on says that it listens too.
  const settled =
    'settled() { if [ -z "$Y" ] && [ -r /proc/net/tcp ]; then i=0; until busy; do kill -0 $O || return 1; [ $i -lt 60 ] || break; nap 0.05 20; i=$((i+n)); done; else nap 0.4; fi; kill -0 $O; } 2>/dev/null';
  return [
    settled,
    `N=; for P in ${ports.join(' ')}; do ${LISTENING}; Y=; busy && Y=1; start; settled && { N=$P; break; }; wait $O; done`,
    `[ -n "$N" ] || { echo "${mark} noport"; ${said(mark)}; exit 94; }`,
    `echo "${mark} port $P $A"`,
  ];
}

/** The last lines that the carrier printed. */
function said(mark: string): string {
  return `tail -n 12 "$D/e" | while IFS= read -r l; do echo "${mark} said $l"; done`;
}

/** `again`: the same port, for who comes after a client without the secret. */
const AGAIN = 'R=0; again() { [ $R -lt 200 ] && [ ! -e "$D/stop" ] || return 1; nap 0.1 10; R=$((R+n)); start; }';

/**
 * Repeats a connect that was refused, and one that was cut off before the other side had proved itself: who listens takes one
 * client at a time, and may be busy with a stranger or just getting ready for the next.
 */
function retry(isTls: boolean): string {
  const cutOff = isTls ? ` || { ${CUT_OFF} && ! ${ESTABLISHED}; }` : '';
  return `retry() { { ${REFUSED}${cutOff}; } && [ $R -lt 25 ] && again; }`;
}

function receive(end: FarEnd, carrier: Exclude<Carrier, { kind: 'handOver' }>, parts: Parts): string[] {
  const { mark, work } = parts;
  const isTls = carrier.kind === 'tls';
  const silentToken = !isTls && copyCommand(carrier, end, '').stdin === 'silentToken';
  // Whoever listens as a sender waits for a byte or the token (finding 6).
  const first = end.listens ? '' : silentToken ? '; echo "$K" >&5' : isTls ? '; echo >&5' : '';
  const ends = 'echo $c >"$D/c"; read -r o <"$D/o" && kill $o';
  const check =
    !isTls && end.listens ? `IFS= read -r t; [ "$t" = "$K" ] || exit ${STRANGER}; echo "${mark} connected"; ` : '';
  // The carrier does not notice that nobody reads any more.
  const reader = `reader() { { exec 5>&- 6>&-; ( ${check}${work} ) 2>&8 8>&-; c=$?; ${ends}; exit $c; } <"$D/z" & S=$!; }`;
  const begun = end.listens ? listen(end, mark) : ['start'];
  const told = isTls && !end.listens ? [watchFor(mark)] : [];
  const lines = [`exec 5<>"$D/q" 6<>"$D/z"${first}`, feed(isTls), start(end, carrier), AGAIN, retry(isTls), reader];
  const over = isTls
    ? // A client that has not proved anything is no end of the stream; a directory that somebody has cleaned away tells nothing.
      [
        `while wait $O; [ -e "$D/e" ] && [ ! -e "$D/c" ]; do ${ESTABLISHED} && break; ${end.listens ? 'again' : 'retry'} || break; ${told.join('; ') || ':'}; done`,
        'exec 6>&-',
        'wait $S; c=$?',
      ]
    : end.listens
      ? [
          'while wait $O; exec 6>&-; wait $S; c=$?; [ $c -eq 95 ]; do rm -f "$D/z" "$D/c"; mkfifo "$D/z"; exec 6<>"$D/z"; again || break; reader; done',
        ]
      : ['while wait $O; [ ! -e "$D/c" ]; do retry || break; done', 'exec 6>&-', 'wait $S; c=$?'];
  return [
    ...lines,
    ...begun,
    ...told,
    'reader',
    ...over,
    'wait $O 2>/dev/null; t=$?',
    `${isTls ? ESTABLISHED : '[ $c -eq 0 ]'} && echo "${mark} connected"`,
    `echo "${mark} carrier $t"`,
    said(mark),
    `echo "${mark} receive $c"; ${DONE}`,
  ];
}

/** Tells as soon as the carrier has a connection. */
function watchFor(mark: string): string {
  return `kill $V 2>/dev/null; { until ${ESTABLISHED}; do kill -0 $O || exit 0; nap 0.2; done; echo "${mark} connected"; } 2>/dev/null & V=$!`;
}

function send(end: FarEnd, carrier: Exclude<Carrier, { kind: 'handOver' }>, parts: Parts): string[] {
  const { mark, work } = parts;
  const isTls = carrier.kind === 'tls';
  const token = isTls || end.listens ? '' : 'echo "$K"; ';
  const writer = `writer() { { exec 5>&- 6>&- 7<&- 2>&8 8>&-; ${token}${work}; } >"$D/z" & S=$!; }`;
  const lines = ['exec 5<>"$D/q"', feed(isTls), start(end, carrier), AGAIN, retry(isTls), writer];
  const finish = [
    'wait $O; t=$?',
    'exec 7<&-',
    'wait $S; c=$?',
    `echo "${mark} carrier $t"`,
    said(mark),
    `echo "${mark} send $c"; ${DONE}`,
  ];
  if (!end.listens) {
    const isOver = `while wait $O; t=$?; [ $t -ne 0 ]; do retry || break; ${isTls ? watchFor(mark) : ':'}; done`;
    const told = isTls ? [watchFor(mark)] : [];
    const seen = [`${isTls ? ESTABLISHED : '[ $t -eq 0 ]'} && echo "${mark} connected"`];
    return [...lines, 'writer', 'exec 7<"$D/z"', 'start', ...told, isOver, ...seen, ...finish.slice(1)];
  }
  // Nothing is to be read before the other side has proved itself, or s_server would wait for more of it (finding 6).
  const proved = isTls
    ? `until ${ESTABLISHED}; do kill -0 $O 2>/dev/null || again || exit ${NOT_CONNECTED}; nap 0.05; done`
    : `exec 7<"$D/t" 9>&-; until IFS= read -r t <&7; [ "$t" = "$K" ]; do kill $O 2>/dev/null; wait $O; again && settled || exit ${NOT_CONNECTED}; done`;
  return [
    ...lines,
    'exec 6<>"$D/z" 9<>"$D/t"',
    ...listen(end, mark),
    proved,
    `echo "${mark} connected"`,
    'writer',
    'exec 6>&-',
    ...finish,
  ];
}

/** The program makes the connection and becomes the command, so nothing stands between `zfs` and the socket. */
function handOver(end: FarEnd, program: 'perl' | 'bash', { mark, elevated }: Parts, setup: CommandSetup): string[] {
  const script = new ScriptWriter();
  const { direction, listens, ports } = end;
  // `zfs send -v` counts what goes into a pipe, and is silent before a socket. A `zfs` under sudo cannot be told to end, only
  // what is between it and the socket.
  const between = end.commands.length === 1 && (direction === 'send' || elevated) ? [['cat']] : [];
  const commands = direction === 'send' ? [...end.commands, ...between] : [...between, ...end.commands];
  const words = commands.map((argv) => commandWords(script, argv, setup));
  const text = words.length === 1 ? script.add(`exec ${words[0] ?? ''}`) : script.add(pipelineText(words));
  const outer = new ScriptWriter();
  const command = `/bin/sh -c ${outer.word(text.toString())} sh`;
  const call =
    program === 'perl'
      ? `perl -e ${outer.word(PERL)} ${listens ? 'listen' : 'connect'} ${direction} "$A" ${listens ? ports.join(',') : '"$P"'} "$D/k" "${mark}" "$D/e"`
      : `bash -c ${outer.word(BASH_CONNECTS)} bash ${direction} "$A" "$P" "$D/k" "${mark}" "$D/e"`;
  return [
    feed(false),
    `start() { feed; : >"$D/e"; ${call} ${command} 2>&8 8>&- & O=$!; echo $O >"$D/o"; }`,
    AGAIN,
    retry(false),
    'start',
    `while wait $O; c=$?; [ $c -eq ${NOT_CONNECTED} ]; do retry || break; done`,
    `[ $c -ne ${NO_PORT} ] || echo "${mark} noport"`,
    said(mark),
    `echo "${mark} ${direction} $c"; ${DONE}`,
  ];
}
