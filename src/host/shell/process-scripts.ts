// The shell text that ends processes of ours on a host – TERM, and after three seconds KILL to what is left – and that lists
// processes where `ps` does not.

/** Waits, and counts fifths of a second in `i`: POSIX has whole seconds only. */
const NAP = 'if sleep 0.2 2>/dev/null; then i=$((i + 1)); else sleep 1; i=$((i + 5)); fi';

/** Ends these processes. */
export function endProcesses(pids: readonly number[]): string {
  const list = pids.join(' ');
  return [
    `kill -TERM ${list} 2>/dev/null`,
    'i=0',
    `while [ $i -lt 15 ]; do`,
    '  alive=',
    `  for p in ${list}; do kill -0 $p 2>/dev/null && alive=1; done`,
    '  [ -z "$alive" ] && exit 0',
    `  ${NAP}`,
    'done',
    `kill -KILL ${list} 2>/dev/null`,
    'exit 0',
  ].join('\n');
}

/**
 * Ends the process group of which `pid` is the leader, or where it leads none the process alone. Not `kill -s TERM -- …`:
 * busybox takes `--` for a process, and reports a failure for it.
 */
export function endGroup(pid: number): string {
  return [
    `g=-${pid}; kill -TERM $g 2>/dev/null || { g=${pid}; kill -TERM $g 2>/dev/null; }`,
    `i=0; while kill -0 $g 2>/dev/null && [ $i -lt 15 ]; do ${NAP}; done`,
    'kill -KILL $g 2>/dev/null; exit 0',
  ].join('\n');
}

/** Prints pid, parent and arguments, one process a line, of what Linux shows in /proc (proc_pid_stat(5)). */
export function listProcesses(): string {
  return [
    'for d in /proc/[0-9]*; do',
    // The second field is the name, in brackets, and may have brackets and blanks in it.
    '{ read -r l <"$d/stat"; } 2>/dev/null || continue; r=${l##*") "}; r=${r#* }',
    `a=$(tr '\\000\\n' '  ' <"$d/cmdline") 2>/dev/null; echo "\${d#/proc/} \${r%% *} $a"`,
    'done; exit 0',
  ].join('\n');
}
