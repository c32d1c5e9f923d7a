// The zfs-replicate dialog: its definition and when its parts are built. The parts are in sections.ts; what is sent is
// decided by src/replication/plan/plan.ts.
import { checkCronSchedule } from '../../src/time/check-schedule';
import { complaint, cronProblem, regexProblem } from '../dialog/checks';
import { credentialsOf, defaultsOf } from '../dialog/defaults';
import { dialogOf } from '../dialog/dialog-life';
import { LABELS } from '../dialog/labels';
import { suggestedName } from '../dialog/landings';
import { RUN_BUTTON } from '../dialog/run-button';
import { runningSection, scheduleSection } from '../dialog/running';
import { current } from '../dialog/validate';
import { buildSections } from './editor/sections';

const TYPE = 'zfs-replicate';

const selects = (node: EditorNode, selection: string): boolean =>
  current(node, TYPE, 'snapshotSelection') === selection;

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

/** Whether something contradicts `fullFilesystem`, which leaves nothing out. */
function leavesOut(node: EditorNode): boolean {
  const excludes: unknown = current(node, TYPE, 'exclude');
  return (
    (Array.isArray(excludes) && excludes.length > 0) ||
    current(node, TYPE, 'includeProperties') === false ||
    current(node, TYPE, 'onlyMatchingSchedule') === true ||
    current(node, TYPE, 'restrictSchedule') !== '' ||
    !selects(node, 'all') ||
    current(node, TYPE, 'firstCopy') !== 'all'
  );
}

const overTcp = (node: EditorNode): boolean => String(current(node, TYPE, 'transport')).startsWith('ssh+');

/** One end is the machine that runs Node-RED. */
const isMixed = (node: EditorNode): boolean =>
  (current(node, TYPE, 'sourceConnection') === '') !== (current(node, TYPE, 'targetConnection') === '');

/** What concerns two properties; the runtime refuses the same (src/replication/setup/check-options.ts). */
const DEFAULTS = defaultsOf(TYPE, {
  namingSchemas: {
    required: (node) => (selects(node, 'schema') ? node._('common.invalid.schemas') : null),
  },
  nameRegex: {
    check: (node, text) => (selects(node, 'regex') ? regexProblem(text) : null),
    required: (node) => (selects(node, 'regex') ? node._('common.invalid.regex') : null),
  },
  restrictBegin: restrictValidator('restrictBegin'),
  restrictEnd: restrictValidator('restrictEnd'),
  onlyMatchingSchedule: {
    beside: (node, value) =>
      value === true && current(node, TYPE, 'schedule') === '' ? node._('restrictSchedule.needsSchedule') : null,
  },
  fullFilesystem: {
    beside: (node, value) => (value === true && leavesOut(node) ? node._('fullFilesystem.contradiction') : null),
  },
  netcatActiveSide: {
    beside: (node, value) =>
      (value === 'local' || value === 'remote') && overTcp(node) && !isMixed(node)
        ? node._('transport.sideContradiction')
        : null,
  },
  netcatPortMax: {
    beside: (node, value) =>
      Number(value) > 0 && Number(current(node, TYPE, 'netcatPortMin')) > Number(value)
        ? node._('transport.portsContradiction')
        : null,
  },
  encryption: {
    beside: (node, value) =>
      value !== 'none' && current(node, TYPE, 'raw') === 'always' ? node._('encryption.notRaw') : null,
  },
});

const life = dialogOf(TYPE, (open) => {
  buildSections(open);
  scheduleSection(open);
  runningSection(open);
});

export const definition: EditorNodeDefinition = {
  category: 'ZFS',
  color: '#A6BBCF',
  icon: 'zfs-replicate.svg',
  defaults: DEFAULTS,
  credentials: credentialsOf(TYPE),
  inputs: 1,
  outputs: 3,
  outputLabels: LABELS.outputLabels,
  paletteLabel: 'zfs replicate',
  label() {
    return this.name || suggestedName(this) || this._('label');
  },
  labelStyle: LABELS.labelStyle,
  button: RUN_BUTTON,
  oneditprepare: life.prepare,
  oneditsave: life.save,
  oneditcancel: life.close,
};
