// Saved configurations as TrueNAS makes them: real SQLite files, its encryption, tar archives.
import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A database file that the program `sqlite3` has made of these statements; `between` sees its path before it is read. */
export function sqliteFile(sql: string, between: (file: string) => void = () => undefined): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), 'zfs-import-'));
  try {
    const file = path.join(folder, 'freenas-v1.db');
    execFileSync('sqlite3', ['-batch', file], { input: sql });
    between(file);
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const SEED = Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 37 + 11) & 0xff));

/** As plugins/pwenc.py encrypts it. */
export function encrypted(text: string, seed: Buffer = SEED, nonce = Buffer.from('0011223344556677', 'hex')): string {
  const data = Buffer.from(text);
  const filled = Buffer.concat([data, Buffer.alloc(32 - (data.length % 32), '{')]);
  const cipher = createCipheriv('aes-256-ctr', seed, Buffer.concat([nonce, Buffer.from('0000000000000001', 'hex')]));
  return Buffer.concat([nonce, cipher.update(filled), cipher.final()]).toString('base64');
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export interface DatabaseOptions {
  privateKey: string;
  passphrase: string;
  /** Without SCALE's columns. */
  core?: boolean;
  /** Of FreeNAS 11.3 and older. */
  old?: boolean;
}

/** The tables of a TrueNAS that matter, with a row of each kind: a connection, a nightly task, a push that it starts. */
export function configurationSql({ privateKey, passphrase, core = false, old = false }: DatabaseOptions): string {
  const pair = encrypted(JSON.stringify({ private_key: privateKey, public_key: 'ssh-rsa A' }));
  const attributes = {
    host: 'vault.lan',
    port: 22,
    username: 'root',
    private_key: 1,
    remote_host_key: 'ssh-ed25519 AAAAC3',
    connect_timeout: 10,
  };
  const times = ['minute', 'hour', 'daymonth', 'month', 'dayweek'];
  const columns = (prefix: string): string =>
    [...times.map((name) => `"${prefix}${name}" varchar(100)`), `"${prefix}begin" time, "${prefix}end" time`].join(
      ', ',
    );
  return `
CREATE TABLE ${old ? 'django_migrations' : 'alembic_version'} (version_num VARCHAR(32) NOT NULL);
CREATE TABLE "system_settings" (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "stg_timezone" varchar(120) NOT NULL, "stg_pwenc_check" varchar(100) NOT NULL);
INSERT INTO system_settings VALUES (1, 'Europe/Vienna', ${quoted(encrypted('Donuts!'))});
CREATE TABLE network_globalconfiguration (id INTEGER PRIMARY KEY, gc_hostname VARCHAR(120) NOT NULL DEFAULT 'truenas');
INSERT INTO network_globalconfiguration VALUES (1, 'attic');
CREATE TABLE "system_keychaincredential" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(255) NOT NULL, "type" varchar(255) NOT NULL, "attributes" TEXT NOT NULL);
INSERT INTO system_keychaincredential VALUES (1, 'vault Key', 'SSH_KEY_PAIR', ${quoted(pair)});
INSERT INTO system_keychaincredential VALUES (2, 'vault', 'SSH_CREDENTIALS', ${quoted(encrypted(JSON.stringify(attributes)))});
CREATE TABLE "storage_task" (id INTEGER NOT NULL, "task_dataset" varchar(150), "task_recursive" bool, "task_lifetime_value" integer, "task_lifetime_unit" varchar(120), "task_enabled" bool, "task_exclude" TEXT, "task_naming_schema" varchar(150), ${columns('task_')}, PRIMARY KEY (id));
INSERT INTO storage_task VALUES (5, 'tank/family', 1, 2, 'WEEK', 1, '["tank/family/tmp"]', 'auto-%Y-%m-%d_%H-%M', '0', '3', '*', '*', '*', '00:00:00', '23:59:00');
ALTER TABLE storage_task ADD COLUMN "task_allow_empty" bool DEFAULT 0 NOT NULL;
CREATE TABLE storage_replication (id INTEGER NOT NULL, repl_name VARCHAR(120), repl_direction VARCHAR(120), repl_transport VARCHAR(120), repl_ssh_credentials_id INTEGER, repl_source_datasets TEXT, repl_target_dataset VARCHAR(120), repl_recursive BOOLEAN, repl_exclude TEXT, repl_naming_schema TEXT, repl_auto BOOLEAN, ${columns('repl_schedule_')}, ${columns('repl_restrict_schedule_')}, repl_readonly VARCHAR(120), repl_allow_from_scratch BOOLEAN, repl_retention_policy VARCHAR(120), repl_lifetime_value INTEGER, repl_lifetime_unit VARCHAR(120), repl_encryption BOOLEAN, repl_encryption_key TEXT, repl_encryption_key_format VARCHAR(120), repl_encryption_key_location TEXT, repl_properties_exclude TEXT, repl_enabled BOOLEAN${core ? '' : ', repl_sudo BOOLEAN, repl_name_regex VARCHAR(120)'}, PRIMARY KEY (id));
INSERT INTO storage_replication VALUES (4, 'family', 'PUSH', 'SSH', 2, '["tank/family"]', 'backup/family', 1, '["tank/family/tmp"]', '["manual-%Y-%m-%d_%H-%M"]', 1, NULL, NULL, NULL, NULL, NULL, '00:00:00', '23:45:00', '0', '*', '*', '*', '1,2', '09:00:00', '18:00:00', 'SET', 0, 'CUSTOM', 3, 'MONTH', 1, ${quoted(encrypted(passphrase))}, 'PASSPHRASE', '$TrueNAS', '[]', 1${core ? '' : ', 0, NULL'});
CREATE TABLE storage_replication_repl_periodic_snapshot_tasks (id INTEGER PRIMARY KEY, replication_id INTEGER, task_id INTEGER);
INSERT INTO storage_replication_repl_periodic_snapshot_tasks VALUES (1, 4, 5);
`;
}

/** A ustar header for a file. */
export function tarHeader(name: string, size: number, type = '0'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

export function tarFile(files: Readonly<Record<string, Buffer>>): Buffer {
  const entries = Object.entries(files).flatMap(([name, data]) => [
    tarHeader(name, data.length),
    data,
    Buffer.alloc((512 - (data.length % 512)) % 512),
  ]);
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}
