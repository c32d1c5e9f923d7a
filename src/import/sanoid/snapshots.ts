// Sections of a sanoid.conf as `zfs-snapshot` nodes, one for each kind of snapshot: the kind is part of the name, so each has a schema
// and a lifetime of its own. sanoid prunes what is older than its count of periods and more than its count: both rules keep.
import type { KeepRule, LifetimeUnit } from '../../retention/plan/policy';
import { isWithin } from '../../zfs/records';
import { alone, type TextDraft } from '../text-draft';
import { isOn, plainOf, readSettings, type Section, type Settings } from './settings';

interface Kind {
  name: string;
  unit: LifetimeUnit;
  schedule: (settings: Settings) => string;
}

const at = (settings: Settings, ...names: readonly string[]): string =>
  names.map((name) => (name === '*' ? '*' : (settings[name] ?? ''))).join(' ');

const KINDS: readonly Kind[] = [
  { name: 'frequently', unit: 'hour', schedule: (s) => `*/${s['frequent_period'] ?? ''} * * * *` },
  { name: 'hourly', unit: 'hour', schedule: (s) => at(s, 'hourly_min', '*', '*', '*', '*') },
  { name: 'daily', unit: 'day', schedule: (s) => at(s, 'daily_min', 'daily_hour', '*', '*', '*') },
  { name: 'weekly', unit: 'week', schedule: (s) => at(s, 'weekly_min', 'weekly_hour', '*', '*', 'weekly_wday') },
  { name: 'monthly', unit: 'month', schedule: (s) => at(s, 'monthly_min', 'monthly_hour', 'monthly_mday', '*', '*') },
  {
    name: 'yearly',
    unit: 'year',
    schedule: (s) => at(s, 'yearly_min', 'yearly_hour', 'yearly_mday', 'yearly_mon', '*'),
  },
];

export const schemaOf = (kind: string): string => `autosnap_%Y-%m-%d_%H:%M:%S_${kind}`;

/** Adds the nodes of all sections. */
export function addSnapshots(text: string, draft: TextDraft): void {
  const { sections, missing } = readSettings(text);
  for (const name of missing)
    draft.findings.error('import', `there is no template "${name}": its settings are sanoid's defaults`);
  for (const section of sections) addSection(section, sections, draft);
  if (sections.length > 0) {
    draft.findings.info(
      'import',
      'sanoid takes a snapshot that it missed as soon as it runs; switch on "catch up" for that',
    );
    draft.findings.info(
      'import',
      'names and schedules are of the zone of the machine that runs Node-RED: set the zone where sanoid ran in another (TZ=UTC)',
    );
  }
}

/** A section of its own takes a dataset, or a tree, out of that of a section above. */
function excludesOf({ dataset, settings }: Section, all: readonly Section[]): string[] {
  if (!isOn(settings['recursive'])) return [];
  const own = isOn(settings['process_children_only']) ? [alone(dataset)] : [];
  const below = all.filter((other) => other.dataset !== dataset && isWithin(other.dataset, dataset));
  return [...own, ...below.map((other) => (isOn(other.settings['recursive']) ? other.dataset : alone(other.dataset)))];
}

function addSection(section: Section, all: readonly Section[], draft: TextDraft): void {
  const { dataset, settings } = section;
  const [snaps, prunes] = [isOn(settings['autosnap']), isOn(settings['autoprune'])];
  const tree = {
    connection: draft.here,
    datasets: [dataset],
    recursive: isOn(settings['recursive']),
    exclude: excludesOf(section, all),
  };
  const items: string[] = [];
  for (const kind of KINDS) {
    const count = Number(settings[kind.name]);
    if (!Number.isSafeInteger(count) || count < 1 || (!snaps && !prunes)) continue;
    const keep = rulesOf(kind, count, settings);
    const original = `${dataset}: ${kind.name} = ${count}\n${JSON.stringify(plainOf(settings), null, 1)}`;
    const name = `${dataset} ${kind.name}`;
    const task = snaps
      ? draft.add('snap', [dataset, kind.name], {
          original,
          values: {
            name,
            ...tree,
            namingSchema: schemaOf(kind.name),
            schedule: kind.schedule(settings),
            retention: prunes ? { keep } : null,
          },
        })
      : draft.add('prune', [dataset, kind.name], {
          original,
          values: {
            name,
            ...tree,
            scope: { namingSchemas: [schemaOf(kind.name)], nameRegex: '' },
            policy: { keep },
            mode: 'execute',
            schedule: '@hourly',
          },
        });
    if (task !== undefined) items.push(task.item);
  }
  tell(section, items, draft);
}

function rulesOf({ name, unit }: Kind, count: number, settings: Settings): KeepRule[] {
  const minutes = count * (Number(settings['frequent_period']) || 15);
  const value = name === 'frequently' ? Math.max(1, Math.ceil(minutes / 60)) : count;
  return [
    { type: 'last', count },
    { type: 'age', value, unit },
  ];
}

const SCRIPTS = ['pre_snapshot_script', 'post_snapshot_script', 'pruning_script'];

function tell({ dataset, settings }: Section, items: readonly string[], { findings }: TextDraft): void {
  if (items.length === 0) findings.info('import', `${dataset}: takes and prunes nothing, and is left out`);
  for (const item of items) {
    for (const script of SCRIPTS) {
      if ((settings[script] ?? '') !== '') findings.warn(item, `${script} is not imported: use the hooks of the node`);
    }
    if (isOn(settings['skip_children']))
      findings.warn(item, 'skip_children is not imported: look at what it leaves out');
  }
}
