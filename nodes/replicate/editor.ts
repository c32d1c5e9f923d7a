// The zfs-replicate dialog: its definition and when its parts are built. The parts are in sections.ts; what is sent is
// decided by src/replication/plan/plan.ts.
import { parseSize } from '../../src/options/read';
import { checkCronSchedule } from '../../src/time/check-schedule';
import { complaint, cronProblem, propertyNameProblem, regexProblem, schemaProblem } from '../dialog/checks';
import { dialogOf } from '../dialog/dialog-life';
import { LABELS } from '../dialog/labels';
import { EXCLUDE, POLICY, SCOPE, jsonValidator, listValidator, propertyNames } from '../dialog/policy-check';
import { runningSection, scheduleSection } from '../dialog/running';
import {
  DATASET,
  DATASETS,
  TIME_ZONE,
  type ValidatorOptions,
  current,
  scheduleValidator,
  validator,
} from '../dialog/validate';
import { buildSections, suggestedName } from './editor/sections';

const TYPE = 'zfs-replicate';

const selects = (node: EditorNode, selection: string): boolean =>
  current(node, TYPE, 'snapshotSelection') === selection;

const SCHEMAS: ValidatorOptions = {
  check: (_node, text) => schemaProblem(text),
  required: (node) => (selects(node, 'schema') ? node._('common.invalid.schemas') : null),
};
const SELECTION_REGEX: ValidatorOptions = {
  check: (_node, text) => regexProblem(text),
  required: (node) => (selects(node, 'regex') ? node._('common.invalid.regex') : null),
};
const CRON: ValidatorOptions = { check: (_node, text) => cronProblem(text) };
const SPEED: ValidatorOptions = {
  check: (node, text) => (text === '' || parseSize(text) !== null ? null : node._('stream.speedInvalid')),
};
/** `onlyMatchingSchedule` means the node's own schedule, so there must be one. */
const NEEDS_SCHEDULE = jsonValidator((node, value) =>
  value === true && current(node, TYPE, 'schedule') === '' ? node._('restrictSchedule.needsSchedule') : null,
);

/** The window of `restrictSchedule`: both times and the expression are judged together. */
function restrictValidator(property: 'restrictBegin' | 'restrictEnd'): EditorValidator {
  return function (value, _nodeRed) {
    const text = (name: string): string => String(name === property ? (value ?? '') : current(this, TYPE, name));
    if (text('restrictSchedule') === '' || cronProblem(text('restrictSchedule')) !== null) return true;
    const window = { begin: text('restrictBegin'), end: text('restrictEnd') };
    const fields = { cron: 'restrictSchedule', timeZone: '', begin: 'restrictBegin', end: 'restrictEnd' };
    return complaint(() => checkCronSchedule(text('restrictSchedule'), { timeZone: '', ...window, fields })) ?? true;
  };
}

const KEY_LOCATION: ValidatorOptions = {
  check: (node, text) => (text === 'stored' || text.startsWith('/') ? null : node._('encryption.badLocation')),
  required: (node) => node._('encryption.badLocation'),
};
/** An imported flow keeps what it asks for; the runtime refuses it, and the editor says so before. */
const TRANSPORT = jsonValidator((node, value) =>
  value === 'ssh+netcat' || value === 'ssh+tls' ? node._('transport.unsupported') : null,
);
/** A full copy leaves nothing out; the runtime refuses what contradicts it. */
const WHOLE = jsonValidator((node, value) => {
  const excludes: unknown = current(node, TYPE, 'exclude');
  const less =
    (Array.isArray(excludes) && excludes.length > 0) ||
    current(node, TYPE, 'includeProperties') === false ||
    current(node, TYPE, 'onlyMatchingSchedule') === true ||
    current(node, TYPE, 'restrictSchedule') !== '' ||
    !selects(node, 'all') ||
    current(node, TYPE, 'firstCopy') !== 'all';
  return value === true && less ? node._('fullFilesystem.contradiction') : null;
});
/** What travels raw keeps its own encryption. */
const ENCRYPTION = jsonValidator((node, value) =>
  value !== 'none' && value !== undefined && current(node, TYPE, 'raw') === 'always'
    ? node._('encryption.notRaw')
    : null,
);

const PROPERTY_LIST = listValidator((node, name) => propertyNameProblem(node, String(name)));

const life = dialogOf(TYPE, (open) => {
  buildSections(open);
  scheduleSection(open);
  runningSection(open);
});

export const definition: EditorNodeDefinition = {
  category: 'ZFS',
  color: '#A6BBCF',
  icon: 'zfs-replicate.svg',
  defaults: {
    version: { value: 1 },
    name: { value: '' },
    sourceConnection: { value: '', type: 'zfs-ssh-connection', required: false },
    sourceDatasets: { value: [], validate: validator(TYPE, 'sourceDatasets', DATASETS) },
    sourceDatasetsType: { value: 'list' },
    targetConnection: { value: '', type: 'zfs-ssh-connection', required: false },
    targetDataset: { value: '', validate: validator(TYPE, 'targetDataset', DATASET) },
    targetDatasetType: { value: 'str' },
    recursive: { value: false },
    exclude: { value: [], validate: EXCLUDE },
    snapshotSelection: { value: 'all' },
    namingSchemas: { value: [], validate: validator(TYPE, 'namingSchemas', SCHEMAS) },
    namingSchemasType: { value: 'list' },
    nameRegex: { value: '', validate: validator(TYPE, 'nameRegex', SELECTION_REGEX) },
    nameRegexType: { value: 'str' },
    firstCopy: { value: 'all' },
    restrictSchedule: { value: '', validate: validator(TYPE, 'restrictSchedule', CRON) },
    restrictBegin: { value: '', validate: restrictValidator('restrictBegin') },
    restrictEnd: { value: '', validate: restrictValidator('restrictEnd') },
    onlyMatchingSchedule: { value: false, validate: NEEDS_SCHEDULE },
    createSnapshot: { value: 'ifNone' },
    timeZone: { value: '', validate: validator(TYPE, 'timeZone', TIME_ZONE) },
    whenDiverged: { value: 'refuse', validate: validator(TYPE, 'whenDiverged') },
    whenDivergedType: { value: 'str' },
    allowDestructiveFromMessage: { value: false },
    includeProperties: { value: true },
    propertiesExclude: { value: ['mountpoint', 'sharenfs', 'sharesmb'], validate: PROPERTY_LIST },
    propertiesOverride: { value: {}, validate: propertyNames(propertyNameProblem) },
    fullFilesystem: { value: false, validate: WHOLE },
    raw: { value: 'auto' },
    largeBlocks: { value: true },
    compressedBlocks: { value: true },
    embeddedBlocks: { value: false },
    encryption: { value: 'none', validate: ENCRYPTION },
    encryptionKeyFormat: { value: 'hex' },
    encryptionKeyLocation: { value: 'stored', validate: validator(TYPE, 'encryptionKeyLocation', KEY_LOCATION) },
    readonly: { value: 'set' },
    mount: { value: false },
    transport: { value: 'auto', validate: TRANSPORT },
    netcatActiveSide: { value: null },
    netcatListenAddress: { value: null },
    netcatPortMin: { value: null },
    netcatPortMax: { value: null },
    netcatConnectAddress: { value: null },
    streamCompression: { value: 'none' },
    speedLimit: { value: '', validate: validator(TYPE, 'speedLimit', SPEED) },
    speedLimitType: { value: 'str' },
    resumable: { value: true },
    holdPending: { value: true },
    parallelDatasets: { value: 2, validate: validator(TYPE, 'parallelDatasets') },
    retries: { value: 5, validate: validator(TYPE, 'retries') },
    retryDelay: { value: 1, validate: validator(TYPE, 'retryDelay') },
    stallTimeout: { value: 3600, validate: validator(TYPE, 'stallTimeout') },
    targetRetention: { value: 'none' },
    targetRetentionPolicy: { value: null, validate: POLICY },
    targetRetentionScope: { value: null, validate: SCOPE },
    maxDestroyFraction: { value: 0.5, validate: validator(TYPE, 'maxDestroyFraction') },
    partialReceive: { value: 'own' },
    mode: { value: 'execute', validate: validator(TYPE, 'mode') },
    modeType: { value: 'str' },
    schedule: { value: '', validate: scheduleValidator(TYPE, 'schedule') },
    scheduleTimeZone: { value: '', validate: scheduleValidator(TYPE, 'scheduleTimeZone') },
    scheduleBegin: { value: '', validate: scheduleValidator(TYPE, 'scheduleBegin') },
    scheduleEnd: { value: '', validate: scheduleValidator(TYPE, 'scheduleEnd') },
    runOnDeploy: { value: false },
    catchUp: { value: false },
    enabled: { value: true },
    overlap: { value: 'skip' },
    logLevel: { value: 'info' },
  },
  credentials: {
    encryptionKey: { type: 'password' },
  },
  inputs: 1,
  outputs: 3,
  outputLabels: LABELS.outputLabels,
  paletteLabel: 'zfs replicate',
  label() {
    return this.name || suggestedName(this) || this._('label');
  },
  labelStyle: LABELS.labelStyle,
  oneditprepare: life.prepare,
  oneditsave: life.save,
  oneditcancel: life.close,
};
