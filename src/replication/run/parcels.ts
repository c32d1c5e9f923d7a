// What is carried out as one: a dataset, or the datasets of a tree that travel in one stream (pure).
import type { DatasetPlan } from '../plan/plan-types';
import type { Outcome, Places } from './parallel-tree';

/** The topmost dataset comes first; it is the only one, unless they travel in one stream. */
export type Parcel = readonly [DatasetPlan, ...DatasetPlan[]];

/** `datasets` in planning order, parents first. */
export function parcelsOf(datasets: readonly DatasetPlan[]): Parcel[] {
  const streams = new Map<string, [DatasetPlan, ...DatasetPlan[]]>();
  const parcels: Parcel[] = [];
  for (const plan of datasets) {
    const open = plan.stream === '' ? undefined : streams.get(plan.stream);
    if (open) {
      open.push(plan);
      continue;
    }
    const parcel: [DatasetPlan, ...DatasetPlan[]] = [plan];
    if (plan.stream !== '') streams.set(plan.stream, parcel);
    parcels.push(parcel);
  }
  return parcels;
}

/** Where a parcel belongs, and which other one it needs: that of a clone's origin, which a whole tree has in itself. */
export function parcelPlaces(parcels: readonly Parcel[]): Places<Parcel> {
  const within = new Map(parcels.flatMap((parcel) => parcel.map(({ target }) => [target, parcel[0].target] as const)));
  return {
    path: ([{ target }]) => target,
    after: ([{ origin, stream }]) => (origin === null || stream !== '' ? null : (within.get(origin.dataset) ?? null)),
  };
}

/** The outcome of each dataset. What was in a stream that failed is found out by the next attempt. */
export function outcomesOf(outcomes: readonly Outcome<Parcel>[]): Outcome<DatasetPlan>[] {
  return outcomes.flatMap(({ item: [first, ...more], error, skippedFor }): Outcome<DatasetPlan>[] => {
    const failed = skippedFor?.[0] ?? (error === undefined ? undefined : first);
    const rest = more.map((item) => (failed ? { item, skippedFor: failed } : { item }));
    if (skippedFor) return [{ item: first, skippedFor: skippedFor[0] }, ...rest];
    return [error === undefined ? { item: first } : { item: first, error }, ...rest];
  });
}
