// What TrueNAS of each version tells of the same two tasks, and the samples of the study with what has to come of them.
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Parsed anew each time. */
export function sample(name: 'a' | 'a-flow' | 'b' | 'c'): unknown {
  return JSON.parse(readFileSync(path.join(__dirname, 'samples', `${name}.json`), 'utf8')) as unknown;
}

export const PRIVATE_KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\nTHE-SECRET\n-----END OPENSSH PRIVATE KEY-----\n';
export const PASSPHRASE = 'THE-PASSPHRASE';

export const VERSIONS = {
  'CORE 13.0-U6.8': { version: 'TrueNAS-13.0-U6.8', core: true },
  'CORE 13.3-U1.2': { version: 'TrueNAS-13.3-U1.2', core: true },
  'SCALE 24.10.2.4': { version: '24.10.2.4', core: false },
  'SCALE 25.04.2.6': { version: '25.04.2.6', core: false },
  'SCALE 25.10.6': { version: '25.10.6', core: false },
  'SCALE 26.0.0-BETA.3': { version: '26.0.0-BETA.3', core: false },
} as const;
export type VersionName = keyof typeof VERSIONS;

type Row = Record<string, unknown>;

const schedule = (hour: string, minute = '0'): Row => ({
  minute,
  hour,
  dom: '*',
  month: '*',
  dow: '*',
  begin: '00:00',
  end: '23:59',
});

/** Answers by API name: a connection with its key, a nightly snapshot task, a push that it starts, a pull with a schedule. */
export function answersOf(name: VersionName): Record<string, unknown> {
  const { core, version } = VERSIONS[name];
  const onlyCore = core ? { cipher: 'STANDARD' } : {};
  const onlyScale = core ? {} : { sudo: true, name_regex: null, encryption_inherit: null, lifetimes: [] };
  const credentials = {
    id: 2,
    name: 'vault',
    type: 'SSH_CREDENTIALS',
    attributes: {
      host: 'vault.lan',
      port: 2022,
      username: core ? 'root' : 'replicator',
      private_key: 1,
      remote_host_key: 'ssh-ed25519 AAAAC3',
      connect_timeout: 20,
      ...onlyCore,
    },
  };
  const task = {
    id: 5,
    dataset: 'tank/family',
    recursive: true,
    lifetime_value: 2,
    lifetime_unit: 'WEEK',
    enabled: true,
    exclude: [],
    naming_schema: 'auto-%Y-%m-%d_%H-%M',
    allow_empty: true,
    schedule: schedule('3'),
    vmware_sync: false,
    state: { state: 'FINISHED', datetime: { $date: 1_719_277_200_000 } },
  };
  const common = {
    transport: 'SSH',
    ssh_credentials: credentials,
    recursive: true,
    exclude: [],
    properties: true,
    properties_exclude: [],
    properties_override: {},
    replicate: false,
    restrict_schedule: null,
    only_matching_schedule: false,
    allow_from_scratch: false,
    readonly: 'SET',
    hold_pending_snapshots: false,
    compression: null,
    speed_limit: null,
    large_block: true,
    embed: false,
    compressed: true,
    retries: 5,
    logging_level: null,
    auto: true,
    enabled: true,
    netcat_active_side: null,
    state: { state: 'PENDING' },
    job: null,
    ...onlyScale,
  };
  return {
    'system.info': { hostname: 'attic.lan', version, license: null },
    'system.general.config': { timezone: 'Europe/Vienna', ui_port: 80 },
    'keychaincredential.query': [
      {
        id: 1,
        name: 'vault Key',
        type: 'SSH_KEY_PAIR',
        attributes: { private_key: PRIVATE_KEY, public_key: 'ssh-rsa A' },
      },
      credentials,
    ],
    'pool.snapshottask.query': [task],
    'replication.query': [
      {
        ...common,
        id: 4,
        name: 'family to vault',
        direction: 'PUSH',
        source_datasets: ['tank/family'],
        target_dataset: 'backup/family',
        periodic_snapshot_tasks: [task],
        naming_schema: [],
        also_include_naming_schema: [],
        schedule: null,
        retention_policy: 'SOURCE',
        encryption: true,
        encryption_key: PASSPHRASE,
        encryption_key_format: 'PASSPHRASE',
        encryption_key_location: '$TrueNAS',
      },
      {
        ...common,
        id: 7,
        name: 'mail from vault',
        direction: 'PULL',
        source_datasets: ['data/mail'],
        target_dataset: 'tank/mail',
        periodic_snapshot_tasks: [],
        naming_schema: ['daily-%Y-%m-%d_%H-%M'],
        also_include_naming_schema: [],
        schedule: schedule('4', '30'),
        retention_policy: 'CUSTOM',
        lifetime_value: 3,
        lifetime_unit: 'MONTH',
        encryption: false,
        encryption_key: null,
      },
    ],
  };
}
