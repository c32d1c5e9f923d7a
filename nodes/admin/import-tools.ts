// What an import needs to know of the nodes: their tables, and whether the engine would take what it made of a task.
import { readOptions } from '../../src/options/field';
import type { ImportTools } from '../../src/import/result';
import { engine } from '../runtime/engine';
import { sshHostOptions } from '../ssh-connection/ssh-options';

export function importTools(): ImportTools {
  const fields = engine.fields();
  return {
    fields,
    check(type, values) {
      readOptions(fields[type], values);
      if (type === 'zfs-ssh-connection') sshHostOptions('', values, {});
      else if (type === 'zfs-snapshot') engine.snapshots().parseSnapshotOptions(values);
      else if (type === 'zfs-retention-prune') engine.retention().parsePruneOptions(values);
      else engine.replication().parseReplicateOptions(values);
    },
  };
}
