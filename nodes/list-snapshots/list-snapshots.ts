// Runtime half of zfs-list-snapshots: hands messages to the engine's snapshots/list.ts and gives the listing the form
// that `output` asks for.
import type { SnapshotListing } from '../../src/snapshots/list';
import type { ListOptions } from '../../src/snapshots/options';
import { engine } from '../runtime/engine';
import { registerEndpoints } from '../admin/endpoints';
import type { Red } from '../runtime/red';
import type { TaskDefinition } from '../runtime/task-definition';
import { registerTask } from '../runtime/task-node';

const list: TaskDefinition<ListOptions, SnapshotListing> = {
  type: 'zfs-list-snapshots',
  parse: (values) => engine.snapshots().parseListOptions(values),
  uses: (options) => engine.snapshots().listUses(options),
  run: (options, hosts, ctx) => engine.snapshots().listSnapshots(options, hosts, ctx),
  present({ items, eligible, total }, { output }) {
    if (output === 'messages') return { sequence: items };
    return { payload: output === 'count' ? { eligible, total } : items };
  },
  // Never an empty list: a listing that failed says nothing about what is there.
  failed: () => null,
  summary: ({ eligible }, t) => t('listed', { count: eligible }),
};

export = (RED: Red): void => {
  registerEndpoints(RED);
  registerTask(RED, list);
};
