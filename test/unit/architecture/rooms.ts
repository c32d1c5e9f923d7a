// The map as a table: room → what its files may import. A room is a folder, or a single file where a folder's own files
// stand on another floor than its subfolders; a file belongs to the room with the longest name that it begins with.
// `folder/*` means the files directly in a folder, `folder` everything below it, a name with its ending one file. What is not in a
// row is forbidden, types included. docs/architecture.md tells the reasons.

const DIALOG_MAY = [
  'nodes/fields.ts',
  'nodes/node-options.ts',
  'nodes/admin/browse-answer.ts',
  'nodes/admin/check-answer.ts',
  'nodes/admin/preview-answer.ts',
  'nodes/admin/task-answers.ts',
  'nodes/ssh-connection/test-answer.ts',
  'src/base',
  'src/options',
  'src/time',
  'src/naming',
  'src/zfs/names.ts',
  'src/zfs/mapping.ts',
  'src/snapshots/options.ts',
  'src/retention/options.ts',
  'src/retention/read-policy.ts',
  'src/retention/plan/policy.ts',
  'src/replication/setup/options.ts',
  'src/verify/options.ts',
  'src/snapshots/kinds.ts',
  'src/retention/kinds.ts',
  'src/replication/setup/kinds.ts',
  'src/readiness/readiness.ts',
  'src/flow',
  'src/wizard',
];

/** Capabilities as the adapters see them: their types; their values only through the door. */
const TYPES_OF_CAPABILITIES = [
  'src/snapshots/options.ts',
  'src/retention/options.ts',
  'src/snapshots/list.ts',
  'src/replication/setup/options.ts',
  'src/verify/options.ts',
  'src/host/host.ts',
];

const ADAPTER_MAY = [
  'nodes/fields.ts',
  'nodes/node-options.ts',
  'nodes/runtime',
  'nodes/admin',
  'src/base',
  'src/options',
  'src/time',
  'src/jobs',
  ...TYPES_OF_CAPABILITIES,
];

const RETENTION_FLOOR = [
  'src/base',
  'src/options',
  'src/time',
  'src/naming',
  'src/host/host.ts',
  'src/host/machine-identity.ts',
  'src/zfs',
];
const REPLICATION_FLOOR = [
  ...RETENTION_FLOOR,
  'src/retention',
  'src/snapshots',
  'src/stream',
  'src/host/tagged-processes.ts',
  'src/host/witness.ts',
  'src/host/transport-facts.ts',
  'src/host/round-trip.ts',
];

export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'src/base': ['src/base'],
  'src/options': ['src/base', 'src/options'],
  'src/time': ['src/base', 'src/options', 'src/time'],
  'src/naming': ['src/base', 'src/time', 'src/naming'],

  'src/host': ['src/base', 'src/host/*', 'src/host/shell'],
  'src/host/shell': ['src/base', 'src/host/*', 'src/host/shell'],
  'src/host/local': ['src/base', 'src/host/*', 'src/host/shell', 'src/host/local'],
  'src/host/ssh': ['src/base', 'src/host/*', 'src/host/shell', 'src/host/local', 'src/host/ssh'],
  'src/ssh-setup': [
    'src/base',
    'src/host/*',
    'src/host/shell',
    'src/host/ssh',
    'src/zfs/runnable.ts',
    'src/zfs/privilege.ts',
    'src/zfs/rights.ts',
    'src/ssh-setup',
  ],
  'src/stream': ['src/base', 'src/host/*', 'src/host/shell', 'src/host/local', 'src/stream'],
  'src/zfs': ['src/base', 'src/host/host.ts', 'src/zfs'],
  // Quotes for a person's shell, not for one that we run.
  'src/zfs/shown.ts': ['src/host/shell/quote.ts'],
  'src/jobs': [
    'src/base',
    'src/host/host.ts',
    'src/host/machine-identity.ts',
    'src/zfs/records.ts',
    'src/zfs/names.ts',
    'src/jobs',
  ],

  'src/monitoring': ['src/base', 'src/time', 'src/monitoring'],

  'src/retention': [...RETENTION_FLOOR, 'src/retention'],
  'src/retention/options.ts': [
    ...RETENTION_FLOOR,
    'src/retention/kinds.ts',
    'src/retention/read-policy.ts',
    'src/retention/plan/policy.ts',
  ],
  'src/retention/kinds.ts': [
    ...RETENTION_FLOOR,
    'src/retention/read-policy.ts',
    'src/retention/plan/policy.ts',
    'src/retention/plan/min-free.ts',
  ],
  'src/retention/read-policy.ts': [...RETENTION_FLOOR, 'src/retention/options.ts', 'src/retention/plan'],
  'src/retention/check-options.ts': [
    ...RETENTION_FLOOR,
    'src/retention/options.ts',
    'src/retention/read-policy.ts',
    'src/retention/plan',
  ],
  'src/retention/plan': [...RETENTION_FLOOR, 'src/retention/options.ts', 'src/retention/plan'],
  'src/retention/discover': [
    ...RETENTION_FLOOR,
    'src/retention/options.ts',
    'src/retention/read-policy.ts',
    'src/retention/plan',
    'src/retention/discover',
  ],
  'src/retention/execute': [
    ...RETENTION_FLOOR,
    'src/retention/options.ts',
    'src/retention/read-policy.ts',
    'src/retention/plan',
    'src/retention/execute',
  ],

  'src/snapshots': [...RETENTION_FLOOR, 'src/retention', 'src/host/shell/quote.ts', 'src/snapshots'],

  'src/replication/setup': [...REPLICATION_FLOOR, 'src/replication/setup'],
  'src/replication/retention': [...REPLICATION_FLOOR, 'src/replication/retention', 'src/replication/setup'],
  'src/replication/plan': [...REPLICATION_FLOOR, 'src/replication/plan', 'src/replication/setup'],
  'src/replication/discover': [
    ...REPLICATION_FLOOR,
    'src/replication/discover',
    'src/replication/plan',
    'src/replication/retention',
    'src/replication/setup',
  ],
  'src/replication/report': [
    ...REPLICATION_FLOOR,
    'src/replication/report',
    'src/replication/plan',
    'src/replication/setup',
  ],
  'src/replication/marks': [
    ...REPLICATION_FLOOR,
    'src/replication/marks',
    'src/replication/report',
    'src/replication/discover',
    'src/replication/plan',
    'src/replication/setup',
  ],
  'src/replication/execute': [
    ...REPLICATION_FLOOR,
    'src/host/shell/key-file-scripts.ts',
    'src/replication/execute',
    'src/replication/marks',
    'src/replication/report',
    'src/replication/discover',
    'src/replication/plan',
    'src/replication/setup',
  ],
  'src/replication/run': [
    ...REPLICATION_FLOOR,
    'src/replication/run',
    'src/replication/execute',
    'src/replication/marks',
    'src/replication/report',
    'src/replication/discover',
    'src/replication/plan',
    'src/replication/retention',
    'src/replication/setup',
  ],
  'src/replication': [...REPLICATION_FLOOR, 'src/replication'],

  'src/verify': [...REPLICATION_FLOOR, 'src/replication', 'src/host/shell/drill-scripts.ts', 'src/verify'],
  'src/verify/plan': [...REPLICATION_FLOOR, 'src/replication/plan', 'src/verify/options.ts', 'src/verify/plan'],
  'src/verify/discover': [
    ...REPLICATION_FLOOR,
    'src/replication/setup',
    'src/replication/plan',
    'src/replication/discover',
    'src/verify/discover',
  ],
  'src/verify/execute': [
    ...REPLICATION_FLOOR,
    'src/replication/setup',
    'src/replication/plan',
    'src/replication/execute/process-tag.ts',
    'src/host/shell/drill-scripts.ts',
    'src/verify/options.ts',
    'src/verify/plan',
    'src/verify/discover',
    'src/verify/execute',
  ],

  'src/readiness': ['src/base', 'src/host/host.ts', 'src/host/transport-facts.ts', 'src/zfs', 'src/readiness'],
  'src/readiness/judge.ts': [
    'src/host/host.ts',
    'src/host/transport-facts.ts',
    'src/host/shell/carrier-commands.ts',
    'src/readiness/readiness.ts',
  ],
  // What a node may hold is handed in.
  'src/flow': ['src/options', 'src/flow'],
  // Runs in the browser: the words of the capabilities, and nothing that does something.
  'src/wizard': [
    'src/base',
    'src/options',
    'src/time',
    'src/naming',
    'src/zfs/names.ts',
    'src/zfs/mapping.ts',
    'src/zfs/records.ts',
    'src/retention/read-policy.ts',
    'src/retention/plan/policy.ts',
    'src/flow',
    'src/wizard',
  ],
  // Names of datasets and words of policies; what a node may hold is handed in.
  'src/import': [
    'src/base',
    'src/options',
    'src/time',
    'src/naming',
    'src/zfs/names.ts',
    'src/zfs/records.ts',
    'src/zfs/mapping.ts',
    'src/retention/plan/policy.ts',
    'src/flow',
    'src/import',
  ],

  'nodes/node-options.ts': ['src/options'],
  'nodes/fields.ts': [
    'nodes/node-options.ts',
    'nodes/ssh-connection/ssh-options.ts',
    'src/options',
    ...TYPES_OF_CAPABILITIES,
  ],
  'nodes/runtime': [
    'nodes/runtime',
    'nodes/fields.ts',
    'nodes/node-options.ts',
    'src/base',
    'src/options',
    'src/time',
    'src/jobs',
    'src/monitoring',
    ...TYPES_OF_CAPABILITIES,
  ],
  'nodes/admin': [
    ...ADAPTER_MAY,
    'src/monitoring',
    'nodes/ssh-connection/connection-tools.ts',
    'nodes/ssh-connection/set-up-remote.ts',
    'nodes/ssh-connection/ssh-options.ts',
    'nodes/ssh-connection/route.ts',
    'nodes/ssh-connection/secrets.ts',
    'src/import/result.ts',
    'src/zfs/dataset-entries.ts',
  ],
  'nodes/dialog': [...DIALOG_MAY, 'nodes/dialog'],
  'nodes/phone': [],
  // Runtime halves of plugins; what stands in the browser is a dialog's room.
  'nodes/sidebar': ['nodes/admin', 'nodes/runtime/red.ts'],
  'nodes/wizard': ['nodes/admin', 'nodes/runtime/red.ts'],
  'nodes/import': ['nodes/admin', 'nodes/runtime/red.ts'],
  'nodes/snapshot': [...ADAPTER_MAY, 'nodes/snapshot'],
  'nodes/list-snapshots': [...ADAPTER_MAY, 'nodes/list-snapshots'],
  'nodes/replicate': [...ADAPTER_MAY, 'nodes/replicate'],
  'nodes/retention-prune': [...ADAPTER_MAY, 'nodes/retention-prune'],
  'nodes/verify': [...ADAPTER_MAY, 'nodes/verify'],
  'nodes/ssh-connection': [
    ...ADAPTER_MAY,
    'nodes/ssh-connection',
    'src/host/ssh/ssh-options.ts',
    'src/readiness/readiness.ts',
    'src/host/ssh/key-pair.ts',
  ],
};

/** Rooms of the browser: found by name, since they stand beside their node's runtime half. */
export const isDialog = (file: string): boolean =>
  file.startsWith('nodes/dialog/') || /^nodes\/[^/]+\/(editor\.ts|editor\/)/.test(file);

/** What the dialogs of a node may import: the shared half and their own files. */
export const dialogMay = (file: string): readonly string[] => [
  ...DIALOG_MAY,
  'nodes/dialog',
  `${file.split('/').slice(0, 2).join('/')}/editor`,
  // A new machine is set up there as in its own dialog.
  ...(/^nodes\/(?:wizard|import)\//.test(file) ? ['nodes/ssh-connection/editor'] : []),
];

/** The one file that loads the engine. */
export const DOOR = 'nodes/runtime/engine.ts';

/** Packages that only these rooms may use. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  ssh2: ['src/host/ssh'],
  'cron-parser': ['src/time'],
  yaml: ['src/import/zrepl'],
  ws: ['src/ssh-setup/truenas'],
  // Types alone: the server is Node-RED's.
  express: ['nodes/admin'],
};

export function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS)
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

export function matches(target: string, allowed: readonly string[]): boolean {
  return allowed.some((one) => {
    if (one.endsWith('/*')) return target.startsWith(one.slice(0, -1)) && !target.slice(one.length - 1).includes('/');
    return target === one || target.startsWith(`${one}/`);
  });
}
