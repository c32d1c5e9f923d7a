// The SSH servers of a lab machine: another one beside its own, and its own started anew. sshd becomes a daemon before it
// listens, so its exit code says nothing about that; it writes its pid file right afterwards.
import type { Link } from './link';
import type { Machine } from './machine';

const UNTIL_IT_LISTENS = 'until [ -s "$file" ]; do sleep 0.02; done';

/** Listens on `port`, does not shut out clients that fail to log in; `settings` as in sshd_config, or options of sshd. */
export async function startSshd(machine: Machine, port: number, ...settings: string[]): Promise<Link> {
  const options = ['PerSourcePenalties=no', ...settings].flatMap((setting) => {
    return setting.startsWith('-') ? [setting] : ['-o', setting];
  });
  const script = `port=$1; shift; file=/run/sshd-$port.pid
    /usr/sbin/sshd -p "$port" -o "PidFile=$file" "$@"; ${UNTIL_IT_LISTENS}`;
  await machine.sh(script, { args: [String(port), ...options] });
  return machine.expose(port);
}

/** Has the machine's own sshd read its configuration and host keys again; connections stay. */
export async function reloadSshd(machine: Machine): Promise<void> {
  await machine.sh(`file=/run/sshd.pid; pid=$(cat "$file"); rm "$file"; kill -HUP "$pid"; ${UNTIL_IT_LISTENS}`);
}
