// What a stream over TCP has left on a lab machine: directories of its scripts, processes of either end.
import type { Machine } from '../lab/machine';

const LOOK =
  'ls -d /tmp/zfsflow-* 2>/dev/null; ps -A -ww -o args= | grep -E "zfsflow|s_server|s_client|zfs (send|recv|receive)" | grep -v grep';

/** '' = nothing. */
export async function leftOn(machine: Machine): Promise<string> {
  return (await machine.run(['sh', '-c', LOOK], { check: false })).stdout;
}
