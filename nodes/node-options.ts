// What every node has: its type, the version of its configuration, its name, a schedule, how it runs, its secrets. What
// else a node has is its capability's table (`options.ts` there); all of them together are `fields.ts`.
// Plain data only, imported by both halves and when Node-RED starts: nothing of the engine, of Node.js or of the browser.
import { section, type FieldTable } from '../src/options/field';
import { choice, count, duration, flag, text } from '../src/options/kinds';

/** Where a **T** field may take its value from, beside its literal type. */
export const TYPED_SOURCES = ['msg', 'flow', 'global', 'env', 'jsonata'] as const;

export const NODE_TYPES = [
  'zfs-ssh-connection',
  'zfs-snapshot',
  'zfs-list-snapshots',
  'zfs-replicate',
  'zfs-retention-prune',
  'zfs-verify',
] as const;
export type NodeType = (typeof NODE_TYPES)[number];

/** Configuration version that the tables describe. */
export const CONFIG_VERSION = 1;

/** Names of a node type's encrypted properties. */
export const CREDENTIALS = {
  'zfs-ssh-connection': ['privateKey', 'passphrase', 'password'],
  'zfs-snapshot': [],
  'zfs-list-snapshots': [],
  'zfs-replicate': ['encryptionKey'],
  'zfs-retention-prune': [],
  'zfs-verify': [],
} as const satisfies Record<NodeType, readonly string[]>;

export const IDENTITY = { version: count(CONFIG_VERSION, { min: 1 }), name: text() } satisfies FieldTable;

/** Of the nodes that run by themselves. The first four are judged together (src/time). */
export const SCHEDULE = section('schedule', {
  schedule: text('', { kind: 'schedule' }),
  scheduleTimeZone: text('', { kind: 'timeZone' }),
  scheduleBegin: text('', { kind: 'clockTime' }),
  scheduleEnd: text('', { kind: 'clockTime' }),
  runOnDeploy: flag(false),
  /** After a downtime, one run for all that were missed. */
  catchUp: flag(false),
  /** No success for so long is a `late` event. */
  alertAfter: duration(),
});

/** Of every action node. */
export const RUNNING = section('running', {
  enabled: flag(true),
  overlap: choice('skip', 'queue'),
  logLevel: choice('info', 'error', 'warn', 'debug'),
});
