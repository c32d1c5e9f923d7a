// Step 4: when it runs, and what becomes of the copies in between.
import { suggestedAlert } from '../../../src/wizard/alert';
import { SCHEDULES, scheduleOf } from '../../../src/wizard/answers';
import { ask, isRefusal } from '../../dialog/admin';
import { textOf } from '../../dialog/dialog';
import { Form, make } from './form';
import type { Stage, Step } from './step';
import { t } from './translate';
import { warning } from './warning';

/** Runs that are shown. */
const RUNS = 5;
/** Milliseconds without a key pressed before the runtime is asked. */
const PATIENCE = 250;
const MOST_ZONES = 12;

export function scheduleStep(stage: Stage): Step {
  const { store } = stage;
  const form = new Form(make('div', { class: 'zfs-wizard-step' }), store);
  const when = form.part(t('schedule.title'));
  const presets = SCHEDULES.map((value) => [value, t(`schedule.preset.${value.replace('@', '') || 'once'}`)] as const);
  form.choice(when, 'schedule', presets, { label: t('schedule.label') });
  const cron = form.text(when, 'scheduleCron', {
    label: t('schedule.cron'),
    hint: t('schedule.cronHint'),
    placeholder: '30 2 * * 1-5',
    mono: true,
  });
  const zone = form.text(when, 'scheduleTimeZone', {
    label: t('schedule.timeZone'),
    placeholder: t('common.timeZonePlaceholder'),
  });
  suggestZones(form, stage);
  const runs = make('div', { class: 'zfs-sentence zfs-wizard-runs', role: 'status', 'data-zfs-runs': '' }).appendTo(
    when,
  );
  form.showWhen(() => store.answers.schedule === 'custom', cron);
  form.showWhen(() => store.answers.schedule !== '', zone);
  nextRuns(form, stage, runs);
  warning(form, stage, when, 'schedule');
  const after = form.part(t('schedule.copies'));
  const words = (['set', 'require', 'ignore'] as const).map((value) => [value, t(`readonly.${value}`)] as const);
  form.choice(after, 'readonly', words, { label: t('readonly.label') });
  form.live(() => form.hint('readonly', t(`readonly.about.${store.answers.readonly}`)));
  alertRow(form, stage, after);
  return { form };
}

/** When somebody is told that it has not worked for too long; suggested where the schedule alone does not say. */
function alertRow(form: Form, { store }: Stage, parent: JQuery): void {
  const input = make('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder: '36h' });
  const row = form.row(parent, 'alertAfter', input, { label: t('schedule.alert') });
  input.on('input change', () => {
    if (textOf(input) !== shown()) store.set({ alertAfter: textOf(input).trim() });
  });
  const shown = (): string => store.answers.alertAfter ?? suggestedAlert(store.answers);
  form.live(() => {
    if (textOf(input).trim() !== shown()) input.val(shown());
    const isSuggested = store.answers.alertAfter === null && shown() !== '';
    form.hint('alertAfter', t(isSuggested ? 'schedule.alertSuggested' : 'schedule.alertHint'));
  });
  form.showWhen(() => store.answers.schedule !== '', row);
}

function suggestZones(form: Form, { store }: Stage): void {
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  const input = form.input('scheduleTimeZone');
  input.autoComplete({
    search: (value) => {
      const wanted = value.trim().toLowerCase();
      if (wanted === '') return [];
      const found = zones.filter((zone) => zone.toLowerCase().includes(wanted)).slice(0, MOST_ZONES);
      return found.map((zone) => ({ value: zone, label: zone }));
    },
  });
  // It sets the value without an event of its own.
  input.on('change blur', () => store.set({ scheduleTimeZone: textOf(input).trim() }));
}

/** What the runtime makes of the schedule: its zones and its clock are meant, not the browser's. */
function nextRuns(form: Form, { store, closed }: Stage, place: JQuery): void {
  let asked = '';
  let patience: number | undefined;
  const show = (text: string, times: readonly string[] = []): void => {
    place.empty();
    make('div').text(text).appendTo(place);
    if (times.length === 0) return;
    const list = make('ol').appendTo(place);
    for (const time of times) make('li').text(time).appendTo(list);
  };
  const look = async (question: object): Promise<void> => {
    const mine = asked;
    const answer = await ask<{ times: string[] }>('next-runs', { ...question, count: RUNS }, t, closed);
    if (asked !== mine || closed.aborted) return;
    place.toggleClass('zfs-error', isRefusal(answer));
    if (isRefusal(answer)) show(answer.message);
    else if (answer.times.length === 0) show(t('common.schedule.never'));
    else show(t('schedule.next'), answer.times);
  };
  form.live(() => {
    const schedule = scheduleOf(store.answers);
    const question = { schedule, scheduleTimeZone: store.answers.scheduleTimeZone };
    const text = JSON.stringify(question);
    if (text === asked) return;
    asked = text;
    window.clearTimeout(patience);
    if (schedule === '') {
      place.removeClass('zfs-error');
      show(t(store.answers.schedule === '' ? 'schedule.once' : 'schedule.noCron'));
      return;
    }
    patience = window.setTimeout(() => void look(question), PATIENCE);
  });
  closed.addEventListener('abort', () => window.clearTimeout(patience));
}
