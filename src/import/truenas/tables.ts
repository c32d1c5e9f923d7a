// The tables of TrueNAS's database as the answers that its API makes of them, so that there is one mapping: columns without their
// prefixes, lists and dictionaries out of JSON, schedules out of seven columns, secrets decrypted where there is a seed.
import type { Dump } from './documents';
import { emptyDump } from './documents';
import { decrypted, isSeedOf } from './pwenc';
import { isRow, REDACTED, type Row } from './records';
import { BadDatabase, type SqliteFile, type SqlRow } from './sqlite';

export interface DatabaseDump {
  dump: Dump;
  /** What became of the secrets. */
  secrets: 'read' | 'no seed' | 'wrong seed';
}

const LISTS = ['source_datasets', 'exclude', 'naming_schema', 'properties_exclude', 'lifetimes'];

/** `seed`: of the same saved configuration. Throws `BadDatabase`. */
export function readTables(database: SqliteFile, seed: Uint8Array | undefined): DatabaseDump {
  if (!['storage_task', 'storage_replication', 'system_keychaincredential'].some((name) => database.has(name))) {
    throw new BadDatabase('it is not the database of a TrueNAS');
  }
  if (!database.has('alembic_version')) {
    throw new BadDatabase('it is of FreeNAS 11.3 or older: start it once on TrueNAS 12 or later, and save it again');
  }
  const [settings = {}] = database.rows('system_settings').slice(-1);
  const check = settings['stg_pwenc_check'];
  const fits = seed !== undefined && typeof check === 'string' && isSeedOf(seed, check);
  const reveal = (value: unknown): string | null =>
    typeof value !== 'string' ? null : fits ? decrypted(seed, value) : value === '' ? '' : null;
  const dump = emptyDump();
  const [network = {}] = database.rows('network_globalconfiguration').slice(-1);
  dump.timeZone = asText(settings['stg_timezone']);
  dump.hostname = asText(network['gc_hostname']);
  if (database.has('storage_replication')) {
    dump.product = database.columns('storage_replication').includes('repl_sudo') ? 'SCALE' : 'CORE';
  }
  dump.keychain = database.rows('system_keychaincredential').map((row) => credentialOf(row, reveal));
  dump.snapshotTasks = database.rows('storage_task').map(snapshotTaskOf);
  const bound = boundTasks(database);
  dump.replications = database.rows('storage_replication').map((row) => replicationOf(row, bound, reveal));
  return { dump, secrets: fits ? 'read' : seed === undefined ? 'no seed' : 'wrong seed' };
}

type Reveal = (value: unknown) => string | null;

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Undefined for what is no JSON. */
function json(value: unknown): unknown {
  if (typeof value !== 'string') return undefined;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

/** All of `attributes` is encrypted, the host too. */
function credentialOf({ id, name, type, attributes }: SqlRow, reveal: Reveal): Row {
  const plain = json(reveal(attributes)) ?? json(attributes);
  return { id, name, type, attributes: isRow(plain) ? plain : {} };
}

function stripped(row: SqlRow, prefix: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name.startsWith(prefix) ? name.slice(prefix.length) : name, value]),
  );
}

/** Out of columns `<prefix>minute` and so on; null in any of them means that there is none. */
function scheduleOf(row: Row, prefix = ''): Row | null {
  const columns = ['minute', 'hour', 'daymonth', 'month', 'dayweek'].map((name) => row[`${prefix}${name}`]);
  if (columns.some((value) => value === null || value === undefined)) return null;
  const [minute, hour, dom, month, dow] = columns;
  return { minute, hour, dom, month, dow, begin: row[`${prefix}begin`], end: row[`${prefix}end`] };
}

function snapshotTaskOf(row: SqlRow): Row {
  const task = stripped(row, 'task_');
  return { ...task, exclude: json(task['exclude']) ?? [], schedule: scheduleOf(task) };
}

function boundTasks(database: SqliteFile): Map<unknown, unknown[]> {
  const bound = new Map<unknown, unknown[]>();
  for (const row of database.rows('storage_replication_repl_periodic_snapshot_tasks')) {
    const { replication_id: replication, task_id: task } = row;
    bound.set(replication, [...(bound.get(replication) ?? []), task]);
  }
  return bound;
}

function replicationOf(row: SqlRow, bound: ReadonlyMap<unknown, unknown[]>, reveal: Reveal): Row {
  const task = stripped(row, 'repl_');
  for (const name of LISTS) task[name] = json(task[name]) ?? [];
  const key = task['encryption_key'];
  const isPush = task['direction'] === 'PUSH';
  return {
    ...task,
    // One column for both.
    naming_schema: isPush ? [] : task['naming_schema'],
    also_include_naming_schema: isPush ? task['naming_schema'] : [],
    properties_override: json(task['properties_override']) ?? {},
    schedule: scheduleOf(task, 'schedule_'),
    restrict_schedule: scheduleOf(task, 'restrict_schedule_'),
    ssh_credentials: task['ssh_credentials_id'] ?? null,
    periodic_snapshot_tasks: bound.get(row['id']) ?? [],
    encryption_key: key === null || key === undefined ? null : (reveal(key) ?? REDACTED),
  };
}
