// Remembers up to when a node's schedule has run, for `catchUp`: after a downtime one missed run is made up for. Kept in
// Node-RED's own settings; without them a run that was missed is missed, as without `catchUp`.
import type { Red } from './red';

const SETTING = 'zfsFlowsSchedules';

interface LastLook {
  /** The schedule's own properties: times missed under another schedule do not count. */
  readonly schedule: string;
  /** ISO 8601; everything up to then has run. */
  readonly at: string;
}

export function loadLastLook(RED: Red, nodeId: string, schedule: string): Date | undefined {
  const found = load(RED)[nodeId];
  const at = found?.schedule === schedule ? Date.parse(found.at) : Number.NaN;
  return Number.isNaN(at) ? undefined : new Date(at);
}

export function saveLastLook(RED: Red, nodeId: string, schedule: string, at: Date): void {
  save(RED, { ...load(RED), [nodeId]: { schedule, at: at.toISOString() } });
}

/** The node is gone, or catches up no longer. */
export function forgetLastLook(RED: Red, nodeId: string): void {
  const { [nodeId]: gone, ...rest } = load(RED);
  if (gone !== undefined) save(RED, rest);
}

function load(RED: Red): Record<string, LastLook> {
  if (!RED.settings.available()) return {};
  const value: unknown = RED.settings.get(SETTING);
  return typeof value === 'object' && value !== null ? (value as Record<string, LastLook>) : {};
}

function save(RED: Red, value: Record<string, LastLook>): void {
  if (!RED.settings.available()) return;
  RED.settings.set(SETTING, value).catch((error: unknown) => {
    RED.log.warn(`zfs: when a schedule ran last could not be remembered: ${String(error)}`);
  });
}
