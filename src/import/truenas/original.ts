// A task as it was, for the comment above its node: the fields that are known to hold no secret, and nothing else.
import { isRow, unwrapped, type Row } from './records';

const PLAIN = [
  'id',
  'name',
  'dataset',
  'direction',
  'transport',
  'netcat_active_side',
  'netcat_active_side_listen_address',
  'netcat_active_side_port_min',
  'netcat_active_side_port_max',
  'netcat_passive_side_connect_address',
  'sudo',
  'source_datasets',
  'target_dataset',
  'recursive',
  'exclude',
  'properties',
  'properties_exclude',
  'properties_override',
  'replicate',
  'encryption',
  'encryption_inherit',
  'encryption_key_format',
  'naming_schema',
  'also_include_naming_schema',
  'name_regex',
  'auto',
  'schedule',
  'restrict_schedule',
  'only_matching_schedule',
  'allow_empty',
  'allow_from_scratch',
  'readonly',
  'hold_pending_snapshots',
  'retention_policy',
  'lifetime_value',
  'lifetime_unit',
  'lifetimes',
  'compression',
  'speed_limit',
  'large_block',
  'embed',
  'compressed',
  'retries',
  'logging_level',
  'vmware_sync',
  'enabled',
] as const;

/** JSON. Connections and tasks that it names are there by their numbers. */
export function originalOf(row: Row): string {
  const kept: Record<string, unknown> = {};
  for (const name of PLAIN) if (row[name] !== undefined) kept[name] = unwrapped(row[name]);
  const credentials = row['ssh_credentials'];
  if (credentials !== undefined) kept['ssh_credentials'] = isRow(credentials) ? credentials['id'] : credentials;
  const tasks = unwrapped(row['periodic_snapshot_tasks']);
  if (Array.isArray(tasks)) {
    kept['periodic_snapshot_tasks'] = tasks.map((task: unknown) => (isRow(task) ? task['id'] : task));
  }
  return JSON.stringify(kept, null, 1).slice(0, 20_000);
}
