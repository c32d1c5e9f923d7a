// From what is known of a TrueNAS to a flow that does the same (truenas-api.md 4.3 to 4.6). Pure: the same dump gives the same
// nodes with the same ids, so that a second import updates those of the first.
import { stableHash } from '../../base/stable-hash';
import { assemble, hashIn, importedId, type ConnectionDraft } from '../assemble';
import {
  Findings,
  WHOLE,
  type Level,
  type ImportChoices,
  type Imported,
  type ImportTools,
  type SelfConnection,
} from '../result';
import { Connections } from './connections';
import { versionOf, type Dump } from './documents';
import { replicationTasks } from './replication-tasks';
import { SnapshotTasks, type TaskContext } from './snapshot-tasks';
import type { DatabaseDump } from './tables';

/** Said of every import: what no mapping can take over. */
const NEVER_MAPPED = [
  'alerts by e-mail are not imported: wire output 3, or set "alert after" in the nodes',
  'what other programs do with the same keys (cloud sync, rsync) goes on as it is, on the TrueNAS',
  'what other tasks of the TrueNAS delete on a target goes on as long as they run there: disable them there before these are enabled here',
  'how many replications run at once is the setting zfsMaxParallelJobs here (5, as on TrueNAS)',
];

export interface TrueNasImport {
  dump: Dump;
  /** What tells this machine from others where it does not say its name. */
  fallbackName: string;
  /** Of a database. */
  secrets?: DatabaseDump['secrets'];
}

const NO_KEYS = 'the hosts, keys and passphrases of its connections are encrypted in the database, and are left out';

/** Said of a database whose secrets cannot be read. */
const ABOUT_SECRETS: Partial<Record<DatabaseDump['secrets'], readonly [Level, string]>> = {
  'no seed': [
    'warn',
    `${NO_KEYS}: save the configuration again with "Export Password Secret Seed", or enter them by hand`,
  ],
  'wrong seed': ['error', `this secret seed does not belong to this database: ${NO_KEYS}`],
};

/** The name without the domain, which not every version tells; addresses as they are. */
function shortName(hostname: string): string {
  const name = hostname.trim().toLowerCase();
  return /^[\d.]+$|:/.test(name) ? name : (name.split('.', 1)[0] ?? '');
}

export function importTrueNas(
  { dump, fallbackName, secrets = 'read' }: TrueNasImport,
  choices: ImportChoices,
  tools: ImportTools,
): Imported {
  const findings = new Findings();
  const name = shortName(dump.hostname) || shortName(fallbackName) || 'truenas';
  // Where the machine does not say its name, a connection that an earlier import has made for it does.
  const known = shortName(dump.hostname) === '' ? hashIn(choices.here) : undefined;
  const hash = known ?? stableHash(name).slice(0, 8);
  const self = typeof choices.here === 'string' ? undefined : selfDraft(choices.here, hash, name);
  const here = self?.id ?? (choices.here as string);
  const { timeZone } = dump;
  const context: TaskContext = { hash, here, timeZone, findings };
  if (timeZone === '') {
    findings.warn(
      WHOLE,
      'the time zone of the TrueNAS is not known: names and schedules are of the machine that runs Node-RED',
    );
  }
  if (dump.snapshotTasks.length > 0 || dump.replications.length > 0) {
    for (const message of NEVER_MAPPED) findings.info(WHOLE, message);
  }
  const about = ABOUT_SECRETS[secrets];
  if (about !== undefined) findings.add(WHOLE, ...about);
  const connections = new Connections(hash, findings);
  connections.learn(dump.keychain);
  const snapshots = new SnapshotTasks(dump.snapshotTasks, context);
  const replications = replicationTasks(dump.replications, snapshots, connections, context);
  connections.finish();
  const draft = {
    version: versionOf(dump),
    host: shortName(dump.hostname) || (fallbackName === choices.here ? 'TrueNAS' : name),
    hash,
    connections: [...(self === undefined ? [] : [self]), ...connections.drafts],
    tasks: [...snapshots.drafts, ...replications.drafts],
    secrets: new Map([...connections.secrets, ...replications.secrets]),
    findings,
  };
  return assemble(draft, tools, choices);
}

function selfDraft(self: SelfConnection, hash: string, name: string): ConnectionDraft {
  const { host, port = 22, username = 'root', hostKeys = '', sudo = 'none' } = self;
  const values = { name: `${name} (this TrueNAS)`, host, port, username, authMethod: 'privateKey', hostKeys, sudo };
  return { item: 'self', id: importedId(hash, 'self'), values };
}
