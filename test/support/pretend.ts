// A `zfs` that lies: a script in the place of the real one on a lab machine, which most of the time it calls.
import type { Machine } from '../lab/machine';

/** From now on `zfs` on this machine is this script; what it does not end itself goes to the real one, which is `$ZFS`. */
export async function pretend(machine: Machine, script: string): Promise<void> {
  const install = `z=$(command -v zfs); [ -e "$z.real" ] || cp -p "$z" "$z.real"
    { echo "#!/bin/sh"; echo "ZFS=$z.real"; cat; } >"$z.new"; chmod 755 "$z.new"; mv "$z.new" "$z"`;
  await machine.sh(install, { stdin: `${script}\nexec "$ZFS" "$@"\n` });
}

/** The real one again. */
export async function truth(machine: Machine): Promise<void> {
  await machine.sh('z=$(command -v zfs); [ ! -e "$z.real" ] || mv "$z.real" "$z"');
}
