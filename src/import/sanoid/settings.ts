// Reads a sanoid.conf: sections of settings, templates that they use, and sanoid's own defaults. Format and defaults:
// sanoid.defaults.conf and README of sanoid. Pure.

export type Settings = Readonly<Record<string, string>>;

export interface Section {
  dataset: string;
  settings: Settings;
}

/** sanoid.defaults.conf of sanoid 2. */
const DEFAULTS: Settings = {
  autoprune: 'yes',
  autosnap: '1',
  recursive: '',
  process_children_only: '',
  frequently: '0',
  frequent_period: '15',
  hourly: '48',
  daily: '90',
  weekly: '0',
  monthly: '6',
  yearly: '0',
  hourly_min: '0',
  daily_hour: '23',
  daily_min: '59',
  weekly_wday: '1',
  weekly_hour: '23',
  weekly_min: '30',
  monthly_mday: '1',
  monthly_hour: '0',
  monthly_min: '0',
  yearly_mon: '1',
  yearly_mday: '1',
  yearly_hour: '0',
  yearly_min: '0',
};

const HEADER = /^\[([^\]]+)\]$/;
const MOST_SECTIONS = 1000;

function sectionsOf(text: string): Map<string, Record<string, string>> {
  const sections = new Map<string, Record<string, string>>();
  let current: Record<string, string> | undefined;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(/(?:^|\s)[#;].*$/, '').trim();
    const [, name] = HEADER.exec(line) ?? [];
    if (name !== undefined) {
      current = sections.get(name.trim()) ?? {};
      if (sections.size < MOST_SECTIONS) sections.set(name.trim(), current);
      continue;
    }
    const [, key, value] = /^([a-z_]+)\s*=\s*(.*)$/i.exec(line) ?? [];
    if (current !== undefined && key !== undefined && value !== undefined) current[key.toLowerCase()] = value.trim();
  }
  return sections;
}

/** True for `yes`, `1`, `on`, `true` and for `zfs`, which is a way to be recursive. */
export const isOn = (value: string | undefined): boolean => /^(?:yes|1|on|true|zfs)$/i.test(value ?? '');

/** Those that are known to be no command. */
export function plainOf(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => Object.hasOwn(DEFAULTS, name)));
}

/** The datasets with their settings complete, and names of templates that are not there. */
export function readSettings(text: string): { sections: Section[]; missing: string[] } {
  const all = sectionsOf(text);
  const missing = new Set<string>();
  const sections: Section[] = [];
  for (const [dataset, own] of all) {
    if (dataset === 'version' || dataset.startsWith('template_')) continue;
    const used = (own['use_template'] ?? '').split(',').map((name) => name.trim());
    const templates = used
      .filter((name) => name !== '')
      .map((name) => {
        const found = all.get(`template_${name}`);
        if (found === undefined) missing.add(name);
        return found ?? {};
      });
    const settings = Object.assign({}, DEFAULTS, all.get('template_default'), ...templates, own) as Settings;
    sections.push({ dataset, settings });
  }
  return { sections, missing: [...missing] };
}
