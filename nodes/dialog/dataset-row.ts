// One dataset as a row of a tree: its icon, name, key and size. What is known only by its name is shown so.
import type { ShownPool } from '../admin/browse-answer';
import type { Translate } from './dataset-questions';

/** What a row tells. */
export interface RowDataset {
  name: string;
  label: string;
  type: 'pool' | 'filesystem' | 'volume';
  /** Bytes; null where they are not known. */
  used: number | null;
  keyStatus: string;
  encryptionRoot: boolean;
  /** Of a pool. */
  health?: string;
}

const ICONS = { pool: 'fa-database', filesystem: 'fa-folder-o', volume: 'fa-hdd-o' } as const;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1.5 GiB` */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit] ?? ''}`;
}

function icon(name: string, label: string): JQuery {
  return $('<i>', { class: `fa ${name}`, role: 'img', 'aria-label': label, title: label });
}

export function poolRow({ name, health, alloc, root }: ShownPool): RowDataset {
  const { keyStatus = '', encryptionRoot = false, used = null } = root ?? {};
  return { name, label: name, type: 'pool', used: alloc ?? used, keyStatus, encryptionRoot, health };
}

/** Whether a person has to look at the pool. */
export const isUnwell = ({ health = '' }: RowDataset): boolean => health !== '' && health !== 'ONLINE';

export function rowElement(dataset: RowDataset, t: Translate): JQuery {
  const row = $('<span>', { class: 'zfs-tree-row' });
  row.append(icon(ICONS[dataset.type], t(`common.tree.type.${dataset.type}`)).addClass('zfs-tree-icon'));
  $('<span>', { class: 'zfs-tree-name' }).text(dataset.label).appendTo(row);
  const { keyStatus, encryptionRoot } = dataset;
  if (keyStatus === 'available' || keyStatus === 'unavailable') {
    const lock = icon(
      keyStatus === 'unavailable' ? 'fa-lock' : 'fa-unlock-alt',
      t(`common.tree.${keyStatus === 'unavailable' ? 'locked' : 'unlocked'}`),
    );
    row.append(lock.addClass('zfs-tree-lock').attr('data-zfs-lock', keyStatus === 'unavailable' ? 'closed' : 'open'));
    if (encryptionRoot) row.append(icon('fa-key', t('common.tree.encryptionRoot')).addClass('zfs-tree-key'));
  }
  if (isUnwell(dataset))
    $('<span>', { class: 'zfs-tree-health' })
      .text(dataset.health ?? '')
      .appendTo(row);
  if (dataset.used !== null) {
    $('<span>', { class: 'zfs-tree-used', title: t('common.tree.used') })
      .text(bytesText(dataset.used))
      .appendTo(row);
  }
  return row;
}
