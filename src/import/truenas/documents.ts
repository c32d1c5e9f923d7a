// What TrueNAS tells as JSON, in all shapes in which people have it: an object of answers by API or REST name, an array of
// answers, one bare answer, the lines that `midclt call` prints, whole messages of the API. Nothing of it is trusted.
import { invalidOption } from '../../base/errors';
import { isRow, textOf, unwrapped, type Row } from './records';

/** What is known of a TrueNAS, however it was read. */
export interface Dump {
  keychain: Row[];
  snapshotTasks: Row[];
  replications: Row[];
  /** IANA name, '' = not told. */
  timeZone: string;
  /** '' = not told, as are the next. */
  version: string;
  hostname: string;
  /** CORE or SCALE, where something but the version tells. */
  product: 'CORE' | 'SCALE' | '';
}

export type Kind = 'keychain' | 'snapshotTasks' | 'replications';

/** So many items of a kind at most: what has more is no TrueNAS. */
const MOST = 1000;
const DEEPEST = 6;

export function emptyDump(): Dump {
  return { keychain: [], snapshotTasks: [], replications: [], timeZone: '', version: '', hostname: '', product: '' };
}

const KINDS: Readonly<Record<string, Kind>> = {
  keychaincredential: 'keychain',
  'pool.snapshottask': 'snapshotTasks',
  snapshottask: 'snapshotTasks',
  replication: 'replications',
};

/** `/api/v2.0/pool/snapshottask`, `pool.snapshottask.query`, `pool_snapshottask` → `pool.snapshottask`. */
function nameOf(key: string): string {
  return key
    .toLowerCase()
    .replace(/^\/?(?:api\/(?:v[\d.]+|current)\/)?/, '')
    .replace(/\/(?:id\/\d+)?$/, '')
    .replaceAll(/[/_]/g, '.')
    .replace(/\.(?:query|config)$/, '');
}

/** Throws INVALID_OPTIONS for `field` when nothing of it is known, or it is no JSON. No error repeats what was given. */
export function readDocuments(json: unknown, field = 'json'): Dump {
  const dump = emptyDump();
  const reader = new Reader(dump);
  for (const value of typeof json === 'string' ? parsed(json, field) : [json]) reader.take(value, 0);
  if (!reader.found) {
    throw invalidOption(
      field,
      'this is nothing that TrueNAS tells of its replication',
      'Expected are the answers of keychaincredential.query, pool.snapshottask.query and replication.query, or several of them in an object or a list.',
    );
  }
  for (const kind of ['keychain', 'snapshotTasks', 'replications'] as const) {
    if (dump[kind].length > MOST) throw invalidOption(field, `there are more than ${MOST} items of a kind`);
  }
  return dump;
}

/** One value, or one a line. */
function parsed(text: string, field: string): unknown[] {
  const clean = text.replace(/^\uFEFF/, '').trim();
  const whole = tryParse(clean);
  if (whole !== undefined) return [whole.value];
  const lines = clean.split('\n').filter((line) => line.trim() !== '');
  const each = lines.map(tryParse);
  if (lines.length > 1 && each.every((one) => one !== undefined)) return each.map((one) => one.value);
  // The reason would repeat a piece of the text, and there are keys in it.
  throw invalidOption(field, 'this is no JSON', 'Paste the whole of what TrueNAS printed.');
}

function tryParse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

class Reader {
  found = false;

  constructor(private readonly dump: Dump) {}

  take(value: unknown, depth: number): void {
    if (depth > DEEPEST) return;
    if (Array.isArray(value)) {
      for (const one of value) this.take(one, depth + 1);
      return;
    }
    if (!isRow(value)) return;
    const kind = kindOf(value);
    if (kind !== null) this.add(kind, [value]);
    else if (isMessage(value)) this.take(value['result'], depth + 1);
    else if (!this.takeSystem(value)) for (const [key, held] of Object.entries(value)) this.takeNamed(key, held, depth);
  }

  private takeNamed(key: string, held: unknown, depth: number): void {
    const name = nameOf(key);
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
    const answer = isRow(held) && isMessage(held) ? held['result'] : unwrapped(held);
    if (kind !== undefined && Array.isArray(answer)) this.add(kind, answer.filter(isRow));
    else if (name === 'system.general' && isRow(answer)) this.takeSystem({ timezone: '', ...answer });
    else if (name === 'system.info' && isRow(answer)) this.takeSystem({ hostname: '', ...answer });
    else if (name === 'system.version' && typeof answer === 'string') this.takeVersion(answer);
    else if (name === 'result' || name === 'data') this.take(answer, depth + 1);
  }

  private add(kind: Kind, rows: readonly Row[]): void {
    this.found = true;
    // One by one: a spread of very many would be too many arguments.
    for (const row of rows) this.dump[kind].push(row);
  }

  /** False for what tells neither zone nor host. */
  private takeSystem(value: Row): boolean {
    const isGeneral = 'timezone' in value;
    const isInfo = 'hostname' in value || 'system_product' in value;
    if (!isGeneral && !isInfo) return false;
    this.found = true;
    this.dump.timeZone = textOf(value, 'timezone') || this.dump.timeZone;
    this.dump.hostname = textOf(value, 'hostname') || this.dump.hostname;
    this.takeVersion(textOf(value, 'version'));
    return true;
  }

  private takeVersion(version: string): void {
    this.dump.version = version.slice(0, 60) || this.dump.version;
  }
}

/** A whole message of the API around an answer. */
const isMessage = (value: Row): boolean => 'result' in value && ('jsonrpc' in value || 'msg' in value || 'id' in value);

/** By the fields that only this kind has. */
function kindOf(row: Row): Kind | null {
  if (row['type'] === 'SSH_KEY_PAIR' || row['type'] === 'SSH_CREDENTIALS') return 'keychain';
  if ('source_datasets' in row && 'target_dataset' in row) return 'replications';
  return typeof row['dataset'] === 'string' && ('naming_schema' in row || 'lifetime_unit' in row)
    ? 'snapshotTasks'
    : null;
}

/** `CORE 13.3-U1.2`; without a version, what it must be by its fields. */
export function versionOf({ version, product, keychain, replications }: Dump): string {
  const number = /\d.*$/.exec(version)?.[0] ?? '';
  const major = Number(/^\d+/.exec(number)?.[0] ?? 0);
  const named = major >= 20 || /SCALE/i.test(version) ? 'SCALE' : major > 0 ? 'CORE' : product;
  return `${named || byFields(keychain, replications)} ${number}`.trim();
}

function byFields(keychain: readonly Row[], replications: readonly Row[]): 'CORE' | 'SCALE' {
  const hasCipher = keychain.some(({ attributes }) => isRow(attributes) && 'cipher' in attributes);
  const lacksNew = replications.length > 0 && replications.every((row) => !('sudo' in row) && !('name_regex' in row));
  return hasCipher || lacksNew ? 'CORE' : 'SCALE';
}
