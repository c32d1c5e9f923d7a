// Replication tasks as `zfs-replicate` nodes (truenas-api.md 4.5). Which of TrueNAS's fields says what, in the order of the node.
import { importedId, type TaskDraft } from '../assemble';
import type { KeepRule } from '../../retention/plan/policy';
import type { Connections } from './connections';
import { ageRule, lifetimeOf, longest, type Lifetime } from './lifetimes';
import { originalOf } from './original';
import { translated } from './python-regex';
import {
  flagOf,
  idOf,
  isRow,
  rowsOf,
  secretOf,
  textOf,
  textsOf,
  Unusable,
  unwrapped,
  wordOf,
  type Row,
} from './records';
import { streamOf } from './replication-stream';
import { NEVER, ruleFields, scheduleOf, type Schedule } from './schedules';
import type { SnapshotTasks, TaskContext } from './snapshot-tasks';

const TRANSPORTS = { SSH: 'ssh', 'SSH+NETCAT': 'netcat', LOCAL: 'local', LEGACY: 'legacy' } as const;
const DIRECTIONS = { PUSH: 'push', PULL: 'pull' } as const;
const READONLY = { SET: 'set', REQUIRE: 'require', IGNORE: 'ignore' } as const;
const RETENTION = { SOURCE: 'source', CUSTOM: 'custom', NONE: 'none' } as const;
const LEVELS = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const;
const FORMATS = { HEX: 'hex', PASSPHRASE: 'passphrase' } as const;
/** What TrueNAS leaves out besides what a task says. */
const ALWAYS_EXCLUDED = ['mountpoint', 'sharenfs', 'sharesmb'];

type Values = Record<string, unknown>;

export interface Replications {
  drafts: TaskDraft[];
  secrets: Map<string, Record<string, string>>;
}

/** Two looks: connections are made when it is known who uses them how. */
export function replicationTasks(
  rows: readonly Row[],
  snapshots: SnapshotTasks,
  connections: Connections,
  context: TaskContext,
): Replications {
  const { findings } = context;
  const result: Replications = { drafts: [], secrets: new Map() };
  const seen = new Set<string>();
  const tasks: Replication[] = [];
  for (const row of rows) {
    const id = idOf(row['id']);
    if (id === null || seen.has(id)) {
      findings.error('import', 'a replication task has no id of its own, and is left out');
      continue;
    }
    seen.add(id);
    attempt(context, `repl-${id}`, () => tasks.push(new Replication(id, row, { snapshots, connections, context })));
  }
  for (const task of tasks.toSorted((a, b) => Number(a.id) - Number(b.id))) {
    attempt(context, task.item, () => {
      const { draft, secret } = task.make();
      result.drafts.push(draft);
      if (secret !== '') result.secrets.set(draft.id, { encryptionKey: secret });
    });
  }
  return result;
}

function attempt({ findings }: TaskContext, item: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    findings.error(item, `is left out: ${error.message}`);
  }
}

interface World {
  snapshots: SnapshotTasks;
  connections: Connections;
  context: TaskContext;
}

class Replication {
  readonly item: string;
  private readonly transport: (typeof TRANSPORTS)[keyof typeof TRANSPORTS];
  private readonly direction: 'push' | 'pull';
  private readonly sudo: boolean;
  private readonly connection: string | null;
  private broken = false;

  /** Throws `Unusable`. */
  constructor(
    readonly id: string,
    private readonly row: Row,
    private readonly world: World,
  ) {
    this.item = `repl-${id}`;
    this.transport = wordOf(row, 'transport', TRANSPORTS);
    this.direction = wordOf(row, 'direction', DIRECTIONS);
    if (this.transport === 'legacy') {
      throw new Unusable('the LEGACY transport of FreeNAS 11.3 and older has no counterpart. Make it anew');
    }
    this.sudo = flagOf(row, 'sudo');
    this.connection = this.transport === 'local' ? null : world.connections.use(row['ssh_credentials'], this.sudo);
  }

  /** Throws `Unusable`. */
  make(): { draft: TaskDraft; secret: string } {
    const { row, item } = this;
    const { hash, timeZone } = this.world.context;
    const draft: TaskDraft = {
      item,
      id: importedId(hash, 'repl', this.id),
      type: 'zfs-replicate',
      values: {
        name: textOf(row, 'name') || `replication ${this.id}`,
        ...this.sides(),
        sourceDatasets: textsOf(row, 'source_datasets'),
        targetDataset: textOf(row, 'target_dataset'),
        recursive: flagOf(row, 'recursive'),
        fullFilesystem: flagOf(row, 'replicate'),
        exclude: this.excludes(),
        ...this.selection(),
        createSnapshot: 'never',
        firstCopy: 'all',
        timeZone,
        ...this.safety(),
        ...this.properties(),
        ...this.encryption(),
        ...streamOf(row, {
          isNetcat: this.transport === 'netcat',
          isPush: this.direction === 'push',
          isRemote: this.world.context.here !== '',
          say: (level, message) => this.say(level, message),
        }),
        ...this.retention(),
        logLevel: wordOf<string>(row, 'logging_level', LEVELS, 'info'),
      },
      starts: [],
      enabled: flagOf(row, 'enabled', true),
      broken: false,
      button: false,
      original: originalOf(row),
    };
    Object.assign(draft.values, this.start(draft));
    draft.broken = this.broken;
    this.say('info', `becomes a zfs-replicate node: ${sourceText(row)} to ${textOf(row, 'target_dataset')}`);
    return { draft, secret: this.secret(draft) };
  }

  private say(level: 'info' | 'warn' | 'error', message: string): void {
    this.world.context.findings.add(this.item, level, message);
  }

  private lacks(what: string): void {
    this.broken = true;
    this.say('warn', `${what}: it stays disabled`);
  }

  private sides(): Values {
    const { here } = this.world.context;
    const { connections } = this.world;
    let there = here;
    if (this.transport !== 'local') {
      if (this.connection === null) throw new Unusable('it names no SSH connection');
      if (connections.isMissing(this.connection)) this.lacks(`its SSH connection (${this.connection}) is not there`);
      there = connections.nodeFor(this.connection, this.sudo);
      if (here !== '' && this.transport === 'ssh') {
        this.say('info', 'both sides are remote for this Node-RED: its data passes this machine');
      }
    }
    return this.direction === 'push'
      ? { sourceConnection: here, targetConnection: there }
      : { sourceConnection: there, targetConnection: here };
  }

  /** TrueNAS leaves its own dataset out of a pool that is replicated as a whole. */
  private excludes(): string[] {
    const { row } = this;
    const named = textsOf(row, 'exclude');
    if (!flagOf(row, 'recursive') || flagOf(row, 'replicate')) return named;
    const pools = textsOf(row, 'source_datasets').filter((dataset) => dataset !== '' && !dataset.includes('/'));
    return [...new Set([...named, ...pools.map((pool) => `${pool}/.system`)])];
  }

  /** Ids of the tasks that it is bound to, and their schemas as far as the answer itself tells. */
  private bound(): { id: string; schema: string }[] {
    const value = unwrapped(this.row['periodic_snapshot_tasks']);
    return (Array.isArray(value) ? value : []).flatMap((one: unknown) => {
      const id = idOf(isRow(one) ? one['id'] : one);
      if (id === null) return [];
      const schema = this.world.snapshots.schemaOf(id) || (isRow(one) ? textOf(one, 'naming_schema') : '');
      return [{ id, schema }];
    });
  }

  private schemas(): string[] {
    const own = ['naming_schema', 'also_include_naming_schema'].flatMap((name) => textsOf(this.row, name));
    return [...new Set([...this.bound().map(({ schema }) => schema), ...own])].filter((schema) => schema !== '');
  }

  private selection(): Values {
    const { row } = this;
    const regex = textOf(row, 'name_regex');
    const nameRegex = regex === '' ? '' : translated(regex);
    const schemas = regex === '' ? this.schemas() : [];
    const restricted = scheduleOf(row, 'restrict_schedule');
    const dates = {
      restrictSchedule: restricted.cron,
      restrictBegin: restricted.begin,
      restrictEnd: restricted.end,
      onlyMatchingSchedule: flagOf(row, 'only_matching_schedule'),
    };
    if (flagOf(row, 'replicate')) {
      this.say(
        'info',
        'a full copy (replicate) sends every snapshot, whatever its name: so does the stream of TrueNAS',
      );
      return { snapshotSelection: 'all', nameRegex: '', namingSchemas: schemas, ...dates };
    }
    return { snapshotSelection: regex === '' ? 'schema' : 'regex', nameRegex, namingSchemas: schemas, ...dates };
  }

  private safety(): Values {
    const { row } = this;
    const whenDiverged = flagOf(row, 'allow_from_scratch') ? 'recreate' : 'refuse';
    this.say(
      'info',
      whenDiverged === 'refuse'
        ? 'a target that was written to is refused, where TrueNAS rolls it back unasked; choose "rollback" if that is wanted'
        : 'a target without a common snapshot is made anew; the old one is destroyed only when the new one is complete',
    );
    return {
      whenDiverged,
      readonly: wordOf<string>(row, 'readonly', READONLY, 'set'),
      mount: false,
      partialReceive: 'own',
      holdPending: true,
    };
  }

  private properties(): Values {
    const { row } = this;
    const includeProperties = flagOf(row, 'properties', true);
    if (!includeProperties) {
      this.say(
        'info',
        'without properties TrueNAS never sends raw; so does this node (raw: never), else encrypted datasets could not go on',
      );
    }
    const override = row['properties_override'];
    return {
      includeProperties,
      raw: includeProperties ? 'auto' : 'never',
      propertiesExclude: [...new Set([...ALWAYS_EXCLUDED, ...textsOf(row, 'properties_exclude')])],
      propertiesOverride: isRow(override) ? plainTexts(override) : {},
    };
  }

  private encryption(): Values {
    const { row } = this;
    if (!flagOf(row, 'encryption')) return { encryption: 'none' };
    if (flagOf(row, 'encryption_inherit')) return { encryption: 'inherit' };
    const place = textOf(row, 'encryption_key_location');
    return {
      encryption: 'key',
      encryptionKeyFormat: wordOf<string>(row, 'encryption_key_format', FORMATS, 'hex'),
      encryptionKeyLocation: place === '' || place === '$TrueNAS' ? 'stored' : place,
    };
  }

  private secret(draft: TaskDraft): string {
    if (draft.values['encryption'] !== 'key') return '';
    const key = secretOf(this.row, 'encryption_key');
    if (key === '')
      this.say('warn', 'key missing: the encryption key of the target was not given. Enter it in the node');
    return key;
  }

  private retention(): Values {
    const { row } = this;
    const targetRetention = wordOf<string>(row, 'retention_policy', RETENTION, 'none');
    if (targetRetention === 'source' && flagOf(row, 'replicate')) {
      this.say('info', 'TrueNAS mirrors deletions of datasets here; this node deletes snapshots only');
    }
    if (targetRetention !== 'custom') return { targetRetention };
    this.say('info', 'a snapshot exactly as old as its lifetime goes here, and stays one more moment on TrueNAS');
    const keep = this.lifetimes();
    const scope = flagOf(row, 'replicate') ? { targetRetentionScope: this.scopeOfNames() } : {};
    return { targetRetention, targetRetentionPolicy: { keep }, ...scope };
  }

  /** Names that TrueNAS would prune; a full copy selects all. */
  private scopeOfNames(): Values {
    const regex = textOf(this.row, 'name_regex');
    return { namingSchemas: regex === '' ? this.schemas() : [], nameRegex: regex === '' ? '' : translated(regex) };
  }

  private lifetimes(): KeepRule[] {
    const more = rowsOf(this.row, 'lifetimes').map((one) => ({
      lifetime: lifetimeOf(one),
      schedule: scheduleOf(one, 'schedule'),
    }));
    const complete = more.filter((one): one is { lifetime: Lifetime; schedule: Schedule } => one.lifetime !== null);
    let base = lifetimeOf(this.row);
    if (base === null) {
      // A rule by schedule alone would let everything else go at once.
      base = longest(complete.map(({ lifetime }) => lifetime)) ?? null;
      if (base === null) throw new Unusable('its custom retention has no lifetime');
      this.say('warn', 'has lifetimes for schedules only: names of none of them are kept as long as the longest');
    }
    const rules = complete.flatMap(({ lifetime, schedule }): KeepRule[] => {
      if (schedule.cron === '') return [];
      const { cron, ...window } = ruleFields(schedule);
      return [{ type: 'schedule', cron, value: lifetime.value, unit: lifetime.unit, ...window }];
    });
    return [ageRule(base), ...rules];
  }

  /** What starts it: its schedule, the snapshot tasks that it is bound to, or a person. */
  private start(draft: TaskDraft): Values {
    const { row } = this;
    const { timeZone } = this.world.context;
    const own = flagOf(row, 'auto', true) ? scheduleOf(row, 'schedule') : NEVER;
    const bound = this.bound();
    if (!flagOf(row, 'auto', true)) {
      draft.button = true;
      this.say('info', 'runs only when somebody starts it: a button is wired to it');
    } else if (own.cron === '')
      this.wire(
        draft,
        bound.map(({ id }) => id),
      );
    const schedule = {
      schedule: own.cron,
      scheduleTimeZone: timeZone,
      scheduleBegin: own.begin,
      scheduleEnd: own.end,
      overlap: own.cron === '' ? 'queue' : 'skip',
    };
    return schedule;
  }

  private wire(draft: TaskDraft, bound: readonly string[]): void {
    if (bound.length === 0) this.say('warn', 'has neither a schedule nor a snapshot task that starts it');
    for (const id of bound) {
      const found = this.world.snapshots.nodeOf(id);
      if (found === undefined) {
        this.lacks(`the snapshot task that starts it (${id}) is not there`);
        continue;
      }
      if (found.isOther) this.say('info', `is started by ${found.draft.item}, which takes the snapshots of snap-${id}`);
      if (!found.draft.starts.includes(draft.id)) found.draft.starts.push(draft.id);
    }
  }
}

function sourceText(row: Row): string {
  const sources = textsOf(row, 'source_datasets');
  return sources.length > 3 ? `${sources.slice(0, 3).join(', ')} and ${sources.length - 3} more` : sources.join(', ');
}

function plainTexts(row: Row): Record<string, string> {
  const entries = Object.entries(row).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}
