// The zfs-verify dialog. What is compared is described as in the zfs-replicate dialog; what its properties mean is
// nodes/fields.ts, and what is done src/verify.
import { DEFAULT_NAMING_SCHEMA } from '../../src/naming/presets';
import { regexProblem, schemaProblem } from '../dialog/checks';
import { connectionLabel, connectionSelect } from '../dialog/connection';
import { datasetText, sourceSection } from '../dialog/dataset-fields';
import { defaultsOf } from '../dialog/defaults';
import { dialogOf } from '../dialog/dialog-life';
import type { Dialog } from '../dialog/dialog';
import { LABELS } from '../dialog/labels';
import { showLandings, suggestedName } from '../dialog/landings';
import { addPresets } from '../dialog/naming';
import { RUN_BUTTON } from '../dialog/run-button';
import { runningSection, scheduleSection } from '../dialog/running';
import { type TypedList, typedList, typedText } from '../dialog/typed';
import { current } from '../dialog/validate';

const TYPE = 'zfs-verify';

const selects = (node: EditorNode, selection: string): boolean =>
  current(node, TYPE, 'snapshotSelection') === selection;

/** What concerns two properties; the runtime refuses the same (src/replication/setup/selection.ts). */
const DEFAULTS = defaultsOf(TYPE, {
  namingSchemas: {
    required: (node) => (selects(node, 'schema') ? node._('common.invalid.schemas') : null),
  },
  nameRegex: {
    check: (node, text) => (selects(node, 'regex') ? regexProblem(text) : null),
    required: (node) => (selects(node, 'regex') ? node._('common.invalid.regex') : null),
  },
});

function targetSection(open: Dialog, sources: TypedList): void {
  connectionSelect(open, 'targetConnection');
  datasetText(open, 'targetDataset', 'targetConnection');
  showLandings(open, sources, open.t('landing.intro'));
  open.onChange(() => {
    const name = suggestedName({
      ...open.node,
      sourceDatasets: sources.values(),
      targetDataset: open.shown('targetDataset'),
      targetDatasetType: open.shown('targetDatasetType'),
    });
    open.input('name').attr('placeholder', name === '' ? '' : open.t('name.suggested', { name }));
  });
  open.summary('target', () => {
    const machine = connectionLabel(open, open.connection('targetConnection'));
    const dataset = open.shown('targetDataset');
    const type = open.shown('targetDatasetType');
    return `${machine}: ${type === 'str' ? dataset || open.t('common.dataset.none') : `${type}.${dataset}`}`;
  });
}

function snapshotsSection(open: Dialog): void {
  const selection = (): string => open.shown('snapshotSelection');
  const schemas = typedList(open, 'namingSchemas', {
    addLabel: open.t('common.naming.add'),
    itemLabel: open.t('common.naming.schema'),
    placeholder: DEFAULT_NAMING_SCHEMA,
    check: schemaProblem,
  });
  addPresets(open, schemas.element, schemas.rows);
  typedText(open, 'nameRegex');
  typedText(open, 'maxAge');
  open.showWhen('.zfs-by-regex', () => selection() === 'regex');
  open.showWhen('.zfs-by-schema', () => selection() === 'schema');
  open.summary('snapshots', () => {
    const by = {
      schema: schemas.values()?.join(', ') ?? open.t('snapshots.fromMessage'),
      regex: `/${open.shown('nameRegex')}/`,
    }[selection()];
    const age = open.shown('maxAge');
    const fixed = open.shown('maxAgeType') === 'str';
    const limit = age === '' ? '' : open.t('maxAge.short', { age: fixed ? age : `${open.shown('maxAgeType')}.${age}` });
    return [by ?? open.t('snapshots.all'), limit].filter((part) => part !== '').join(' · ');
  });
}

function drillSection(open: Dialog): void {
  const kind = (): string => open.shown('drill');
  open.showWhen('.zfs-drills', () => kind() !== 'none');
  open.showWhen('.zfs-compares', () => kind() === 'compare');
  open.showWhen('.zfs-has-command', () => open.shown('drillCommand').trim() !== '');
  for (const choice of ['none', 'open', 'compare']) open.showWhen(`.zfs-drill-${choice}`, () => kind() === choice);
  open.summary('drill', () => {
    const parts = [open.t(`drill.short.${kind()}`)];
    if (kind() !== 'none') parts.push(open.t(`drillDatasets.short.${open.shown('drillDatasets')}`));
    if (kind() === 'compare') {
      const count = Number(open.shown('drillSample'));
      parts.push(count === 0 ? open.t('drillSample.allShort') : open.t('drillSample.short', { count }));
    }
    if (kind() !== 'none' && open.shown('drillCommand').trim() !== '') parts.push(open.t('drillCommand.short'));
    return parts.join(' · ');
  });
}

function build(open: Dialog): void {
  const sources = sourceSection(open, 'sourceConnection', 'sourceDatasets');
  targetSection(open, sources);
  snapshotsSection(open);
  drillSection(open);
  scheduleSection(open);
  runningSection(open);
}

const life = dialogOf(TYPE, build);

export const definition: EditorNodeDefinition = {
  category: 'ZFS',
  color: '#C7E9C0',
  icon: 'zfs-verify.svg',
  defaults: DEFAULTS,
  inputs: 1,
  outputs: 3,
  outputLabels: LABELS.outputLabels,
  paletteLabel: 'zfs verify',
  label() {
    const name = suggestedName(this);
    return this.name || (name === '' ? this._('label') : this._('name.suggested', { name }));
  },
  labelStyle: LABELS.labelStyle,
  button: RUN_BUTTON,
  oneditprepare: life.prepare,
  oneditsave: life.save,
  oneditcancel: life.close,
};
