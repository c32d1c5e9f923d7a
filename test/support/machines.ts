// Hooks for a suite on lab machines: they boot before its first test and are gone after its last; and what most tests of
// replication run on, a pair of machines and an engine that knows both.
import type { SshHost } from '../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../src/host/ssh/ssh-options';
import { Lab } from '../lab/lab';
import type { Machine, MachineOptions } from '../lab/machine';
import { connect, Engine } from './engine';

/** Boots machines by these names; `ready` gets them, and may prepare them, before the suite's own `before` hooks. */
export function useMachines<Name extends string>(
  wanted: Readonly<Record<Name, MachineOptions>>,
  ready: (machines: Record<Name, Machine>, lab: Lab) => unknown,
): void {
  let lab: Lab | undefined;
  before(async function () {
    this.timeout(1_800_000);
    const started = (lab = await Lab.create()); // and builds what it boots when that is not there
    this.timeout(300_000);
    const names = Object.keys(wanted) as Name[];
    const machines = await Promise.all(
      names.map(async (name) => [name, await started.up(name, wanted[name])] as const),
    );
    await ready(Object.fromEntries(machines) as Record<Name, Machine>, started);
  });
  after(() => lab?.close());
}

/** Makes connections to a machine, which are closed after each test. */
export function useConnections(machine: () => Machine): (more: Partial<SshHostOptions>) => SshHost {
  const opened: SshHost[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
  });
  return (more) => {
    const one = connect(machine(), more);
    opened.push(one);
    return one;
  };
}

export interface Pair {
  /** With pool `tank`. */
  a: Machine;
  /** With pool `backup`. */
  b: Machine;
  /** Its connections are named like the machines. */
  engine: Engine;
}

/**
 * Boots machines a and b; `ready` gets them with an engine, for all tests or, once more before each, for each test.
 * After each test their links are whole and fast again.
 */
export function usePair(
  ready: (pair: Pair) => unknown,
  engines: 'engine per suite' | 'engine per test' = 'engine per suite',
): void {
  let machines: { a: Machine; b: Machine };
  let engine = new Engine();

  async function renew(): Promise<void> {
    await engine.close();
    engine = new Engine();
    engine.add(machines.a);
    engine.add(machines.b);
    await ready({ ...machines, engine });
  }

  after(() => engine.close());
  useMachines({ a: { pool: 'tank' }, b: { pool: 'backup' } }, async (booted) => {
    machines = booted;
    await renew();
  });
  if (engines === 'engine per test') beforeEach(renew);
  afterEach(async () => {
    for (const { link } of Object.values(machines)) await Promise.all([link.restore(), link.limit(0)]);
  });
}
