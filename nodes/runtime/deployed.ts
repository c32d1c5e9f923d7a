// Remembers which configuration of a node was deployed last, for `runOnDeploy`: run once when the node is new or was
// changed, not at each start of Node-RED. Kept in Node-RED's own settings; without them it lasts as long as the process.
import type { Red } from './red';

const SETTING = 'zfsFlowsDeployed';
const known = new Map<string, string>();

/** True when the node was never seen with this configuration; from now on it was. */
export function isNewlyDeployed(RED: Red, nodeId: string, configHash: string): boolean {
  const stored = load(RED);
  const last = known.get(nodeId) ?? stored[nodeId];
  known.set(nodeId, configHash);
  if (last === configHash) return false;
  save(RED, { ...stored, [nodeId]: configHash });
  return true;
}

/** The node is gone. */
export function forgetDeployed(RED: Red, nodeId: string): void {
  known.delete(nodeId);
  const { [nodeId]: gone, ...rest } = load(RED);
  if (gone !== undefined) save(RED, rest);
}

function load(RED: Red): Record<string, string> {
  if (!RED.settings.available()) return {};
  const value: unknown = RED.settings.get(SETTING);
  return typeof value === 'object' && value !== null ? (value as Record<string, string>) : {};
}

function save(RED: Red, value: Record<string, string>): void {
  if (!RED.settings.available()) return;
  RED.settings.set(SETTING, value).catch((error: unknown) => {
    RED.log.warn(`zfs: what was deployed could not be remembered: ${String(error)}`);
  });
}
