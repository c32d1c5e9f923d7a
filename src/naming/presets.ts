// The snapshot names of other tools, so that what they took can be listed, replicated and pruned. Plain data for the
// dialogs; a preset is only a starting point where a tool lets its user choose a prefix.
// Sources: the tools' own documentation and code (TrueNAS 9–25, sanoid, zfs-auto-snapshot, zrepl, bzfs).

export interface NamingPreset {
  /** Stable, for the dialogs. */
  id: string;
  label: string;
  schemas: readonly string[];
  /** The zone that the tool writes in: 'UTC', or '' for the machine's own. */
  timeZone: '' | 'UTC';
  /** Matches every name of the tool, also those whose varying part no schema can foresee. Unanchored where it says so. */
  nameRegex: string;
}

/** What a naming schema is until somebody chooses another, and TrueNAS's own default. */
export const DEFAULT_NAMING_SCHEMA = 'auto-%Y-%m-%d_%H-%M';

const tagged = (tags: readonly string[], make: (tag: string) => string): string[] => tags.map(make);

const SANOID = ['frequently', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'];
const AUTO_SNAP = ['frequent', 'hourly', 'daily', 'weekly', 'monthly'];
const BZFS = ['secondly', 'minutely', 'hourly', 'daily', 'weekly', 'monthly', 'yearly', 'adhoc'];

const DATE = '\\d{4}-\\d{2}-\\d{2}';

/**
 * Schema of TrueNAS 11.3's legacy replication, which wrote the lifetime into the name: `auto-20200203.000000-2w`.
 * FreeNAS up to 11.2 wrote no seconds.
 */
export function legacyTrueNasSchema(
  value: number,
  unit: 'hour' | 'day' | 'week' | 'month' | 'year',
  seconds = true,
): string {
  return `auto-%Y%m%d.%H%M${seconds ? '%S' : ''}-${value}${unit.charAt(0)}`;
}

export const NAMING_PRESETS: readonly NamingPreset[] = [
  {
    id: 'truenas',
    label: 'TrueNAS',
    schemas: [DEFAULT_NAMING_SCHEMA],
    timeZone: '',
    nameRegex: `^auto-${DATE}_\\d{2}-\\d{2}$`,
  },
  {
    id: 'truenas-legacy',
    label: 'TrueNAS 11.3 and older (lifetime in the name; adapt 2w)',
    schemas: [legacyTrueNasSchema(2, 'week'), legacyTrueNasSchema(2, 'week', false)],
    timeZone: '',
    nameRegex: '^auto-\\d{8}\\.\\d{4}(\\d{2})?-\\d+[hdwmy]$',
  },
  {
    id: 'sanoid',
    label: 'sanoid',
    schemas: tagged(SANOID, (tag) => `autosnap_%Y-%m-%d_%H:%M:%S_${tag}`),
    timeZone: '',
    nameRegex: `^autosnap_${DATE}_\\d{2}:\\d{2}:\\d{2}_(${SANOID.join('|')})$`,
  },
  {
    id: 'zfs-auto-snapshot',
    label: 'zfs-auto-snapshot',
    schemas: tagged(AUTO_SNAP, (tag) => `zfs-auto-snap_${tag}-%Y-%m-%d-%H%M`),
    timeZone: '',
    nameRegex: `^zfs-auto-snap_(${AUTO_SNAP.join('|')})-${DATE}-\\d{4}$`,
  },
  {
    id: 'zfs-auto-snapshot-utc',
    label: 'zfs-auto-snapshot (--utc)',
    schemas: tagged(AUTO_SNAP, (tag) => `zfs-auto-snap_${tag}-%Y-%m-%d-%H%M`),
    timeZone: 'UTC',
    nameRegex: `^zfs-auto-snap_(${AUTO_SNAP.join('|')})-${DATE}-\\d{4}$`,
  },
  {
    id: 'zrepl',
    label: 'zrepl',
    // The last three digits are a literal: Go writes fractions only after a point or a comma.
    schemas: ['zrepl_%Y%m%d_%H%M%S_000'],
    timeZone: 'UTC',
    nameRegex: '^zrepl_\\d{8}_\\d{6}_000$',
  },
  {
    id: 'zrepl-human',
    label: 'zrepl (timestamp_format: human)',
    schemas: ['zrepl_%Y-%m-%d_%H:%M:%S'],
    timeZone: 'UTC',
    nameRegex: `^zrepl_${DATE}_\\d{2}:\\d{2}:\\d{2}$`,
  },
  {
    id: 'zrepl-iso-8601',
    label: 'zrepl (timestamp_format: iso-8601)',
    schemas: ['zrepl_%Y-%m-%dT%H:%M:%S.%LZ'],
    timeZone: 'UTC',
    nameRegex: `^zrepl_${DATE}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$`,
  },
  {
    id: 'zrepl-unix-seconds',
    label: 'zrepl (timestamp_format: unix-seconds)',
    schemas: ['zrepl_%s'],
    timeZone: 'UTC',
    nameRegex: '^zrepl_\\d+$',
  },
  {
    id: 'bzfs',
    label: 'bzfs (adapt prod_onsite to your organisation and target)',
    schemas: tagged(BZFS, (tag) => `prod_onsite_%Y-%m-%d_%H:%M:%S_${tag}`),
    timeZone: '',
    nameRegex: `_${DATE}_\\d{2}:\\d{2}:\\d{2}_(\\d*(${BZFS.join('|')}))$`,
  },
];

/** The preset, or undefined. */
export function namingPreset(id: string): NamingPreset | undefined {
  return NAMING_PRESETS.find((preset) => preset.id === id);
}
