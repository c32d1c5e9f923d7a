// Where a connection's jump connections lead, as the flows are deployed. Node-RED makes no node of a configuration that needs
// itself, so what is wrong is read from the configuration and not from the nodes.
import { invalidOption, type ZfsFlowError } from '../../src/base/errors';
import type { Red } from './red';

/** A connection as it is deployed. */
interface Deployed {
  id: string;
  name: string;
  jump: string;
  off: boolean;
}

const TYPE = 'zfs-ssh-connection';

function deployedConnections(RED: Red): Map<string, Deployed> {
  const found = new Map<string, Deployed>();
  RED.nodes.eachNode((node) => {
    if (node.type !== TYPE) return;
    const { id, name, host, jumpConnection, d } = node as unknown as Record<string, unknown>;
    const shown = [name, host, id].find((value) => typeof value === 'string' && value !== '');
    const jump = typeof jumpConnection === 'string' ? jumpConnection : '';
    found.set(String(id), { id: String(id), name: String(shown), jump, off: d === true });
  });
  return found;
}

/**
 * What keeps a deployed connection from being reached: INVALID_OPTIONS, field `jumpConnection`, when its jump connections
 * lead in a circle, or one of them is not there. Undefined when nothing does, or there is no such connection.
 */
export function jumpProblem(RED: Red, id: string): ZfsFlowError | undefined {
  const all = deployedConnections(RED);
  const way: Deployed[] = [];
  for (let at = all.get(id); at !== undefined && at.jump !== ''; at = all.get(at.jump)) {
    way.push(at);
    const next = all.get(at.jump);
    if (next === undefined || next.off) return missingJump(at.name, at.jump);
    if (way.includes(next)) return circle([...way, next].map(({ name }) => name));
  }
  return undefined;
}

/** `names`: from the connection along its jumps, to the one that comes twice. */
export function circle(names: readonly string[]): ZfsFlowError {
  const [first = ''] = names;
  const message = `the jump connections of ${JSON.stringify(first)} lead in a circle: ${names.join(' → ')}`;
  return invalidOption('jumpConnection', message, 'One of them has to be reached directly.');
}

export function missingJump(name: string, jump: string): ZfsFlowError {
  const message = `${JSON.stringify(name)} is reached through the SSH connection ${JSON.stringify(jump)}, and there is none with this id`;
  return invalidOption('jumpConnection', message, 'It was deleted, is disabled, or is not deployed yet.');
}
