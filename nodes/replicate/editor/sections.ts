// The parts of the zfs-replicate dialog, in the order of TrueNAS's wizard: source, snapshots, target, its retention,
// safety, stream.
import { DEFAULT_NAMING_SCHEMA } from '../../../src/naming/presets';
import type { RetentionPolicy, RetentionScope } from '../../../src/retention/plan/policy';
import { cronProblem, leftOutProblem, overrideProblem, schemaProblem } from '../../dialog/checks';
import { connectionLabel, connectionSelect } from '../../dialog/connection';
import { datasetText, sourceSection } from '../../dialog/dataset-fields';
import { type Dialog, textOf } from '../../dialog/dialog';
import { showLandings, suggestedName } from '../../dialog/landings';
import { addPresets, previewName } from '../../dialog/naming';
import { retentionPreview } from '../../dialog/preview';
import { policyEditor, summarizePolicy } from '../../dialog/retention';
import { checkWhileTyping, propertyTable, textList } from '../../dialog/rows';
import { shareInput } from '../../dialog/share';
import { scopeEditor } from '../../dialog/scope';
import { type TypedList, typedChoice, typedList, typedText } from '../../dialog/typed';
import { timeZoneInput } from '../../dialog/zones';
import { countSection } from './count';

export function buildSections(dialog: Dialog): void {
  const sources = sourceSection(dialog, 'sourceConnection', 'sourceDatasets');
  snapshotsSection(dialog);
  targetSection(dialog, sources);
  targetRetentionSection(dialog);
  safetySection(dialog);
  streamSection(dialog);
  countSection(dialog);
}

function snapshotsSection(dialog: Dialog): void {
  const selection = (): string => dialog.shown('snapshotSelection');
  const schemas = typedList(dialog, 'namingSchemas', {
    addLabel: dialog.t('common.naming.add'),
    itemLabel: dialog.t('common.naming.schema'),
    placeholder: DEFAULT_NAMING_SCHEMA,
    check: schemaProblem,
  });
  addPresets(dialog, schemas.element, schemas.rows);
  typedText(dialog, 'nameRegex');
  timeZoneInput(dialog, 'timeZone');
  checkWhileTyping(dialog, dialog.input('restrictSchedule'), (text) => (text === '' ? null : cronProblem(text)));
  const creates = (): boolean => dialog.shown('createSnapshot') !== 'never';
  dialog.showWhen('.zfs-by-regex', () => selection() === 'regex');
  dialog.showWhen('.zfs-by-schema', () => selection() === 'schema' || creates());
  dialog.showWhen('.zfs-restricted', () => dialog.shown('restrictSchedule') !== '');
  dialog.showWhen(
    '.zfs-only-matching',
    () => dialog.shown('schedule') !== '' || dialog.checked('onlyMatchingSchedule'),
  );
  dialog.showWhen(
    '.zfs-has-dates',
    () => selection() === 'schema' || creates() || dialog.shown('restrictSchedule') !== '',
  );
  const preview = dialog.form.find('.zfs-naming-preview');
  dialog.onChange(() => {
    const schema = schemas.values()?.[0] ?? (schemas.values() === null ? null : DEFAULT_NAMING_SCHEMA);
    const name = schema === null || !creates() ? null : previewName(schema, dialog.shown('timeZone'));
    preview
      .text(name === null ? '' : dialog.t(`createSnapshot.preview.${dialog.shown('createSnapshot')}`, { name }))
      .toggleClass('zfs-hidden', name === null);
  });
  dialog.summary('snapshots', () => {
    const by = {
      schema: schemas.values()?.join(', ') ?? dialog.t('snapshots.fromMessage'),
      regex: `/${dialog.shown('nameRegex')}/`,
    }[selection()];
    return by ?? dialog.t('snapshots.all');
  });
}

function targetSection(dialog: Dialog, sources: TypedList): void {
  connectionSelect(dialog, 'targetConnection');
  datasetText(dialog, 'targetDataset', 'targetConnection');
  const exclude = textList({
    dialog,
    element: dialog.form.find('#zfs-properties-exclude'),
    initial: dialog.value('propertiesExclude') as string[],
    addLabel: dialog.t('properties.add'),
    itemLabel: dialog.t('common.property.name'),
    placeholder: 'mountpoint',
    check: leftOutProblem,
  });
  dialog.store('propertiesExclude', () => exclude.values());
  const override = propertyTable({
    dialog,
    element: dialog.form.find('#zfs-properties-override'),
    initial: dialog.value('propertiesOverride') as Record<string, string>,
    addLabel: dialog.t('properties.add'),
    namePlaceholder: 'compression',
    valuePlaceholder: 'zstd',
    check: overrideProblem,
  });
  dialog.store('propertiesOverride', override);
  dialog.showWhen('.zfs-properties-exclude', () => dialog.checked('includeProperties'));
  keyFields(dialog);
  showLandings(dialog, sources, dialog.t('landing.intro'));
  dialog.onChange(() => {
    const name = suggestedName({
      ...dialog.node,
      sourceDatasets: sources.values(),
      targetDataset: dialog.shown('targetDataset'),
      targetDatasetType: dialog.shown('targetDatasetType'),
    });
    dialog.input('name').attr('placeholder', name);
  });
  dialog.summary('target', () => {
    const machine = connectionLabel(dialog, dialog.connection('targetConnection'));
    const literal = dialog.shown('targetDatasetType') === 'str';
    const dataset = dialog.shown('targetDataset');
    return `${machine}: ${literal ? dataset || dialog.t('common.dataset.none') : `${dialog.shown('targetDatasetType')}.${dataset}`}`;
  });
}

/** A key of the target's own: entered here, or in a file over there. */
function keyFields(dialog: Dialog): void {
  const location = dialog.input('encryptionKeyLocation');
  const isStored = (): boolean => textOf(location) === 'stored';
  const place = dialog.form.find('#zfs-key-place').val(isStored() ? 'stored' : 'file');
  place.on('change.zfs', () => {
    const stored = textOf(place) === 'stored';
    location.val(stored ? 'stored' : isStored() ? '' : textOf(location)).trigger('change');
  });
  dialog.showWhen('.zfs-encrypts', () => dialog.shown('encryption') !== 'none');
  dialog.showWhen('.zfs-encryption-key', () => dialog.shown('encryption') === 'key');
  dialog.showWhen('.zfs-key-stored', () => textOf(place) === 'stored');
  dialog.showWhen('.zfs-key-file', () => textOf(place) !== 'stored');
}

function targetRetentionSection(dialog: Dialog): void {
  const kind = (): string => dialog.shown('targetRetention');
  const stored = dialog.value('targetRetentionPolicy') as RetentionPolicy | null;
  const words = dialog.form.find('.zfs-target-policy-words');
  const policy = policyEditor(dialog, dialog.form.find('#zfs-target-policy'), words, stored);
  const storedScope = dialog.value('targetRetentionScope') as RetentionScope | null;
  const own = dialog.form.find('#zfs-target-scope-own').val(storedScope === null ? '' : 'own');
  const scope = scopeEditor(dialog, dialog.form.find('.zfs-target-scope'), storedScope);
  dialog.showWhen('.zfs-retention-custom', () => kind() === 'custom');
  dialog.showWhen('.zfs-retention-source', () => kind() === 'source');
  dialog.showWhen('.zfs-retention-any', () => kind() !== 'none');
  dialog.showWhen('.zfs-target-scope', () => textOf(own) === 'own');
  dialog.store('targetRetentionPolicy', () => {
    const rules = policy();
    return rules.keep.length === 0 && kind() !== 'custom' ? null : rules;
  });
  shareInput(dialog, 'maxDestroyFraction');
  retentionPreview(dialog, dialog.form.find('.zfs-preview-holder'), () => retentionQuestion(dialog.present()));
  dialog.store('targetRetentionScope', () => (textOf(own) === 'own' ? scope() : null));
  dialog.summary('retention', () =>
    kind() === 'custom' ? summarizePolicy(dialog, policy()) : dialog.t(`targetRetention.short.${kind()}`),
  );
}

/** The properties that decide what the target's retention deletes; what only a message knows is left out where it does not. */
function retentionQuestion(shown: Record<string, unknown>): object {
  const names = [
    'sourceConnection',
    'sourceDatasets',
    'sourceDatasetsType',
    'targetConnection',
    'targetDataset',
    'targetDatasetType',
    'recursive',
    'exclude',
    'timeZone',
    'targetRetention',
    'targetRetentionPolicy',
    'targetRetentionScope',
    'maxDestroyFraction',
  ];
  if (shown['targetRetentionScope'] === null) {
    names.push('snapshotSelection');
    if (shown['snapshotSelection'] === 'schema') names.push('namingSchemas', 'namingSchemasType');
    if (shown['snapshotSelection'] === 'regex') names.push('nameRegex', 'nameRegexType');
  }
  return Object.fromEntries(names.map((name) => [name, shown[name]]));
}

function safetySection(dialog: Dialog): void {
  typedChoice(dialog, 'whenDiverged');
  typedChoice(dialog, 'mode');
  const fixed = (): boolean => dialog.shown('whenDivergedType') === 'str';
  dialog.showWhen('.zfs-diverged-dynamic', () => !fixed());
  for (const choice of ['rollback', 'rotate', 'recreate']) {
    dialog.showWhen(`.zfs-diverged-${choice}`, () => fixed() && dialog.shown('whenDiverged') === choice);
  }
  dialog.summary('safety', () =>
    [shortChoice(dialog, 'mode'), shortChoice(dialog, 'whenDiverged')].filter((part) => part !== '').join(' · '),
  );
}

/** A **T** choice in few words, or where it comes from. */
function shortChoice(dialog: Dialog, property: string): string {
  const type = dialog.shown(`${property}Type`);
  const value = dialog.shown(property);
  return type === 'str' ? dialog.t(`short.${property}.${value}`) : `${type}.${value}`;
}

function streamSection(dialog: Dialog): void {
  typedText(dialog, 'speedLimit');
  transportRows(dialog);
  dialog.summary('stream', () =>
    [
      shortTransport(dialog),
      dialog.t(`raw.short.${dialog.shown('raw')}`),
      dialog.checked('compressedBlocks') ? dialog.t('stream.compressedShort') : '',
      dialog.shown('streamCompression') === 'none' ? '' : dialog.shown('streamCompression'),
      dialog.shown('speedLimitType') === 'str' && dialog.shown('speedLimit') !== ''
        ? dialog.t('stream.speedShort', { limit: dialog.shown('speedLimit') })
        : '',
      dialog.checked('resumable') ? dialog.t('stream.resumableShort') : dialog.t('stream.notResumableShort'),
      dialog.t('stream.retriesShort', { count: Number(dialog.shown('retries')) }),
    ]
      .filter((part) => part !== '')
      .join(' · '),
  );
}

const overTcp = (dialog: Dialog): boolean => dialog.shown('transport').startsWith('ssh+');

/** In few words, where there is something to say. */
function shortTransport(dialog: Dialog): string {
  if (!overTcp(dialog)) return '';
  return dialog.shown('transport') === 'ssh+tls' ? dialog.t('transport.shortTls') : dialog.t('transport.shortNetcat');
}

/** What a TCP connection of its own needs to know, where there may be one. */
function transportRows(dialog: Dialog): void {
  const isLimited = (): boolean =>
    dialog.shown('speedLimit') !== '' &&
    !['sourceConnection', 'targetConnection'].some((name) => dialog.shown(name) === '');
  // An earlier version stored null.
  const side = dialog.input('netcatActiveSide');
  if (side.val() === null) side.val('auto');
  dialog.showWhen('.zfs-transport-auto', () => dialog.shown('transport') === 'auto');
  dialog.showWhen('.zfs-transport-tcp', () => overTcp(dialog));
  dialog.showWhen('.zfs-transport-netcat', () => dialog.shown('transport') === 'ssh+netcat');
  dialog.showWhen('.zfs-transport-limited', () => overTcp(dialog) && isLimited());
}
