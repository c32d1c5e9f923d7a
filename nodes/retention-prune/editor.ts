// The zfs-retention-prune dialog. What its properties mean is nodes/fields.ts; what is deleted, src/retention/plan/plan.ts.
import type { Destination } from '../../src/retention/kinds';
import type { RetentionPolicy, RetentionScope } from '../../src/retention/plan/policy';
import { datasetProblem } from '../dialog/checks';
import { connectionLabel } from '../dialog/connection';
import { sourceSection } from '../dialog/dataset-fields';
import { defaultsOf } from '../dialog/defaults';
import { dialogOf } from '../dialog/dialog-life';
import { type Dialog, textOf } from '../dialog/dialog';
import { LABELS } from '../dialog/labels';
import { retentionPreview } from '../dialog/preview';
import { connectionChoice, policyEditor, summarizePolicy } from '../dialog/retention';
import { checkWhileTyping, rows } from '../dialog/rows';
import { RUN_BUTTON } from '../dialog/run-button';
import { runningSection, scheduleSection } from '../dialog/running';
import { isEmptyScope, scopeEditor, summarizeScope } from '../dialog/scope';
import { shareInput } from '../dialog/share';
import { typedChoice } from '../dialog/typed';
import { timeZoneInput } from '../dialog/zones';

const TYPE = 'zfs-retention-prune';

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
  typedChoice(open, 'mode');
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

export const definition: EditorNodeDefinition = {
  category: 'ZFS',
  color: '#FDD0A2',
  icon: 'zfs-retention-prune.svg',
  defaults: defaultsOf(TYPE),
  inputs: 1,
  outputs: 3,
  outputLabels: LABELS.outputLabels,
  paletteLabel: 'zfs prune',
  label: LABELS.label,
  labelStyle: LABELS.labelStyle,
  button: RUN_BUTTON,
  oneditprepare: life.prepare,
  oneditsave: life.save,
  oneditcancel: life.close,
};
