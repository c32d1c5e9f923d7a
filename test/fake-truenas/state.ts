// What a fake TrueNAS holds: accounts, API keys, its SSH service; and how it says no.
import type { Profile } from './profiles';
import type { SshSide } from './ssh-side';

export interface FakeUser {
  id: number;
  uid: number;
  username: string;
  home: string;
  shell: string;
  /** null: password login is disabled. */
  password: string | null;
  privilege: 'full' | 'readonly' | 'none';
  /** SCALE has the second factor for each account. */
  otp?: boolean;
  locked?: boolean;
  /** Of a directory service. */
  foreign?: boolean;
  sudo: { allowed: boolean; withoutPassword: boolean; commands: string[]; commandsWithoutPassword: string[] };
}

export const NO_SUDO: FakeUser['sudo'] = {
  allowed: false,
  withoutPassword: false,
  commands: [],
  commandsWithoutPassword: [],
};

/** The code of every second factor here. */
export const OTP = '482913';

export interface State {
  profile: Profile;
  side: SshSide;
  users: FakeUser[];
  /** API key → user name. */
  apiKeys: Map<string, string>;
  /** Keys that were seen over plain http. */
  revoked: Set<string>;
  /** CORE has one second factor for all. */
  machineOtp: boolean;
  /** Key files are there, but are no text: `user.query` says the same as of none. */
  unreadableKeys: boolean;
  ssh: { enable: boolean; running: boolean; everStarted: boolean };
  /** The SSH service ends as soon as it is started; only that it does not run says so. */
  sshFails: boolean;
  /** Commands of the machine, for sudo. */
  commands: string[];
  /** Answers of `core.get_jobs` still to come, by job. */
  jobs: Map<number, { state: string; error: string | null }[]>;
  /** The standby of a pair sends people to these. */
  redirect: string[] | null;
  /** Answers of the queries that an import asks, by method. */
  documents: Record<string, unknown>;
  /** Milliseconds before a wrong password is told; 1 to 5 s in truth. */
  wrongMs: number;
}

/** One websocket. */
export interface Session {
  user: FakeUser | null;
  /** Whose second factor is waited for. */
  challenged: FakeUser | null;
  secure: boolean;
}

/** An error as Python raises it there; how it looks on the wire is language.ts's. */
export class Refused extends Error {
  constructor(
    readonly errno: number,
    readonly errname: string,
    readonly reason: string,
    readonly extra: readonly [string, string, number][] | null = null,
  ) {
    super(reason);
  }
}

export class UnknownMethod extends Error {
  constructor(readonly method: string) {
    super(method);
  }
}

/** ValidationErrors: each with field and words. */
export function invalid(...problems: readonly [field: string, message: string][]): Refused {
  const reason = problems.map(([field, message]) => `[EINVAL] ${field}: ${message}`).join('\n');
  return new Refused(
    22,
    'EINVAL',
    `${reason}\n`,
    problems.map(([field, message]) => [field, message, 22] as const) as never,
  );
}
