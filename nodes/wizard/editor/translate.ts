// The words of the wizard, out of the plugin's catalogue (nodes/wizard/locales). Outside of the plugin's own functions Node-RED
// finds them only by their full name.

const CATALOGUE = '@zfs-flows/node-red-zfs-replication/zfs-wizard';

export function t(key: string, values?: Record<string, unknown>): string {
  return RED._(`${CATALOGUE}:${key}`, values);
}
