// What is kept of a node in Node-RED's own settings, over restarts: up to when its schedule has run (for `catchUp`), and
// which configuration was deployed last (for `runOnDeploy`). Without settings nothing is kept but for this process.
import type { Red } from './red';

/** One setting: an entry for each node. */
class Kept<V> {
  /** `what`: for the complaint when it could not be kept. */
  constructor(
    private readonly setting: string,
    private readonly what: string,
  ) {}

  of(RED: Red, nodeId: string): V | undefined {
    return this.load(RED)[nodeId];
  }

  keep(RED: Red, nodeId: string, value: V): void {
    this.save(RED, { ...this.load(RED), [nodeId]: value });
  }

  forget(RED: Red, nodeId: string): void {
    const { [nodeId]: gone, ...rest } = this.load(RED);
    if (gone !== undefined) this.save(RED, rest);
  }

  private load(RED: Red): Record<string, V> {
    if (!RED.settings.available()) return {};
    const value: unknown = RED.settings.get(this.setting);
    return typeof value === 'object' && value !== null ? (value as Record<string, V>) : {};
  }

  private save(RED: Red, value: Record<string, V>): void {
    if (!RED.settings.available()) return;
    RED.settings.set(this.setting, value).catch((error: unknown) => {
      RED.log.warn(`zfs: ${this.what} could not be remembered: ${String(error)}`);
    });
  }
}

interface LastLook {
  /** The schedule's own properties: times missed under another schedule do not count. */
  readonly schedule: string;
  /** ISO 8601; everything up to then has run. */
  readonly at: string;
}

const lastLooks = new Kept<LastLook>('zfsFlowsSchedules', 'when a schedule ran last');

export function loadLastLook(RED: Red, nodeId: string, schedule: string): Date | undefined {
  const found = lastLooks.of(RED, nodeId);
  const at = found?.schedule === schedule ? Date.parse(found.at) : Number.NaN;
  return Number.isNaN(at) ? undefined : new Date(at);
}

export function saveLastLook(RED: Red, nodeId: string, schedule: string, at: Date): void {
  lastLooks.keep(RED, nodeId, { schedule, at: at.toISOString() });
}

/** The node is gone, or catches up no longer. */
export function forgetLastLook(RED: Red, nodeId: string): void {
  lastLooks.forget(RED, nodeId);
}

/** Hashes of configurations. */
const deployed = new Kept<string>('zfsFlowsDeployed', 'what was deployed');
const deployedInThisProcess = new Map<string, string>();

/** True when the node was never seen with this configuration; from now on it was. */
export function isNewlyDeployed(RED: Red, nodeId: string, configHash: string): boolean {
  const last = deployedInThisProcess.get(nodeId) ?? deployed.of(RED, nodeId);
  deployedInThisProcess.set(nodeId, configHash);
  if (last === configHash) return false;
  deployed.keep(RED, nodeId, configHash);
  return true;
}

/** The node is gone. */
export function forgetDeployed(RED: Red, nodeId: string): void {
  deployedInThisProcess.delete(nodeId);
  deployed.forget(RED, nodeId);
}
