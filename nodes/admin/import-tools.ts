// What an import needs to know of the nodes: their tables, whether the engine would take what it made of a task, and which
// connections there are.
import { readOptions } from '../../src/options/field';
import type { DeployedConnection, ImportTools } from '../../src/import/result';
import { readNumber, readString } from '../../src/options/read';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import { sshHostOptions } from '../ssh-connection/ssh-options';
import { eachNode } from './staged-keys';

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

/** Those that any task can use, and that lead to what their host says: through a jump host, a name may mean another machine. */
export function deployedConnections(RED: Red): DeployedConnection[] {
  const found: DeployedConnection[] = [];
  eachNode(RED, (node) => {
    if (node.type !== 'zfs-ssh-connection' || node['d'] === true || (node['z'] ?? '') !== '') return;
    try {
      if (readString(node, 'jumpConnection') !== '') return;
      const host = readString(node, 'host').trim();
      const port = readNumber(node, 'port', 22);
      const username = readString(node, 'username', 'root') || 'root';
      const keyFile = node['authMethod'] === 'keyFile' ? readString(node, 'keyFile') : '';
      if (host !== '')
        found.push({ id: node.id, name: readString(node, 'name') || host, host, port, username, keyFile });
    } catch {
      // Deployed with values that mean no account.
    }
  });
  return found;
}
