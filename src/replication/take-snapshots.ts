// `createSnapshot`: a snapshot on the source before it is replicated, always or where none is selected yet.
import type { RunContext } from '../context';
import { createSnapshots } from '../snapshots/create';
import type { Discovery } from './discover';
import type { ReplicateOptions } from './options';
import type { Setup } from './setup';

/** Name of snapshots taken here where the node has no naming schema of its own. */
export const DEFAULT_SCHEMA = 'auto-%Y-%m-%d_%H-%M';

export function snapshotSchema(options: Pick<ReplicateOptions, 'namingSchemas'>): string {
  return options.namingSchemas[0] ?? DEFAULT_SCHEMA;
}

/** Takes snapshots where `createSnapshot` says so; true when it did, so that the source has to be listed again. */
export async function takeMissingSnapshots(setup: Setup, discovery: Discovery, ctx: RunContext): Promise<boolean> {
  const { options } = setup;
  if (options.mode === 'plan' || options.createSnapshot === 'never') return false;
  const lacking = discovery.pairs.filter(({ wanted }) => wanted.size === 0);
  if (options.createSnapshot === 'ifNone' && lacking.length === 0) return false;
  const all = options.createSnapshot === 'always';
  const present = options.sourceDatasets.filter((name) => !discovery.missingSources.includes(name));
  await createSnapshots(
    {
      connection: options.sourceConnection,
      datasets: all ? present : lacking.map(({ source }) => source.name),
      recursive: all && options.recursive,
      exclude: all ? options.exclude : [],
      namingSchema: snapshotSchema(options),
      timeZone: options.timeZone,
      allowEmpty: true,
      properties: {},
      hooks: { before: '', after: '', timeout: 60 },
      retention: null,
    },
    () => setup.source,
    // The payload of a failure is the replication's result, not the snapshots'.
    { ...ctx, partial: () => undefined },
  );
  return true;
}
