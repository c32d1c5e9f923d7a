// The shell text that keeps a key of a dataset in a private file for a while, and that finds such files again. Who writes
// and removes them is replication/execute/target-key.ts.

/** `$1` begins the tags: prints the directories of keys. */
export const KEY_FILES = `for base in /run /dev/shm "\${TMPDIR:-/tmp}"; do
  for one in "$base/zfsflow-key.$1".*; do [ -d "$one" ] && printf '%s\\n' "$one"; done
done
exit 0`;

/**
 * Writes standard input to the file `key` of a new directory, which is printed; in memory where there is a memory file
 * system. `$1`: tag; `$2`: a name that nobody can guess, since `mkdir` makes what was not there, or fails (POSIX has no
 * `mktemp`).
 */
export const WRITE_KEY_FILE = `umask 077
dir=
for base in /run /dev/shm "\${TMPDIR:-/tmp}"; do
  [ -d "$base" ] && [ -w "$base" ] && mkdir "$base/zfsflow-key.$1.$2" && dir=$base/zfsflow-key.$1.$2 && break
done
[ -n "$dir" ] && cat >"$dir/key" && printf '%s' "$dir"`;
