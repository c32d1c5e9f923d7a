// Snapshots, policies and plan inputs for the planner's tests, with defaults that let each test state only what it is about.
import { UNKNOWN_MACHINE, type MachineFacts } from '../../src/host/machine-identity';
import type { RetentionPlanInput, RetentionPlanResult } from '../../src/retention/plan/plan';
import { planRetention } from '../../src/retention/plan/plan';
import type { SnapshotRecord } from '../../src/zfs/records';

export const HOUR = 3600;
export const DAY = 24 * HOUR;
/** 2026-11-21 12:00 UTC, in seconds. */
export const NOW = Date.UTC(2026, 10, 21, 12) / 1000;

let counter = 0;

/** A snapshot created `age` seconds before NOW; `createtxg` follows the creation unless stated. */
export function snap(name: string, age: number, more: Partial<SnapshotRecord> = {}): SnapshotRecord {
  counter++;
  const creation = NOW - age;
  return {
    dataset: 'tank/data',
    kind: 'snapshot',
    name,
    guid: String(10_000_000_000_000_000_000n + BigInt(counter)),
    createtxg: String(Math.max(1, creation)),
    creation,
    userrefs: 0,
    clones: [],
    used: 1024,
    ...more,
  };
}

/** `count` snapshots, `step` seconds apart, the newest at NOW, oldest first. */
export function series(count: number, step = HOUR, more: Partial<SnapshotRecord> = {}): SnapshotRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const age = (count - 1 - index) * step;
    const date = new Date((NOW - age) * 1000).toISOString();
    return snap(`auto-${date.slice(0, 10)}_${date.slice(11, 13)}-${date.slice(14, 16)}`, age, more);
  });
}

/** Reads `auto-YYYY-MM-DD_HH-MM` in UTC. */
export const AUTO = {
  text: 'auto-%Y-%m-%d_%H-%M',
  read: (name: string): number | null => {
    const match = /^auto-(\d{4})-(\d\d)-(\d\d)_(\d\d)-(\d\d)$/.exec(name);
    return match ? Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}Z`) : null;
  },
};

export function input(more: Partial<RetentionPlanInput> = {}): RetentionPlanInput {
  return {
    snapshots: [],
    scope: { all: true, schemas: [], regex: null },
    rules: [{ type: 'last', count: 1 }],
    ageFrom: 'creation',
    timeZone: 'UTC',
    clock: { now: NOW * 1000, hosts: new Map(), jump: 0 },
    keepAtLeast: 1,
    neededElsewhere: new Map(),
    keepAll: new Map(),
    limits: { maxDestroyFraction: 0.5, maxDestroyCount: 1000 },
    minFree: null,
    pools: new Map(),
    ...more,
  };
}

export function plan(more: Partial<RetentionPlanInput>): RetentionPlanResult {
  return planRetention(input(more));
}

export const names = (items: readonly { record: SnapshotRecord }[]): string[] => items.map(({ record }) => record.name);

/** The reasons of one snapshot in a plan. */
export function reasonsOf(result: RetentionPlanResult, name: string): string {
  const item = [...result.destroy, ...result.keep].find(({ record }) => record.name === name);
  if (!item) throw new Error(`${name} is not in the plan`);
  return item.reasons.join('\n');
}

/** What a machine says of itself: nothing, unless given. */
export function machineFacts(more: Partial<MachineFacts> = {}): MachineFacts {
  return { ...UNKNOWN_MACHINE, ...more };
}
