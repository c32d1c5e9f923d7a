// The shell text that ends processes of ours on a host: TERM, and after three seconds KILL to what is left.

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
    '  sleep 0.2; i=$((i + 1))',
    'done',
    `kill -KILL ${list} 2>/dev/null`,
    'exit 0',
  ].join('\n');
}

/** Ends the process group of which `pid` is the leader, or where it leads none the process alone. */
export function endGroup(pid: number): string {
  return [
    `g=-${pid}; kill -s TERM -- $g 2>/dev/null || g=${pid}; kill -s TERM -- $g 2>/dev/null`,
    'i=0; while kill -s 0 -- $g 2>/dev/null && [ $i -lt 15 ]; do sleep 0.2; i=$((i + 1)); done',
    'kill -s KILL -- $g 2>/dev/null; exit 0',
  ].join('\n');
}
