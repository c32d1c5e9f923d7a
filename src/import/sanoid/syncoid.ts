// Lines of a crontab that run syncoid, as `zfs-replicate` nodes. Options: syncoid's own help. What has no counterpart is a finding.
import type { Account, TextDraft } from '../text-draft';

/** Options that take a value, as `--name=value` or `--name value`. */
const WITH_VALUE = new Set(
  'compress source-bwlimit target-bwlimit identifier sendoptions recvoptions sshkey sshport sshcipher sshoption sshconfig exclude exclude-datasets exclude-snaps include-snaps mbuffer-size pv-options'.split(
    ' ',
  ),
);
const SHORT: Readonly<Record<string, string>> = { r: 'recursive', c: 'sshcipher', o: 'sshoption', e: 'exclude' };
const COMPRESSION: Readonly<Record<string, string>> = {
  gzip: 'gzip',
  'pigz-fast': 'pigz',
  'pigz-slow': 'pigz',
  'zstd-fast': 'zstd',
  'zstd-slow': 'zstd',
  lz4: 'lz4',
  xz: 'xz',
  lzo: 'lzop',
  none: 'none',
};
/** What makes no difference here. */
const SILENT = new Set(
  'quiet debug no-command-checks create-bookmark use-hold keep-sync-snap dumpsnaps monitor-version no-privilege-elevation mbuffer-size pv-options identifier sshcipher sshoption sshconfig'.split(
    ' ',
  ),
);

interface Command {
  schedule: string;
  options: Map<string, string>;
  places: string[];
  line: string;
}

/** Words as a shell would make them, up to where another command or a file begins. */
function wordsOf(text: string): string[] {
  const words = [];
  for (const [part] of text.matchAll(/(?:"[^"]*"|'[^']*'|\\.|[^\s"'\\|;&<>])+|[|;&<>]/g)) {
    if (/^[|;&<>]/.test(part)) break;
    words.push(part.replaceAll(/["']|\\(?=.)/g, ''));
  }
  return words;
}

function commandOf(line: string): Command | undefined {
  if (line.trim().startsWith('#')) return undefined;
  const [, before = '', rest = ''] = /^(.*?(?:^|[\s/]))syncoid\s+(.*)$/.exec(line) ?? [];
  if (rest === '') return undefined;
  const options = new Map<string, string>();
  const places: string[] = [];
  const words = wordsOf(rest);
  // What else stands in the line may hold secrets.
  const schedule = scheduleOf(before);
  const shown = `${schedule} syncoid ${words.join(' ')}`.trim();
  while (words.length > 0) {
    const word = words.shift() ?? '';
    if (!word.startsWith('-')) {
      places.push(word);
      continue;
    }
    const [, name = '', value] = /^--?([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    const long = word.startsWith('--') ? name : (SHORT[name] ?? name);
    options.set(long, value ?? (WITH_VALUE.has(long) ? (words.shift() ?? '') : ''));
  }
  return { schedule, options, places, line: shown };
}

/** Five fields or a preset at the beginning of the line. */
function scheduleOf(before: string): string {
  const [, schedule = ''] = /^\s*(@\w+|(?:[\d*/,-][\w*/,-]*\s+){4}[\w*/,-]+)\s/.exec(before) ?? [];
  return schedule.replaceAll(/\s+/g, ' ');
}

/** `user@host:pool/data`; a place without a colon is on this machine. */
function placeOf(text: string): { account?: Account; dataset: string } {
  const [, who = '', dataset = ''] = /^([^:/]+):(.+)$/.exec(text) ?? [];
  if (dataset === '') return { dataset: text };
  const [username, host] = who.includes('@')
    ? [who.slice(0, who.indexOf('@')), who.slice(who.indexOf('@') + 1)]
    : ['root', who];
  return { account: { host, username }, dataset };
}

export const hasSyncoid = (text: string): boolean => text.split('\n').some((line) => commandOf(line) !== undefined);

/** Adds the nodes of all lines that run syncoid. */
export function addSyncoid(text: string, draft: TextDraft): void {
  for (const line of text.split(/\r?\n/).slice(0, 10_000)) {
    const command = commandOf(line);
    if (command !== undefined) addCommand(command, draft);
  }
}

function addCommand({ schedule, options, places, line }: Command, draft: TextDraft): void {
  const { findings } = draft;
  const [from, to] = places;
  if (from === undefined || to === undefined) {
    findings.error('import', 'a line with syncoid names no source and target, and is left out');
    return;
  }
  const [source, target] = [placeOf(from), placeOf(to)];
  const more: Partial<Account> = {
    ...(options.has('sshport') ? { port: Number(options.get('sshport')) } : {}),
    ...(options.has('sshkey') ? { keyFile: options.get('sshkey') ?? '' } : {}),
  };
  const connection = ({ account }: { account?: Account }): string =>
    account === undefined ? draft.here : draft.connectionTo({ ...account, ...more });
  const task = draft.add('repl', [from, to], {
    original: line,
    button: schedule === '',
    values: {
      name: `${from} to ${to}`,
      sourceConnection: connection(source),
      sourceDatasets: [source.dataset],
      targetConnection: connection(target),
      targetDataset: target.dataset,
      schedule,
      ...valuesOf(options),
    },
  });
  if (task !== undefined) tell(task.item, options, draft);
}

function valuesOf(options: ReadonlyMap<string, string>): Record<string, unknown> {
  const limit = options.get('source-bwlimit') ?? options.get('target-bwlimit') ?? '';
  const isRaw = /^-?[a-zA-Z]*w[a-zA-Z]*$/.test((options.get('sendoptions') ?? '').trim());
  return {
    recursive: options.has('recursive'),
    snapshotSelection: 'all',
    createSnapshot: options.has('no-sync-snap') ? 'never' : 'always',
    firstCopy: options.has('no-stream') ? 'newest' : 'all',
    whenDiverged: options.has('force-delete') ? 'recreate' : 'refuse',
    includeProperties: options.has('preserve-properties') || isRaw,
    raw: isRaw ? 'always' : 'auto',
    readonly: 'ignore',
    streamCompression: COMPRESSION[options.get('compress') ?? 'lzo'] ?? 'none',
    speedLimit: limit,
    resumable: !options.has('no-resume'),
    targetRetention: options.has('delete-target-snapshots') ? 'source' : 'none',
  };
}

const KNOWN = new Set(
  'recursive no-sync-snap no-stream no-rollback force-delete preserve-properties compress source-bwlimit target-bwlimit no-resume delete-target-snapshots sshport sshkey sendoptions'.split(
    ' ',
  ),
);

function tell(item: string, options: ReadonlyMap<string, string>, { findings }: TextDraft): void {
  for (const name of options.keys()) {
    if (KNOWN.has(name) || SILENT.has(name)) continue;
    findings.warn(item, `the option --${name} is not imported: look at what it did`);
  }
  if (!options.has('no-sync-snap')) {
    findings.warn(
      item,
      'syncoid removes the snapshots that it takes for itself; those that this node takes stay until something prunes them',
    );
  }
  if (options.has('no-stream'))
    findings.warn(item, 'sends the snapshots between too, where syncoid sent the newest alone (--no-stream)');
  if (!options.has('no-rollback') && !options.has('force-delete')) {
    findings.info(
      item,
      'a target that was written to is refused, where syncoid rolls it back; choose "rollback" if that is wanted',
    );
  }
  const send = options.get('sendoptions') ?? '';
  if (send !== '' && !/^-?w$/.test(send.trim())) findings.warn(item, 'of --sendoptions only w (raw) is imported');
}
