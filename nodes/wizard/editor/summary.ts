// Step 6: in words what will be made, its name and its place, and a look at both machines before anything is.
import { suggestedName } from '../../../src/wizard/name';
import { textOf } from '../../dialog/dialog';
import { mayMakeNodes } from '../../dialog/permissions';
import { checkPart } from './check';
import { flowOf } from './create';
import { Form, make } from './form';
import type { Stage, Step } from './step';
import { sentencesOf } from './sentences';
import { tabChoices, tabHint, tabProblem } from './tabs';
import { t } from './translate';
import { warning } from './warning';

export function summaryStep(stage: Stage): Step {
  const { store, machines } = stage;
  const form = new Form(make('div', { class: 'zfs-wizard-step' }), store);
  const what = form.part(t('summary.title'));
  warning(form, stage, what, 'sourceDatasets');
  const list = make('ul', { class: 'zfs-wizard-summary' }).appendTo(what);
  form.live(() => {
    list.empty();
    for (const { icon, text } of sentencesOf(store.answers, machines)) {
      make('li')
        .append(make('i', { class: `fa ${icon}`, 'aria-hidden': 'true' }), make('span').text(text))
        .appendTo(list);
    }
  });
  const place = form.part(t('summary.tabTitle'));
  nameRow(form, stage, place);
  form.choice(place, 'tab', tabChoices(), { label: t('summary.tab') });
  form.live(() => form.hint('tab', tabHint(store)));
  checkPart(form, stage);
  if (!mayMakeNodes()) copyPart(form, stage);
  return {
    form,
    complaints: () => {
      const why = tabProblem(store);
      return why === '' ? [] : [{ field: 'tab', text: why }];
    },
    shown: () => {
      const select = form.input('tab');
      const chosen = textOf(select);
      if (chosen !== store.answers.tab) select.val(store.answers.tab);
    },
  };
}

/** Suggested as long as nobody has typed another; what is typed stays. */
function nameRow(form: Form, { store }: Stage, parent: JQuery): void {
  const input = make('input', { type: 'text', autocomplete: 'off' });
  form.row(parent, 'name', input, { label: t('summary.name') });
  let typed = store.answers.name !== '';
  input.on('input change', () => {
    if (!typed && textOf(input) === suggestion()) return;
    typed = true;
    if (textOf(input) !== store.answers.name) store.set({ name: textOf(input) });
  });
  const suggestion = (): string => suggestedName(store.answers.sourceDatasets, store.answers.targetDataset);
  form.live(() => {
    if (store.answers.name !== '') typed = true;
    const wanted = typed ? store.answers.name : suggestion();
    if (textOf(input) !== wanted) input.val(wanted);
    input.attr('placeholder', suggestion());
  });
}

/** For somebody else to import: without keys and passwords. */
function copyPart(form: Form, { store, machines }: Stage): void {
  const part = form.part(t('summary.copyFlow'), t('summary.copyAbout'));
  const button = make('button', { type: 'button', class: 'red-ui-button', 'data-zfs-action': 'copy-flow' });
  button.append(make('i', { class: 'fa fa-clipboard', 'aria-hidden': 'true' }), ` ${t('summary.copyFlow')}`);
  button.appendTo(part).on('click', () => {
    const nodes = flowOf(store.answers, machines, false);
    RED.clipboard.copyText(JSON.stringify(nodes, null, 2), button, t('summary.copied'));
  });
}
