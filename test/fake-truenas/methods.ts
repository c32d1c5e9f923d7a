// What a fake TrueNAS does when it is called: truenas-api.md 1.1, 1.2 and 1.9. Behind its accounts is an `SshSide`.
import { LOGINS } from './logins';
import { invalid, Refused, UnknownMethod, type FakeUser, type Session, type State } from './state';

type Method = (state: State, params: readonly unknown[], session: Session) => Promise<unknown>;

const BASH = { core: '/usr/local/bin/bash', scale: '/usr/bin/bash' };

function shellsOf({ profile }: State): Record<string, string> {
  const bash = profile.core ? BASH.core : BASH.scale;
  const others = profile.core ? { '/bin/csh': 'csh', '/bin/sh': 'sh' } : { '/usr/bin/sh': 'sh' };
  return { [bash]: 'bash', ...others, '/usr/sbin/nologin': 'nologin' };
}

/** As `user.query` shows an account, with what must not leave the server. */
async function shown({ profile, side, unreadableKeys }: State, user: FakeUser): Promise<object> {
  const { id, uid, username, home, shell, locked = false, sudo } = user;
  const keys = unreadableKeys ? null : await side.readKeys(home);
  const common = { id, uid, username, home, shell, locked, full_name: username, builtin: uid === 0, sshpubkey: keys };
  const hashes = { unixhash: '$6$THE-HASH', smbhash: 'THE-SMB-HASH' };
  if (profile.core) {
    const { allowed, withoutPassword, commands } = sudo;
    const rights = { sudo: allowed, sudo_nopasswd: withoutPassword, sudo_commands: commands };
    return { ...common, ...hashes, group: { id: 41, bsdgrp_gid: uid, bsdgrp_group: username }, ...rights };
  }
  const rights = { sudo_commands: sudo.commands, sudo_commands_nopasswd: sudo.commandsWithoutPassword };
  const local = user.foreign !== true;
  const stripped = keys === null ? null : keys.trim();
  return { ...common, ...hashes, sshpubkey: stripped, local, immutable: uid === 0 || uid === 950, ...rights };
}

const queryUsers: Method = async (state, [filters = [], options = {}]) => {
  const wanted = (filters as unknown[][]).filter(([, operator]) => operator === '=');
  const all = await Promise.all(state.users.map((user) => shown(state, user)));
  const found = all.filter((user) =>
    wanted.every(([field, , value]) => (user as Record<string, unknown>)[String(field)] === value),
  );
  if ((options as { get?: boolean }).get !== true) return found;
  if (found[0] !== undefined) return found[0];
  throw state.profile.core
    ? new Refused(22, 'EINVAL', 'list index out of range')
    : new Refused(2, 'ENOENT', '[ENOENT] None: MatchNotFound');
};

const FIELDS = {
  core: ['sshpubkey', 'shell', 'sudo', 'sudo_nopasswd', 'sudo_commands'],
  scale: ['sshpubkey', 'shell', 'sudo_commands', 'sudo_commands_nopasswd'],
};

function problemsOf(state: State, user: FakeUser, data: Record<string, unknown>): [string, string][] {
  const { profile, commands } = state;
  const problems: [string, string][] = [];
  for (const field of Object.keys(data)) {
    if (!FIELDS[profile.core ? 'core' : 'scale'].includes(field))
      problems.push([`user_update.${field}`, 'Field was not expected']);
  }
  const shell = data['shell'];
  if (typeof shell === 'string' && !(shell in shellsOf(state)))
    problems.push(['user_update.shell', 'Please select a valid shell.']);
  for (const field of ['sudo_commands', 'sudo_commands_nopasswd']) {
    const list = (data[field] ?? []) as string[];
    list.forEach((command, at) => {
      if (commands.includes(command)) return;
      problems.push([`user_update.${field}.${at}`, `No paths matching '${command}' exist`]);
    });
  }
  const mayHaveKeys = user.uid === 0 || (user.uid === 950 && !profile.core) || user.home.startsWith('/mnt/');
  const hint = 'Home directory is not writable, leave this blank"';
  if (typeof data['sshpubkey'] === 'string' && data['sshpubkey'] !== '' && !mayHaveKeys)
    problems.push(['user_update.sshpubkey', hint]);
  return problems;
}

const updateUser: Method = async (state, [id, given]) => {
  const user = state.users.find((one) => one.id === id);
  if (user === undefined) throw new Refused(2, 'ENOENT', `[ENOENT] User ${String(id)} does not exist`);
  const data = given as Record<string, unknown>;
  const problems = problemsOf(state, user, data);
  if (problems.length > 0) throw invalid(...problems);
  const { side } = state;
  if (typeof data['sshpubkey'] === 'string') await side.writeKeys(user.username, user.home, data['sshpubkey']);
  if (typeof data['shell'] === 'string') {
    user.shell = data['shell'];
    await side.setShell(user.username, user.shell);
  }
  await updateSudo(state, user, data);
  return user.id;
};

async function updateSudo({ profile, side }: State, user: FakeUser, data: Record<string, unknown>): Promise<void> {
  if (!Object.keys(data).some((field) => field.startsWith('sudo'))) return;
  const { sudo } = user;
  user.sudo = {
    allowed: (data['sudo'] as boolean | undefined) ?? sudo.allowed,
    withoutPassword: (data['sudo_nopasswd'] as boolean | undefined) ?? sudo.withoutPassword,
    commands: (data['sudo_commands'] as string[] | undefined) ?? sudo.commands,
    commandsWithoutPassword: (data['sudo_commands_nopasswd'] as string[] | undefined) ?? sudo.commandsWithoutPassword,
  };
  const { allowed, withoutPassword, commands, commandsWithoutPassword } = user.sudo;
  const core = allowed && withoutPassword ? (commands.length === 0 ? ['ALL'] : commands) : [];
  const free = profile.core ? core : commandsWithoutPassword;
  if (free.length > 0) await side.setSudo(user.username, free);
}

/** What the old method answers: whether it runs. */
function startSsh({ ssh, sshFails }: State): boolean {
  ssh.everStarted = true;
  return (ssh.running = !sshFails);
}

const pair: Method = async (state, [given]) => {
  const { remote_hostname: name, username, public_key: key } = given as Record<string, string>;
  const user = state.users.find((one) => one.username === username && one.foreign !== true);
  if (user === undefined) throw new Refused(22, 'EFAULT', `[EFAULT] User ${String(username)} does not exist`);
  const { home } = user;
  if (home.startsWith('/nonexistent') || home === '/var/empty' || !(await state.side.homeExists(home))) {
    throw new Refused(2, 'ENOENT', `[ENOENT] Home directory ${home} does not exist`);
  }
  state.ssh.enable = true;
  if (!state.ssh.running) startSsh(state);
  if (state.profile.pairUpdates) {
    const keys = (await state.side.readKeys(home)) ?? '';
    await updateUser(state, [user.id, { sshpubkey: `${keys.trim()}\n${String(key)}`.trim() }], NOBODY);
  } else {
    await state.side.appendKey(user.username, home, String(key));
  }
  const { rsa, ecdsa, ed25519 } = state.side.hostKeys;
  return { port: state.side.port, host_key: [rsa, ecdsa, ed25519].map((line) => `${String(name)} ${line}\n`).join('') };
};

const NOBODY: Session = { user: null, challenged: null, secure: true };

const legacyPair: Method = async (state, params, session) => {
  if (state.profile.legacyPair === 'three parameters') {
    throw invalid(['public_key', 'Field required'], ['user', 'Field required']);
  }
  const data = params[0] as Record<string, string>;
  const given = { remote_hostname: data['hostname'], username: data['user'] ?? 'root', public_key: data['public-key'] };
  const done = (await pair(state, [given], session)) as { port: number; host_key: string };
  return { ssh_port: done.port, ssh_hostkey: done.host_key };
};

/** Public halves once the service has made them; private ones always, to see that nobody passes them on. */
const sshConfig: Method = ({ side, ssh }) => {
  const encoded = (line: string): string => (ssh.everStarted ? Buffer.from(`${line}\n`).toString('base64') : '');
  const halves = Object.entries(side.hostKeys).map(([type, line]) => [`host_${type}_key_pub`, encoded(line)]);
  const secret = ['privatekey', 'host_rsa_key', 'host_ecdsa_key', 'host_ed25519_key'].map((name) => [
    name,
    PRIVATE_HALF,
  ]);
  return Promise.resolve({ id: 1, tcpport: side.port, bindiface: [], ...Object.fromEntries([...halves, ...secret]) });
};

/** In place of every private key of the machine. */
export const PRIVATE_HALF = 'THE-PRIVATE-HALF';

const queryServices: Method = ({ ssh }, [, options = {}]) => {
  const one = { id: 11, service: 'ssh', enable: ssh.enable, state: ssh.running ? 'RUNNING' : 'STOPPED', pids: [] };
  return Promise.resolve((options as { get?: boolean }).get === true ? one : [one]);
};

const control: Method = (state, [verb]) => {
  if (!state.profile.control) throw new UnknownMethod('service.control');
  if (verb === 'START') startSsh(state);
  const job = state.jobs.size + 100;
  state.jobs.set(job, [
    { state: 'RUNNING', error: null },
    { state: 'SUCCESS', error: null },
  ]);
  return Promise.resolve(job);
};

const jobs: Method = ({ jobs }, [filters]) => {
  const [[, , id] = []] = filters as unknown[][];
  const states = jobs.get(Number(id)) ?? [];
  const now = states.length > 1 ? states.shift() : states[0];
  return Promise.resolve({ id, result: true, ...now });
};

const stat: Method = async ({ side, users }, [path]) => {
  const user = users.find(({ home }) => path === `${home}/.ssh/authorized_keys`);
  const text = user === undefined ? null : await side.readKeys(user.home);
  if (text === null) throw new Refused(2, 'ENOENT', `[ENOENT] Path ${String(path)} not found`);
  return { size: Buffer.byteLength(text), type: 'FILE' };
};

/** Fields that whoever has few rights sees as stars. */
const HIDDEN = new Set(['private_key', 'encryption_key']);

const document =
  (name: string): Method =>
  (state, _params, session) => {
    const text = JSON.stringify(state.documents[name] ?? []);
    const hide = session.user?.privilege !== 'full';
    const shown: unknown = JSON.parse(text, (key, value: unknown) =>
      hide && HIDDEN.has(key) && typeof value === 'string' ? '********' : value,
    );
    return Promise.resolve(shown);
  };

const METHODS: Readonly<Record<string, Method>> = {
  'keychaincredential.query': document('keychaincredential.query'),
  'pool.snapshottask.query': document('pool.snapshottask.query'),
  'replication.query': document('replication.query'),
  'system.general.config': document('system.general.config'),
  'system.version': ({ profile }) => Promise.resolve(profile.version),
  'system.info': ({ profile }) => Promise.resolve({ version: profile.version, hostname: 'truenas' }),
  'system.product_type': ({ profile }) => Promise.resolve(profile.core ? 'CORE' : 'SCALE'),
  'user.query': queryUsers,
  'user.update': updateUser,
  'user.shell_choices': (state) => Promise.resolve(shellsOf(state)),
  'service.query': queryServices,
  'service.update': (state) => Promise.resolve(((state.ssh.enable = true), 11)),
  'service.start': (state) => Promise.resolve(startSsh(state)),
  'service.control': control,
  'core.get_jobs': jobs,
  'ssh.config': sshConfig,
  'keychaincredential.ssh_pair': pair,
  'replication.pair': legacyPair,
  'filesystem.stat': stat,
};

const WRITING = /^(?:user\.update|service\.(?:update|start|control)|keychaincredential\.ssh_pair|replication\.pair)$/;

/** Throws `Refused` and `UnknownMethod`. */
export async function perform(
  state: State,
  session: Session,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  const login = LOGINS[method];
  if (login !== undefined) return login(state, session, params);
  const known = METHODS[method];
  if (known === undefined) throw new UnknownMethod(method);
  const open = method === 'system.product_type' && state.profile.core;
  if (session.user === null && !open) throw notAuthenticated(state);
  const isPrivate = method.endsWith('pair');
  if (session.user?.privilege === 'readonly' && (isPrivate || WRITING.test(method))) {
    throw new Refused(13, 'EACCES', 'Not authorized');
  }
  return known(state, params, session);
}

function notAuthenticated({ profile }: State): Refused {
  return profile.named
    ? new Refused(207, 'ENOTAUTHENTICATED', 'Not authenticated')
    : new Refused(13, 'EACCES', 'Not authenticated');
}
