// Runtime half of zfs-list-snapshots: hands messages to the engine's snapshots/list.ts and gives the listing the form
// that `output` asks for.
import { listSnapshots, listUses, type SnapshotListing } from '../../src/snapshots/list';
import type { ListOptions } from '../../src/snapshots/options';
import { parseListOptions } from '../../src/snapshots/check-options';
import type { Red } from '../runtime/red';
import type { TaskDefinition } from '../runtime/task-definition';
import { registerTask } from '../runtime/task-node';

const list: TaskDefinition<ListOptions, SnapshotListing> = {
  type: 'zfs-list-snapshots',
  parse: (values) => parseListOptions(values),
  uses: listUses,
  run: (options, hosts, ctx) => listSnapshots(options, hosts, ctx),
  present({ items, eligible, total }, { output }) {
    if (output === 'messages') return { sequence: items };
    return { payload: output === 'count' ? { eligible, total } : items };
  },
  // Never an empty list: a listing that failed says nothing about what is there.
  failed: () => null,
  summary: ({ eligible }, t) => t('listed', { count: eligible }),
};

export = (RED: Red): void => registerTask(RED, list);
