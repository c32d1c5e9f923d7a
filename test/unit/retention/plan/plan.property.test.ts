// What must hold for every history, policy, clock and choice of names: nothing that a guard keeps goes, a plan is complete, more
// rules never delete more, and a plan that was executed leaves nothing to do.
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { planRetention, type RetentionPlanInput } from '../../../../src/retention/plan/plan';
import type { CompiledRule } from '../../../../src/retention/plan/rules';
import { candidateOf } from '../../../../src/retention/plan/scope';
import type { SnapshotRecord } from '../../../../src/zfs/records';
import { AUTO, DAY, HOUR, NOW, input } from '../../../support/builders';

const unit = fc.constantFrom('hour' as const, 'day' as const, 'week' as const, 'month' as const, 'year' as const);

const rule: fc.Arbitrary<CompiledRule> = fc.oneof(
  fc.record({ type: fc.constant('last' as const), count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ type: fc.constant('age' as const), value: fc.integer({ min: 1, max: 5 }), unit }),
  fc.record({ type: fc.constant('every' as const), period: unit, count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({
    type: fc.constant('schedule' as const),
    text: fc.constant('0 0 * * *'),
    matches: fc.constant((date: Date) => date.getUTCHours() === 0),
    value: fc.integer({ min: 1, max: 30 }),
    unit,
  }),
  fc.record({ type: fc.constant('regex' as const), pattern: fc.constantFrom(/a/, /^auto-/, /never!/) }),
);

const name = fc.oneof(
  fc.constantFrom('manual', 'x y', '-x', 'daily', 'auto-2026-02-30_00-00', 'auto-2099-01-01_00-00'),
  fc
    .integer({ min: -400 * 24, max: 48 })
    .map((hours) => new Date((NOW + hours * HOUR) * 1000).toISOString())
    .map((iso) => `auto-${iso.slice(0, 10)}_${iso.slice(11, 13)}-00`),
);

const snapshot: fc.Arbitrary<SnapshotRecord> = fc
  .record({
    dataset: fc.constantFrom('tank/a', 'tank/a/b', 'tank/c'),
    name,
    createtxg: fc.integer({ min: 1, max: 1_000_000 }).map(String),
    creation: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: NOW - 500 * DAY, max: NOW }) },
      { weight: 1, arbitrary: fc.constantFrom(undefined, NOW + 60) },
    ),
    userrefs: fc.oneof(
      { weight: 9, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.constantFrom(undefined, 1) },
    ),
    clones: fc.oneof(
      { weight: 9, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.constantFrom(undefined, ['tank/clone']) },
    ),
    used: fc.nat(1000),
    userProperties: fc.oneof(
      { weight: 9, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom('2099-01-01', '2020-01-01', 'rubbish')
          .map((date) => ({ 'org.truenas:destroy_at_1': date })),
      },
    ),
  })
  .map(({ creation, userrefs, clones, ...rest }) => ({
    ...rest,
    kind: 'snapshot' as const,
    guid: '',
    ...(creation === undefined ? {} : { creation }),
    ...(userrefs === undefined ? {} : { userrefs }),
    ...(clones === undefined ? {} : { clones }),
  }));

/** Names and txgs are unique within a dataset on a real pool. */
const history = fc
  .uniqueArray(snapshot, {
    minLength: 3,
    maxLength: 60,
    size: 'max',
    selector: ({ dataset, name: n }) => `${dataset}@${n}`,
  })
  .map((records) => records.map((record, index) => ({ ...record, guid: String(2n ** 63n + BigInt(index)) })));

const scope = fc.constantFrom(
  { all: true, schemas: [], regex: null },
  { all: false, schemas: [AUTO], regex: null },
  { all: false, schemas: [], regex: /a/ },
  { all: false, schemas: [AUTO], regex: /^manual$|^-/ },
  { all: false, schemas: [], regex: null },
);

const anyInput: fc.Arbitrary<RetentionPlanInput> = fc
  .record({
    snapshots: history,
    scope,
    rules: fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 9, arbitrary: fc.array(rule, { minLength: 1, maxLength: 3 }) },
    ),
    ageFrom: fc.constantFrom('creation' as const, 'name' as const),
    timeZone: fc.constantFrom('UTC', 'Europe/Zurich', 'America/St_Johns', 'Australia/Lord_Howe'),
    keepAtLeast: fc.integer({ min: 0, max: 4 }),
    skew: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 299, 301, 400 * DAY),
    ahead: fc.constantFrom(0, 0, 0, 0, 0, 0, 365 * DAY, -30 * DAY),
    neededOnes: fc.uniqueArray(fc.nat(59), { maxLength: 5 }),
    minFree: fc.constantFrom(null, null, null, null, { percent: 10 }, { bytes: 900 }),
    free: fc.nat(2000),
  })
  .map(({ skew, ahead, neededOnes, free, ...rest }) => {
    const neededElsewhere = new Map<string, Map<string, string[]>>();
    for (const index of neededOnes) {
      const record = rest.snapshots[index];
      if (!record) continue;
      const reasons = neededElsewhere.get(record.dataset) ?? new Map<string, string[]>();
      neededElsewhere.set(record.dataset, reasons.set(record.guid, ['needed elsewhere']));
    }
    const now = (NOW + ahead) * 1000;
    return input({
      ...rest,
      neededElsewhere,
      clock: { now, hosts: new Map([['nas', now + skew * 1000]]), jump: 0 },
      keepAll: new Map(),
      pools: new Map([['tank', { free, size: 10_000 }]]),
    });
  });

const guids = (items: readonly { record: SnapshotRecord }[]): string[] =>
  items.map(({ record }) => record.guid).toSorted();

/** Why a snapshot must never go, judged without the planner's own code for it. */
function untouchable(record: SnapshotRecord, given: RetentionPlanInput): string | null {
  const { now } = given.clock;
  const own = given.snapshots.filter(({ dataset }) => dataset === record.dataset);
  const later = own.filter(({ createtxg }) => Number(createtxg) > Number(record.createtxg));
  if (later.length === 0 && own.filter(({ createtxg }) => createtxg === record.createtxg).length === 1) return 'newest';
  if (record.userrefs !== 0) return 'held';
  if (record.clones?.length !== 0) return 'cloned';
  if (given.neededElsewhere.get(record.dataset)?.has(record.guid)) return 'needed elsewhere';
  const date = given.ageFrom === 'name' ? AUTO.read(record.name) : (record.creation ?? NaN) * 1000;
  if (date === null || Number.isNaN(date)) return 'undated';
  if (date > now) return 'future';
  const expiry = record.userProperties?.['org.truenas:destroy_at_1'];
  if (expiry === 'rubbish' || expiry === '2099-01-01') return 'expiry';
  if (given.rules.length === 0) return 'no rule';
  if ([...given.clock.hosts.values()].some((time) => Math.abs(time - now) > 300_000)) return 'clock';
  if (given.snapshots.some(({ creation = 0 }) => creation * 1000 > now + 300_000)) return 'clock';
  return null;
}

/** The input as it is after everything in the plan was destroyed. */
function after(given: RetentionPlanInput, gone: readonly { record: SnapshotRecord }[]): RetentionPlanInput {
  const dead = new Set(guids(gone));
  const freed = gone.reduce((sum, { record }) => sum + (record.used ?? 0), 0);
  const pools = new Map([...given.pools].map(([pool, { free, size }]) => [pool, { free: free + freed, size }]));
  return { ...given, pools, snapshots: given.snapshots.filter(({ guid }) => !dead.has(guid)) };
}

describe('retention plan: properties', () => {
  it('never destroys what a guard keeps, whatever the history, policy, clock or names', () => {
    let destroyed = 0;
    fc.assert(
      fc.property(anyInput, (given) => {
        const { destroy } = planRetention(given);
        destroyed += destroy.length;
        for (const { record } of destroy) assert.equal(untouchable(record, given), null, record.name);
      }),
      { numRuns: 1500 },
    );
    assert.ok(destroyed > 1000, `only ${destroyed} were ever destroyed, which shows nothing`);
  });

  it('puts every snapshot in scope on exactly one of its lists, and none that is not', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const { destroy, keep } = planRetention(given);
        const inScope = given.snapshots.filter((record) => candidateOf(record, given.scope, given.ageFrom));
        assert.deepEqual([...guids(destroy), ...guids(keep)].toSorted(), inScope.map(({ guid }) => guid).toSorted());
        for (const item of destroy) assert.ok(item.reasons.length === 1 && item.reasons[0]?.startsWith('goes: '));
        for (const item of keep)
          assert.ok(item.reasons.length > 0 && item.reasons.every((text) => text.startsWith('kept: ')));
      }),
      { numRuns: 500 },
    );
  });

  it('never deletes more when a keep rule is added', () => {
    fc.assert(
      fc.property(anyInput, rule, (given, more) => {
        fc.pre(given.rules.length > 0);
        const unlimited = { ...given, minFree: null };
        const before = new Set(guids(planRetention(unlimited).destroy));
        const then = planRetention({ ...unlimited, rules: [...given.rules, more] });
        for (const guid of guids(then.destroy)) assert.ok(before.has(guid));
      }),
      { numRuns: 500 },
    );
  });

  it('has nothing left to do once it was executed', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const first = planRetention(given);
        assert.deepEqual(guids(planRetention(after(given, first.destroy)).destroy), []);
      }),
      { numRuns: 800 },
    );
  });

  it('gives the same plan whatever the order of the listing', () => {
    fc.assert(
      fc.property(anyInput, fc.integer(), (given, seed) => {
        const shuffled = given.snapshots.toSorted(
          (a, b) => ((Number(a.createtxg) * seed) % 97) - ((Number(b.createtxg) * seed) % 97),
        );
        const first = planRetention(given);
        const second = planRetention({ ...given, snapshots: shuffled });
        assert.deepEqual(guids(second.destroy), guids(first.destroy));
      }),
      { numRuns: 300 },
    );
  });
});
