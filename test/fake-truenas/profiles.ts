// What differs between versions of TrueNAS, as facts; the methods in methods.ts ask here and know no version numbers.

export type ProfileName = 'core13' | 'scale2410' | 'scale2504' | 'scale2510' | 'scale26';

export interface Profile {
  name: ProfileName;
  /** Answer of `system.version`. */
  version: string;
  /** Of the FreeBSD that CORE is; SCALE is Debian. */
  core: boolean;
  /** Of GET /api/versions; null: 404, and no /api/current. */
  versions: readonly string[] | null;
  /** Number in a VALIDATION answer of the old socket: EAGAIN, which FreeBSD numbers otherwise. */
  eagain: number;
  /** The old socket names errors, and says 207 to whoever is not logged in. */
  named: boolean;
  /** Characters of a message before and after a login; null: no limit. */
  limits: readonly [number, number] | null;
  /** `service.control` is known; `service.start` is public. */
  control: boolean;
  startIsPublic: boolean;
  /** `ssh_pair` writes through `user.update`. */
  pairUpdates: boolean;
  /** `replication.pair` takes an object; the broken one of 25.10.0 to .4 takes three parameters. */
  legacyPair: 'object' | 'three parameters';
  /** A login without access to the API is told so. */
  denies: boolean;
  /** `auth.two_factor_auth` takes the account, or nothing and speaks for the whole machine; null: gone. */
  twoFactor: 'account' | 'machine' | null;
}

const LIMITS = [8192, 65_536] as const;
const SCALE = {
  core: false,
  eagain: 11,
  named: true,
  limits: LIMITS,
  pairUpdates: false,
  legacyPair: 'object',
} as const;

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  core13: {
    ...SCALE,
    name: 'core13',
    version: 'TrueNAS-13.3-U1.2',
    core: true,
    versions: null,
    eagain: 35,
    named: false,
    limits: null,
    control: false,
    startIsPublic: true,
    denies: false,
    twoFactor: 'machine',
  },
  scale2410: {
    ...SCALE,
    name: 'scale2410',
    version: 'TrueNAS-SCALE-24.10.2.4',
    versions: null,
    limits: null,
    control: false,
    startIsPublic: true,
    denies: false,
    twoFactor: 'account',
  },
  scale2504: {
    ...SCALE,
    name: 'scale2504',
    version: 'TrueNAS-25.04.2.6',
    versions: ['v25.04.0', 'v25.04.1', 'v25.04.2'],
    control: false,
    startIsPublic: true,
    denies: false,
    twoFactor: null,
  },
  scale2510: {
    ...SCALE,
    name: 'scale2510',
    version: 'TrueNAS-25.10.0',
    versions: ['v25.04.0', 'v25.04.1', 'v25.04.2', 'v25.10.0'],
    control: true,
    startIsPublic: true,
    legacyPair: 'three parameters',
    denies: false,
    twoFactor: null,
  },
  scale26: {
    ...SCALE,
    name: 'scale26',
    version: 'TrueNAS-26.0.0-BETA.3',
    versions: ['v25.04.0', 'v25.10.0', 'v26.0.0'],
    control: true,
    startIsPublic: false,
    pairUpdates: true,
    denies: true,
    twoFactor: null,
  },
};

export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];
