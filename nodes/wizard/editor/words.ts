// Words that several steps use.
import type { Machines } from './machines';
import { t } from './translate';

/** A machine in a sentence. */
export function machineName(machines: Machines, id: string): string {
  return id === '' ? t('machine.here') : machines.label(id);
}

/** `1.5 GiB` */
export function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  const digits = power === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: digits })} ${units[power] ?? ''}`;
}
