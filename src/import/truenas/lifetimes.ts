// Lifetimes of TrueNAS, and the keep rules of ours that they become.
import type { KeepRule, LifetimeUnit } from '../../retention/plan/policy';
import { numberOf, Unusable, wordOf, type Row } from './records';

export interface Lifetime {
  value: number;
  unit: LifetimeUnit;
}

const UNITS: Readonly<Record<string, LifetimeUnit>> = {
  HOUR: 'hour',
  DAY: 'day',
  WEEK: 'week',
  MONTH: 'month',
  YEAR: 'year',
};

const HOURS: Readonly<Record<LifetimeUnit, number>> = { hour: 1, day: 24, week: 168, month: 720, year: 8760 };

/** Null where the record has none. Throws `Unusable`. */
export function lifetimeOf(row: Row): Lifetime | null {
  const value = numberOf(row, 'lifetime_value');
  if (value === null) return null;
  if (!Number.isSafeInteger(value) || value < 1) throw new Unusable('lifetime_value is no whole number of at least 1');
  return { value, unit: wordOf(row, 'lifetime_unit', UNITS) };
}

export const ageRule = ({ value, unit }: Lifetime): KeepRule => ({ type: 'age', value, unit });

const hoursOf = ({ value, unit }: Lifetime): number => value * HOURS[unit];

/** Of at least one. */
export function shortest(lifetimes: readonly Lifetime[]): Lifetime | undefined {
  return lifetimes.toSorted((a, b) => hoursOf(a) - hoursOf(b))[0];
}

export function longest(lifetimes: readonly Lifetime[]): Lifetime | undefined {
  return lifetimes.toSorted((a, b) => hoursOf(b) - hoursOf(a))[0];
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

export const lifetimeText = ({ value, unit }: Lifetime): string => plural(value, unit);
