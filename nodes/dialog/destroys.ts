// Whether a run of a node destroys nothing at all: read out of its properties, for the button on it, which asks no questions.
// What really goes is decided by the engine. Pure.

/** As the editor holds it. */
interface Configured {
  readonly type: string;
  readonly [property: string]: unknown;
}

const SOURCES: ReadonlySet<unknown> = new Set(['msg', 'flow', 'global', 'env', 'jsonata']);

/** The literal value of a typed property; undefined when only a run can know it. */
function literal(node: Configured, property: string): unknown {
  return SOURCES.has(node[`${property}Type`]) ? undefined : (node[property] ?? '');
}

/** A prune that executes, a replication that rolls back or replaces its target. What is not known for sure can. */
function canDestroy(node: Configured): boolean {
  if (node.type === 'zfs-retention-prune') return !['', 'plan', 'approve'].includes(String(literal(node, 'mode')));
  if (node.type === 'zfs-replicate') {
    // `rotate` moves the old target aside and destroys nothing.
    return !['', 'refuse', 'rotate'].includes(String(literal(node, 'whenDiverged')));
  }
  return false;
}

/** Nothing at all goes by a run of this node, not by its own retention either. */
export function destroysNothing(node: Configured): boolean {
  if (canDestroy(node)) return false;
  if (node.type === 'zfs-snapshot') return (node['retention'] ?? null) === null;
  if (node.type === 'zfs-replicate') return ['none', undefined].includes(node['targetRetention'] as string | undefined);
  return true;
}
