// What the fake's accounts and SSH service are in truth: a machine of the lab, so that a real login with a new key is what
// a test looks at – or nothing but memory, where nobody logs in.
import { utils } from 'ssh2';
import type { Machine } from '../lab/machine';
import { newKeyPair } from '../support/key-pair';

export interface SshSide {
  port: number;
  /** Lines of `ssh_host_*_key.pub`, by the names of `ssh.config`. */
  hostKeys: { rsa: string; ecdsa: string; ed25519: string };
  /** Of `<home>/.ssh/authorized_keys`; null: there is none. */
  readKeys: (home: string) => Promise<string | null>;
  /** As `user.update` writes it: directory 0700, file 0600, both the user's. */
  writeKeys: (username: string, home: string, text: string) => Promise<void>;
  /** As the old `ssh_pair` does it: appended, with whatever modes, the file root's. */
  appendKey: (username: string, home: string, key: string) => Promise<void>;
  homeExists: (home: string) => Promise<boolean>;
  setShell: (username: string, shell: string) => Promise<void>;
  /** Commands that need no password. */
  setSudo: (username: string, commands: readonly string[]) => Promise<void>;
}

/** RSA and ECDSA keys are pinned too, but a lab machine shows its Ed25519 key alone. */
const OTHER_KEYS = {
  rsa: utils.generateKeyPairSync('rsa', { bits: 2048 }).public,
  ecdsa: utils.generateKeyPairSync('ecdsa', { bits: 256 }).public,
};

export function labSide(machine: Machine): SshSide {
  const run = async (script: string, args: string[], stdin = ''): Promise<string> =>
    (await machine.sh(script, { args, stdin })).stdout;
  return {
    port: machine.port,
    hostKeys: { ...OTHER_KEYS, ed25519: `${machine.hostKey} root@truenas` },
    readKeys: async (home) => {
      const said = await run('f=$1/.ssh/authorized_keys; if [ -e "$f" ]; then echo there; cat "$f"; fi', [home]);
      return said === '' ? null : said.slice('there\n'.length);
    },
    writeKeys: async (username, home, text) => {
      const script = `d=$2/.ssh; mkdir -p "$d"; cat >"$d/authorized_keys"
        chmod 700 "$d"; chmod 600 "$d/authorized_keys"; chown -R "$1": "$d"`;
      await run(script, [username, home], `${text.trim()}\n`);
    },
    appendKey: async (username, home, key) => {
      const script = `d=$2/.ssh; [ -d "$d" ] || { mkdir "$d"; chown "$1": "$d"; }
        grep -qF "$3" "$d/authorized_keys" 2>/dev/null || printf '\\n%s\\n' "$3" >>"$d/authorized_keys"`;
      await run(script, [username, home, key]);
    },
    homeExists: async (home) => (await machine.run(['test', '-d', home], { check: false })).code === 0,
    setShell: async (username, shell) => {
      await run('usermod -s "$2" "$1"', [username, shell]);
    },
    setSudo: async (username, commands) => {
      const file = `/etc/sudoers.d/truenas-${username}`;
      await run('printf "%s ALL=(ALL) NOPASSWD: %s\\n" "$1" "$2" >"$3"; chmod 440 "$3"', [
        username,
        commands.join(', '),
        file,
      ]);
    },
  };
}

/** `homes` are those that exist, with the keys in them; `door` is what answers on the SSH port, if anything does. */
export function memorySide(
  homes: Readonly<Record<string, string | null>>,
  door: { port: number; hostKey: string } = { port: 22, hostKey: newKeyPair().public },
): SshSide {
  const keys = new Map<string, string | null>(Object.entries(homes));
  return {
    port: door.port,
    hostKeys: { ...OTHER_KEYS, ed25519: door.hostKey },
    readKeys: (home) => Promise.resolve(keys.get(home) ?? null),
    writeKeys: (_username, home, text) => Promise.resolve(void keys.set(home, text)),
    appendKey: (_username, home, key) => Promise.resolve(void keys.set(home, `${keys.get(home) ?? ''}\n${key}\n`)),
    homeExists: (home) => Promise.resolve(keys.has(home)),
    setShell: () => Promise.resolve(),
    setSudo: () => Promise.resolve(),
  };
}
