// A file of *Save Config*: the database alone, or an archive of it with the secret seed (truenas-api.md 4.1, 4.2). Pure.
import { invalidOption } from '../../base/errors';
import { SEED_BYTES } from './pwenc';
import { BadDatabase, isSqlite, SqliteFile } from './sqlite';
import { readTables, type DatabaseDump } from './tables';
import { BadArchive, isTar, readTar } from './tar';

/** Bytes. */
export const LARGEST_FILE = 64 << 20;

const DATABASE = 'freenas-v1.db';
const SEED = 'pwenc_secret';

export const isConfiguration = (file: Uint8Array): boolean => isSqlite(file) || isTar(file);

/** Throws INVALID_OPTIONS, field `file`. Errors repeat nothing of the file. */
export function readConfiguration(file: Uint8Array): DatabaseDump {
  if (file.byteLength > LARGEST_FILE) throw invalidOption('file', 'the file is larger than 64 MiB');
  try {
    return isSqlite(file) ? readTables(new SqliteFile(file), undefined) : readArchive(file);
  } catch (error) {
    if (!(error instanceof BadDatabase) && !(error instanceof BadArchive)) throw error;
    throw invalidOption('file', `the file cannot be read: ${error.message}`);
  }
}

function readArchive(file: Uint8Array): DatabaseDump {
  // Flat names: what lies in folders is the keys of something else.
  const files = readTar(file, (name) => name === SEED || /^[^/]+\.db$/.test(name));
  const database = files.get(DATABASE) ?? [...files].find(([name]) => name.endsWith('.db'))?.[1];
  if (database === undefined) throw new BadArchive('the archive holds no database (freenas-v1.db)');
  const seed = files.get(SEED);
  return readTables(new SqliteFile(database), seed?.byteLength === SEED_BYTES ? seed : seed?.subarray(0, SEED_BYTES));
}
