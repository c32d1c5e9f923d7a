// The zfs-list-snapshots dialog. What its properties mean is nodes/fields.ts; listing is src/snapshots.
import { connectionLabel, connectionSelect } from '../dialog/connection';
import { datasetList, excludeList, summarizeDatasets } from '../dialog/dataset-fields';
import { defaultsOf } from '../dialog/defaults';
import { dialogOf } from '../dialog/dialog-life';
import type { Dialog } from '../dialog/dialog';
import { LABELS } from '../dialog/labels';
import { presetsForOne } from '../dialog/naming';
import { runningSection } from '../dialog/running';
import { typedText } from '../dialog/typed';
import { timeZoneInput } from '../dialog/zones';
import { FIELDS } from '../fields';

const TYPE = 'zfs-list-snapshots';
const KINDS = FIELDS[TYPE].kinds.choices ?? [];

function filterSection(open: Dialog): void {
  for (const property of ['namingSchema', 'nameRegex', 'newerThan', 'olderThan']) typedText(open, property);
  timeZoneInput(open, 'timeZone');
  presetsForOne(open);
  const stored = open.value('kinds') as string[];
  const box = (kind: string): JQuery => open.form.find(`#zfs-kind-${kind}`);
  for (const kind of KINDS) box(kind).prop('checked', stored.includes(kind));
  open.store('kinds', () => KINDS.filter((kind) => box(kind).prop('checked') === true));
  open.showWhen('.zfs-has-schema', () => open.shown('namingSchema') !== '');
  open.summary('filter', () => {
    const shown = (property: string, sign: string): string =>
      open.shown(property) === '' ? '' : `${sign}${open.shown(property)}`;
    const newest = Number(open.shown('newest'));
    const oldest = Number(open.shown('oldest'));
    const parts = [
      shown('namingSchema', ''),
      open.shown('nameRegex') === '' ? '' : `/${open.shown('nameRegex')}/`,
      shown('newerThan', open.t('filter.newerShort')),
      shown('olderThan', open.t('filter.olderShort')),
      newest > 0 ? open.t('filter.newestShort', { count: newest }) : '',
      oldest > 0 ? open.t('filter.oldestShort', { count: oldest }) : '',
    ];
    return parts.filter((part) => part !== '').join(' · ') || open.t('filter.none');
  });
}

function build(open: Dialog): void {
  connectionSelect(open, 'connection');
  const datasets = datasetList(open, 'datasets', 'connection');
  excludeList(open);
  const all = (): boolean => datasets.values()?.length === 0;
  open.showWhen('.zfs-all-pools', all);
  open.showWhen('.zfs-some-datasets', () => !all());
  open.summary('source', () => {
    const which = all() ? open.t('allPools.short') : summarizeDatasets(open, datasets, 'datasets');
    return `${connectionLabel(open, open.connection('connection'))}: ${which}`;
  });
  filterSection(open);
  open.summary('result', () => open.t(`result.short.${open.shown('output')}`));
  runningSection(open);
}

const life = dialogOf(TYPE, build);

export const definition: EditorNodeDefinition = {
  category: 'ZFS',
  color: '#C7E9C0',
  icon: 'zfs-list-snapshots.svg',
  defaults: defaultsOf(TYPE),
  inputs: 1,
  outputs: 3,
  outputLabels: LABELS.outputLabels,
  paletteLabel: 'zfs list snapshots',
  label: LABELS.label,
  labelStyle: LABELS.labelStyle,
  oneditprepare: life.prepare,
  oneditsave: life.save,
  oneditcancel: life.close,
};
