// zrepl's configuration as nodes: jobs that take snapshots as `zfs-snapshot`, push and pull as `zfs-replicate`. The other end of a job
// stands in the configuration of another machine; only where both were given is it known. Format: zrepl's documentation.
import { parse } from 'yaml';
import { invalidOption } from '../../base/errors';
import { commonPath } from '../../zfs/mapping';
import type { TextDraft } from '../text-draft';
import { treesOf, type Tree } from './filesystems';
import { durationOf, hasGrid, policyOf } from './pruning';

type Row = Readonly<Record<string, unknown>>;

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);
const rowOf = (row: Row, name: string): Row => (isRow(row[name]) ? row[name] : {});
const textOf = (row: Row, name: string): string => {
  const value = row[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

const MOST_JOBS = 500;

/** Throws INVALID_OPTIONS for `field`; the error repeats nothing of the text. */
export function addZrepl(text: string, draft: TextDraft, field: string): void {
  let document: unknown;
  try {
    // No tags, so nothing but plain data; aliases are limited, so that a small text stays small.
    document = parse(text, { schema: 'core', maxAliasCount: 50, logLevel: 'silent' });
  } catch {
    throw invalidOption(field, 'this is neither JSON nor YAML that can be read');
  }
  const jobs =
    isRow(document) && Array.isArray(document['jobs']) ? document['jobs'].filter(isRow).slice(0, MOST_JOBS) : [];
  if (jobs.length === 0)
    throw invalidOption(field, 'this is nothing that is known: neither of TrueNAS, nor of sanoid, nor of zrepl');
  for (const job of jobs) addJob(job, jobs, draft);
  draft.findings.info('import', 'zrepl logs, monitors and serves by itself; of that nothing is imported');
}

function addJob(job: Row, jobs: readonly Row[], draft: TextDraft): void {
  const name = textOf(job, 'name') || textOf(job, 'type');
  switch (job['type']) {
    case 'snap':
    case 'source':
      addSnapshots(job, name, draft);
      return;
    case 'push':
      addPush(job, name, jobs, draft);
      return;
    case 'pull':
      addPull(job, name, jobs, draft);
      return;
    case 'sink':
      draft.findings.info('import', `job ${name}: a sink only waits to be written to, and is not needed here`);
      return;
    default:
      draft.findings.error('import', `job ${name}: its type is not known, and it is left out`);
  }
}

interface Made {
  tree: Tree;
  starts: string[];
}

/** What of a job is known to hold no secret: hooks name databases with their passwords. */
function originalOf(name: string, job: Row): string {
  const { type, prefix, interval, cron, timestamp_format: format } = rowOf(job, 'snapshotting');
  const { filesystems, root_fs: root, pruning } = job;
  const snapshotting = { type, prefix, interval, cron, timestamp_format: format };
  const shown = { type: job['type'], filesystems, snapshotting, root_fs: root, interval: job['interval'], pruning };
  return `job ${name}\n${JSON.stringify(shown, null, 1).slice(0, 20_000)}`;
}

/** Snapshot nodes of a job, one for datasets with and one for those without their children. */
function addSnapshots(job: Row, name: string, draft: TextDraft): Made[] {
  const { trees, problems } = treesOf(job['filesystems']);
  for (const problem of problems) draft.findings.error('import', `job ${name}: ${problem}`);
  const how = rowOf(job, 'snapshotting');
  const isManual = textOf(how, 'type') === 'manual' || textOf(how, 'type') === '';
  const pruning = rowOf(job, 'pruning');
  const rules = pruning['keep'] ?? pruning['keep_sender'];
  const keep = policyOf(rules);
  return trees.map((tree) => {
    const made: Made = { tree, starts: [] };
    if (isManual) return made;
    const kind = tree.recursive ? 'tree' : 'single';
    const schedule = scheduleOf(how);
    const { schema, timeZone } = namesOf(how);
    const task = draft.add('snap', [name, kind], {
      original: originalOf(name, job),
      starts: made.starts,
      values: {
        name,
        connection: draft.here,
        ...tree,
        namingSchema: schema ?? DEFAULT_SCHEMA,
        timeZone,
        schedule: schedule ?? '',
        retention: keep.policy,
      },
    });
    if (task === undefined) return made;
    const { findings } = draft;
    if (schedule === undefined)
      findings.error(task.item, 'its interval is no rhythm of a cron expression: choose a schedule');
    if (schema === undefined) findings.error(task.item, 'its timestamp_format is not known: choose a naming schema');
    if (how['hooks'] !== undefined) findings.warn(task.item, 'hooks are not imported: use those of the node');
    tellPruning(task.item, keep.problems, draft);
    if (keep.policy !== null) tellWhatGoes(task.item, rules, draft);
    return made;
  });
}

function tellPruning(item: string, problems: readonly string[], { findings }: TextDraft): void {
  for (const problem of problems) findings.warn(item, `${problem}: nothing is pruned until you choose a policy`);
}

/** Of a task that prunes. */
function tellWhatGoes(item: string, rules: unknown, { findings }: TextDraft): void {
  if (hasGrid(rules)) findings.info(item, 'a grid counts its intervals from now here, so that a few more are kept');
  findings.info(item, 'snapshots of other names are never pruned');
}

const DEFAULT_SCHEMA = 'zrepl_%Y%m%d_%H%M%S_000';
const FORMATS: Readonly<Record<string, string>> = {
  dense: '%Y%m%d_%H%M%S_000',
  human: '%Y-%m-%d_%H:%M:%S',
  'iso-8601': '%Y-%m-%dT%H:%M:%S.%LZ',
  'unix-seconds': '%s',
};

function namesOf(how: Row): { schema: string | undefined; timeZone: string } {
  const format =
    FORMATS[(textOf(how, 'timestamp_format') || textOf(how, 'utc_timestamp_format') || 'dense').toLowerCase()];
  const zone = textOf(how, 'timestamp_location') || 'UTC';
  const timeZone = zone === 'Local' ? '' : zone;
  return { schema: format === undefined ? undefined : `${textOf(how, 'prefix')}${format}`, timeZone };
}

/** Undefined for an interval that a day, or an hour, is no multiple of. */
function scheduleOf(how: Row): string | undefined {
  if (textOf(how, 'type') === 'cron') return textOf(how, 'cron').trim();
  const seconds = durationOf(how['interval']) ?? 0;
  const minutes = seconds / 60;
  if (Number.isInteger(minutes) && minutes >= 1 && minutes < 60 && 60 % minutes === 0) {
    return minutes === 1 ? '* * * * *' : `*/${minutes} * * * *`;
  }
  const hours = minutes / 60;
  if (Number.isInteger(hours) && hours >= 1 && hours < 24 && 24 % hours === 0) {
    return hours === 1 ? '0 * * * *' : `0 */${hours} * * *`;
  }
  return hours === 24 ? '0 0 * * *' : hours === 168 ? '0 0 * * 0' : undefined;
}

/** The other end of a job, where it was given: over `local` by its name, else the only one of its kind. */
function partnerOf(job: Row, type: 'sink' | 'source', jobs: readonly Row[]): Row | undefined {
  const connect = rowOf(job, 'connect');
  const others = jobs.filter((other) => other['type'] === type);
  if (textOf(connect, 'type') !== 'local') return others.length === 1 ? others[0] : undefined;
  return others.find((other) => textOf(rowOf(other, 'serve'), 'listener_name') === textOf(connect, 'listener_name'));
}

/** The connection that a job makes. */
function connectionOf(job: Row, draft: TextDraft): string {
  const connect = rowOf(job, 'connect');
  if (textOf(connect, 'type') === 'local') return draft.here;
  const [, host = '', port = ''] =
    /^(.*?)(?::(\d+))?$/.exec(textOf(connect, 'host') || textOf(connect, 'address')) ?? [];
  const isSsh = textOf(connect, 'type') === 'ssh+stdinserver';
  const keyFile = textOf(connect, 'identity_file');
  return draft.connectionTo({
    host,
    ...(isSsh
      ? { port: Number(textOf(connect, 'port') || port) || 22, username: textOf(connect, 'user') || 'root' }
      : {}),
    ...(isSsh && keyFile !== '' ? { keyFile } : {}),
  });
}

interface Ends {
  sourceConnection: string;
  targetConnection: string;
  root: string;
}

function addReplication(job: Row, name: string, tree: Tree, ends: Ends, draft: TextDraft): string | undefined {
  const common = commonPath(tree.datasets);
  const { root, ...connections } = ends;
  const pruning = rowOf(job, 'pruning');
  const rules = pruning['keep_receiver'];
  const keep = policyOf(rules);
  const bandwidth = rowOf(rowOf(job, 'send'), 'bandwidth_limit');
  const interval = job['type'] === 'pull' ? scheduleOf({ type: 'periodic', interval: job['interval'] }) : '';
  const task = draft.add('repl', [name, tree.recursive ? 'tree' : 'single'], {
    original: originalOf(name, job),
    button: interval === undefined,
    values: {
      name,
      ...connections,
      sourceDatasets: tree.datasets,
      recursive: tree.recursive,
      exclude: tree.exclude,
      targetDataset: root === '' ? '' : [root, common].filter((part) => part !== '').join('/'),
      snapshotSelection: 'all',
      createSnapshot: 'never',
      readonly: 'ignore',
      overlap: 'queue',
      includeProperties: rowOf(job, 'send')['properties'] === true,
      raw: rowOf(job, 'send')['encrypted'] === true ? 'always' : 'auto',
      speedLimit: textOf(bandwidth, 'max').replace(/\s*i?B$/i, ''),
      schedule: interval ?? '',
      ...(keep.policy === null ? {} : { targetRetention: 'custom', targetRetentionPolicy: keep.policy }),
    },
  });
  if (task === undefined) return undefined;
  const { findings } = draft;
  if (root === '')
    findings.error(
      task.item,
      'its target (root_fs of the sink) stands on the other machine: enter it',
      'targetDataset',
    );
  if (tree.datasets.length === 0) {
    const message = 'its datasets (filesystems of the source) stand on the other machine: enter them';
    findings.error(task.item, message, 'sourceDatasets');
  }
  if (interval === undefined)
    findings.warn(task.item, 'runs only when somebody starts it, or its interval is no rhythm: choose a schedule');
  if (keep.policy !== null && scopeTarget(task, job, draft)) tellWhatGoes(task.item, rules, draft);
  tellPruning(task.item, keep.problems, draft);
  const isNew = !Object.values(connections).some((id) => draft.isThere(id));
  if (isNew && /^(?:tcp|tls)$/.test(textOf(rowOf(job, 'connect'), 'type'))) {
    findings.warn(task.item, 'zrepl speaks to zrepl there; this needs an SSH login: enter it in the connection');
  }
  return task.id;
}

/** On the target only what this job's own names are may go, as on the source. False where nothing goes. */
function scopeTarget(
  task: { item: string; values: Record<string, unknown> },
  job: Row,
  { findings }: TextDraft,
): boolean {
  const { schema } = namesOf(rowOf(job, 'snapshotting'));
  const known = job['type'] === 'push' && schema !== undefined;
  if (known) task.values['targetRetentionScope'] = { namingSchemas: [schema], nameRegex: '' };
  else {
    Object.assign(task.values, { targetRetention: 'none', targetRetentionPolicy: null });
    findings.warn(
      task.item,
      'the names of its snapshots are not known here: nothing is pruned on the target until you choose a retention',
    );
  }
  return known;
}

function addPush(job: Row, name: string, jobs: readonly Row[], draft: TextDraft): void {
  const sink = partnerOf(job, 'sink', jobs);
  const connect = rowOf(job, 'connect');
  const identity = textOf(connect, 'client_identity') || identityOf(sink);
  const root = sink === undefined || identity === '' ? '' : `${textOf(sink, 'root_fs')}/${identity}`;
  for (const { tree, starts } of addSnapshots(job, name, draft)) {
    const ends = { sourceConnection: draft.here, targetConnection: connectionOf(job, draft), root };
    const id = addReplication(job, name, tree, ends, draft);
    if (id !== undefined) starts.push(id);
  }
}

/** The name under which a sink knows its only client. */
function identityOf(sink: Row | undefined): string {
  const serve = sink === undefined ? {} : rowOf(sink, 'serve');
  const clients = serve['clients'] ?? serve['client_identities'] ?? serve['client_cns'];
  const names = Array.isArray(clients) ? (clients as unknown[]) : isRow(clients) ? Object.values(clients) : [];
  const [only, ...others] = names.filter((one): one is string => typeof one === 'string');
  return others.length === 0 ? (only ?? '') : '';
}

function addPull(job: Row, name: string, jobs: readonly Row[], draft: TextDraft): void {
  const source = partnerOf(job, 'source', jobs);
  const known = source === undefined ? { trees: [], problems: [] } : treesOf(source['filesystems']);
  const trees = known.trees.length > 0 ? known.trees : [{ recursive: true, datasets: [], exclude: [] }];
  for (const tree of trees) {
    const ends = {
      sourceConnection: connectionOf(job, draft),
      targetConnection: draft.here,
      root: textOf(job, 'root_fs'),
    };
    addReplication(job, name, tree, ends, draft);
  }
}
