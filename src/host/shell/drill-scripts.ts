// The shell text of a restore drill (src/verify): its private directory, its command, and what reads files and volumes where
// they are. Fixed texts for `sh -c`, POSIX tools only; everything that differs is an argument, quoted with the argument list.
// A name travels as one line, its ends of lines as {@link NEWLINE}, which no path has; a list of names goes back in hexadecimal,
// since names may hold any bytes.

/** Stands for an end of line in a name. The dot tells its slashes from one that is beside it. */
export const NEWLINE = '//.';

/** Makes the directory `$1` (mode 0700, never one that exists) and in it `data`, to mount on. */
export const MAKE_DIRECTORY = 'umask 077; mkdir "$1" && mkdir "$1/data"';

/** Removes them; what is not empty, or mounted on, stays. Says what is left. */
export const REMOVE_DIRECTORY =
  'rmdir "$1/data" "$1" 2>/dev/null; [ ! -d "$1" ] || { echo "$1 is still there" >&2; exit 1; }';

/** Prints the first of the devices `$@` that is there within 30 seconds. */
export const FIND_DEVICE = [
  'i=0; while [ "$i" -lt 150 ]; do',
  'for d; do if [ -b "$d" ] || [ -c "$d" ]; then echo "$d"; exit 0; fi; done',
  'sleep 0.2 2>/dev/null || { sleep 1; i=$((i + 4)); }; i=$((i + 1))',
  'done; exit 1',
].join('\n');

/** Exit code 0: what is seen in the directory `$1` is this file system or snapshot `$2`, and nothing that covers it. */
export const IS_MOUNTED =
  'cd "$1" 2>/dev/null && df -P . | sed 1d | { read -r l; case $l in "$2 "*) exit 0 ;; esac; exit 1; }';

/** Shows that the directory `$1` can be listed, or the device `$2` be read. */
export const LOOK_INSIDE =
  'if [ "$1" != "" ]; then ls -A "$1" >/dev/null; else dd if="$2" of=/dev/null bs=65536 count=1; fi';

/** Runs the command `$5` with what it may need to know in its environment; all that it says is standard output. */
export const RUN_COMMAND = [
  'exec 2>&1',
  'ZFS_SNAPSHOT=$3; ZFS_SOURCE=$4; export ZFS_SNAPSHOT ZFS_SOURCE',
  'if [ "$1" != "" ]; then ZFS_MOUNTPOINT=$1; export ZFS_MOUNTPOINT; else ZFS_DEVICE=$2; export ZFS_DEVICE; fi',
  'exec /bin/sh -c "$5"',
].join('\n');

/**
 * Ends every process in whose environment there is the line `$1`: what the command of a drill has started and left, where it
 * keeps the clone busy. Linux only; elsewhere there is no such list and nothing is done.
 */
export const END_BY_ENVIRONMENT = [
  'for d in /proc/[0-9]*; do',
  'if tr "\\000" "\\n" <"$d/environ" 2>/dev/null | grep -qxF -e "$1"; then kill -KILL "${d#/proc/}" 2>/dev/null; fi',
  'done; exit 0',
].join('\n');

/** `.zfs` is ZFS's own, and what is mounted below is not of this file system. */
const FIND = 'find .//. -xdev -path .//./.zfs -prune -o -type f -print';

/** Prints the number of files below the directory `$1`, and fails when not all of it could be looked into. */
export const COUNT_FILES = [
  'cd "$1" || exit 1',
  `r=$({ { ${FIND}; echo "find $?" >&3; } | awk '/^\\.\\/\\/\\.\\// { n++ } END { print "files", n + 0 }' >&3; } 3>&1)`,
  'set -- $r; s=; n=',
  'while [ $# -gt 1 ]; do case $1 in find) s=$2 ;; files) n=$2 ;; esac; shift 2; done',
  'echo "$n"; exit "$s"',
].join('\n');

/**
 * Prints, in hexadecimal, names of files below the directory `$1`, a line each: those with the `$2` numbers that standard input
 * has, a line each, in the order of `find`, which is the same each time for what does not change. Ends behind the name with
 * which it has printed `$3` bytes.
 */
export const PICK_FILES = [
  'cd "$1" || exit 1',
  // The numbers first, the names follow.
  `{ cat; ${FIND}; } 2>/dev/null | awk -v count="$2" -v most="$3" '`,
  'function out() { if (n > 0 && n in want) { print name; left--; size += length(name) + 1; if (size >= most) left = 0 } }',
  'NR <= count { want[$1 + 1] = 1; left = NR; next }',
  '/^\\.\\/\\/\\.\\// { out(); if (left == 0) exit; n++; name = substr($0, 6); next }',
  `{ name = name "${NEWLINE}" $0 }`,
  // After an exit above, the last one was printed there.
  'END { if (left > 0) out() }',
  "' | od -An -v -tx1 | tr -d ' \\n'",
].join('\n');

/** Defines `h`, which prints the SHA-256 of its input, in hexadecimal, as the first word. */
const HASH = [
  'if command -v sha256sum >/dev/null 2>&1; then h() { sha256sum; }',
  'elif command -v sha256 >/dev/null 2>&1; then h() { sha256 -q; }',
  'elif command -v openssl >/dev/null 2>&1; then h() { openssl dgst -sha256 -r; }',
  'else echo "there is no sha256sum, sha256 or openssl" >&2; exit 90; fi',
];

/**
 * For each name on standard input, of a file below the directory `$1`, prints a line: `=` with SHA-256 and size, `-` where there
 * is no such file, `!` where it cannot be read.
 */
export const HASH_FILES = [
  'cd "$1" || exit 1',
  ...HASH,
  "nl='\n'",
  'while IFS= read -r r; do',
  'f=./',
  `while :; do case $r in *${NEWLINE}*) f=$f\${r%%${NEWLINE}*}$nl; r=\${r#*${NEWLINE}} ;; *) f=$f$r; break ;; esac; done`,
  'if [ -h "$f" ] || [ ! -e "$f" ]; then echo -',
  'elif [ ! -f "$f" ]; then echo -',
  'elif s=$(h <"$f") 2>/dev/null && s=${s%% *} && [ "${#s}" -eq 64 ] && n=$(wc -c <"$f"); then echo "=$s" $n',
  'else echo !; fi',
  'done 2>/dev/null; exit 0',
].join('\n');

/**
 * For each line `OFFSET COUNT` on standard input, in MiB, prints `=` with the SHA-256 of this part of the device `$1`, or `!`
 * where it cannot be read.
 */
export const HASH_BLOCKS = [
  ...HASH,
  'while read -r o c; do',
  'r=$({ { dd if="$1" bs=1048576 skip="$o" count="$c" 2>/dev/null </dev/null; echo "dd $?" >&3; } | h; } 3>&1)',
  'ok=; s=; p=',
  'for w in $r; do [ "$p$w" = dd0 ] && ok=1; p=$w; [ "${#w}" -eq 64 ] && s=$w; done',
  'if [ "$ok" = 1 ] && [ "$s" != "" ]; then echo "=$s"; else echo !; fi',
  'done; exit 0',
].join('\n');
