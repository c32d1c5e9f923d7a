// The one door to the engine. What is behind it is loaded when it is first needed and not when Node-RED starts, which would
// pay for it (four times the modules, half of the time for ssh2) whether or not a node ever runs. So: types of the engine
// may be imported anywhere, but what a capability does only here; test/package/start-up.test.ts watches over it.

/** `load` is called once. */
function once<T>(load: () => T): () => T {
  let loaded: { value: T } | undefined;
  return () => (loaded ??= { value: load() }).value;
}

export const engine = {
  /** When a schedule is due; whether it can be used is `src/time/check-schedule.ts`. */
  schedules: once(() => require('../../src/time/schedule') as typeof import('../../src/time/schedule')),

  snapshots: once(() => ({
    ...(require('../../src/snapshots/check-options') as typeof import('../../src/snapshots/check-options')),
    ...(require('../../src/snapshots/create') as typeof import('../../src/snapshots/create')),
    ...(require('../../src/snapshots/list') as typeof import('../../src/snapshots/list')),
  })),

  retention: once(() => ({
    ...(require('../../src/retention/check-options') as typeof import('../../src/retention/check-options')),
    ...(require('../../src/retention/prune') as typeof import('../../src/retention/prune')),
  })),

  replication: once(() => ({
    ...(require('../../src/replication/setup/check-options') as typeof import('../../src/replication/setup/check-options')),
    ...(require('../../src/replication/replicate') as typeof import('../../src/replication/replicate')),
    ...(require('../../src/replication/marks/list-marks') as typeof import('../../src/replication/marks/list-marks')),
    ...(require('../../src/replication/discover/count-snapshots') as typeof import('../../src/replication/discover/count-snapshots')),
    ...(require('../../src/replication/retention/preview') as typeof import('../../src/replication/retention/preview')),
  })),

  verification: once(() => ({
    ...(require('../../src/verify/check-options') as typeof import('../../src/verify/check-options')),
    ...(require('../../src/verify/verify') as typeof import('../../src/verify/verify')),
  })),

  /** The properties of all node types. Their tables know what is wrong with a value, so they come with the engine. */
  fields: once(() => (require('../fields') as typeof import('../fields')).FIELDS),

  datasets: once(() => ({
    ...(require('../../src/zfs/list') as typeof import('../../src/zfs/list')),
    ...(require('../../src/zfs/browse') as typeof import('../../src/zfs/browse')),
    ...(require('../../src/zfs/names') as typeof import('../../src/zfs/names')),
    ...(require('../../src/zfs/system-datasets') as typeof import('../../src/zfs/system-datasets')),
  })),

  readiness: once(() => require('../../src/readiness/look') as typeof import('../../src/readiness/look')),

  /** The machine that runs Node-RED. */
  localHost: once(() => {
    const { LocalHost } =
      require('../../src/host/local/local-host') as typeof import('../../src/host/local/local-host');
    return new LocalHost();
  }),

  ssh: once(() => ({
    ...(require('../../src/host/ssh/ssh-host') as typeof import('../../src/host/ssh/ssh-host')),
    ...(require('../../src/host/ssh/connect') as typeof import('../../src/host/ssh/connect')),
    ...(require('../../src/host/ssh/host-keys') as typeof import('../../src/host/ssh/host-keys')),
    ...(require('../../src/host/ssh/key-pair') as typeof import('../../src/host/ssh/key-pair')),
  })),

  sshSetup: once(() => require('../../src/ssh-setup/set-up') as typeof import('../../src/ssh-setup/set-up')),
  imports: once(() => require('../../src/import/import-from') as typeof import('../../src/import/import-from')),

  trueNas: once(() => ({
    ...(require('../../src/ssh-setup/truenas/set-up') as typeof import('../../src/ssh-setup/truenas/set-up')),
    ...(require('../../src/ssh-setup/truenas/ask') as typeof import('../../src/ssh-setup/truenas/ask')),
  })),
};
