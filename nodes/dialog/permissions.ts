// What this user may do, as the editor knows it. Whoever may do less is told by the runtime all the same.

/** Make nodes that connect to machines: change flows, and ask hosts that no flow has yet. */
export function mayMakeNodes(): boolean {
  return RED.user.hasPermission('zfs.write') && RED.user.hasPermission('flows.write');
}
