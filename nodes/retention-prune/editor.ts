// The zfs-retention-prune dialog. What its properties mean is nodes/fields.ts; what is deleted, src/retention/plan/plan.ts.
import type { RetentionPolicy, RetentionScope } from '../../src/retention/plan/policy';
import { datasetProblem, minFreeProblem } from '../dialog/checks';
import { connectionLabel } from '../dialog/connection';
import { sourceSection } from '../dialog/dataset-fields';
import { LABELS, dialogOf } from '../dialog/definition';
import { type Dialog, textOf } from '../dialog/dialog';
import { EXCLUDE, POLICY, SCOPE, listValidator } from '../dialog/policy-check';
import { retentionPreview } from '../dialog/preview';
import { connectionChoice, policyEditor, summarizePolicy } from '../dialog/retention';
import { checkWhileTyping, rows } from '../dialog/rows';
import { runningSection, scheduleSection } from '../dialog/running';
import { isEmptyScope, scopeEditor, summarizeScope } from '../dialog/scope';
import { shareInput } from '../dialog/share';
import { typedChoice } from '../dialog/typed';
import { DATASETS, TIME_ZONE, type ValidatorOptions, scheduleValidator, validator } from '../dialog/validate';
import { timeZoneInput } from '../dialog/zones';

const TYPE = 'zfs-retention-prune';
const MIN_FREE: ValidatorOptions = { check: minFreeProblem };

interface Destination {
  connection: string;
  dataset: string;
}

const DESTINATIONS = listValidator((_node, entry) => datasetProblem((entry as Destination).dataset));

function scopeSection(open: Dialog): void {
  const scope = scopeEditor(open, open.form.find('.zfs-scope'), open.value('scope') as RetentionScope);
  open.store('scope', scope);
  open.showWhen('.zfs-scope-empty', () => isEmptyScope(scope()));
  open.summary('scope', () => summarizeScope(open, scope()));
}

function rulesSection(open: Dialog): void {
  const stored = open.value('policy') as RetentionPolicy;
  const policy = policyEditor(open, open.form.find('#zfs-policy'), open.form.find('.zfs-policy-words'), stored);
  open.store('policy', policy);
  timeZoneInput(open, 'timeZone');
  open.summary('rules', () => summarizePolicy(open, policy()));
  retentionPreview(open, open.form.find('.zfs-preview-holder'), () => open.present());
}

function destinationsSection(open: Dialog): void {
  const list = rows<Destination>({
    dialog: open,
    element: open.form.find('#zfs-protect-for'),
    initial: open.value('protectFor') as Destination[],
    addLabel: open.t('protect.add'),
    blank: () => ({ connection: '', dataset: '' }),
    build: (row, destination) => {
      const connection = connectionChoice(open, row, destination.connection);
      const dataset = $('<input>', {
        type: 'text',
        class: 'zfs-mono',
        placeholder: 'backup/data',
        'aria-label': open.t('common.dataset.one'),
      })
        .val(destination.dataset)
        .appendTo(row);
      checkWhileTyping(open, dataset, datasetProblem);
      return () => ({ connection: textOf(connection), dataset: textOf(dataset).trim() });
    },
  });
  open.store('protectFor', () => list.values().filter(({ dataset }) => dataset !== ''));
  open.summary('protect', () =>
    list.values().length === 0
      ? open.t('protect.none')
      : list
          .values()
          .map(({ connection, dataset }) => `${connectionLabel(open, connection)}: ${dataset}`)
          .join(', '),
  );
}

function safetySection(open: Dialog): void {
  typedChoice(open, 'mode', ['plan', 'execute', 'approve']);
  open.showWhen('.zfs-approve', () => open.shown('mode') !== 'execute' || open.shown('modeType') !== 'str');
  shareInput(open, 'maxDestroyFraction');
  open.summary('safety', () => {
    const literal = open.shown('modeType') === 'str';
    const mode = literal ? open.t(`mode.${open.shown('mode')}`) : `${open.shown('modeType')}.${open.shown('mode')}`;
    return [mode, open.shown('minFree') === '' ? '' : open.t('minFree.short', { size: open.shown('minFree') })]
      .filter((part) => part !== '')
      .join(' · ');
  });
}

function build(open: Dialog): void {
  sourceSection(open);
  scopeSection(open);
  rulesSection(open);
  destinationsSection(open);
  safetySection(open);
  scheduleSection(open);
  runningSection(open);
}

const life = dialogOf(TYPE, build);

RED.nodes.registerType('zfs-retention-prune', {
  category: 'ZFS',
  color: '#FDD0A2',
  icon: 'zfs-retention-prune.svg',
  defaults: {
    version: { value: 1 },
    name: { value: '' },
    connection: { value: '', type: 'zfs-ssh-connection', required: false },
    datasets: { value: [], validate: validator(TYPE, 'datasets', DATASETS) },
    datasetsType: { value: 'list' },
    recursive: { value: false },
    exclude: { value: [], validate: EXCLUDE },
    scope: { value: { namingSchemas: [], nameRegex: '' }, validate: SCOPE },
    policy: { value: { keep: [] }, validate: POLICY },
    ageFrom: { value: 'creation' },
    timeZone: { value: '', validate: validator(TYPE, 'timeZone', TIME_ZONE) },
    protectFor: { value: [], validate: DESTINATIONS },
    mode: { value: 'plan', validate: validator(TYPE, 'mode') },
    modeType: { value: 'str' },
    planLifetime: { value: 24, validate: validator(TYPE, 'planLifetime') },
    keepAtLeast: { value: 1, validate: validator(TYPE, 'keepAtLeast') },
    maxDestroyFraction: { value: 0.5, validate: validator(TYPE, 'maxDestroyFraction') },
    maxDestroyCount: { value: 1000, validate: validator(TYPE, 'maxDestroyCount') },
    minFree: { value: '', validate: validator(TYPE, 'minFree', MIN_FREE) },
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
  inputs: 1,
  outputs: 3,
  outputLabels: LABELS.outputLabels,
  paletteLabel: 'zfs prune',
  label: LABELS.label,
  labelStyle: LABELS.labelStyle,
  oneditprepare: life.prepare,
  oneditsave: life.save,
  oneditcancel: life.close,
});
