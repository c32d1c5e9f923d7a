// The two sections at the end of every action node: its schedule, and how it runs (running.html, schedule.html).
import { ask, isRefusal } from './admin';
import type { Dialog } from './dialog';
import { textOf } from './dialog';
import { timeZoneInput } from './zones';

const PRESETS: ReadonlySet<string> = new Set(['', '@hourly', '@daily', '@weekly', '@monthly', '@yearly']);

export function runningSection(dialog: Dialog): void {
  dialog.summary('running', () =>
    [
      dialog.checked('enabled') ? '' : dialog.t('common.running.off'),
      dialog.shown('overlap') === 'queue' ? dialog.t('common.running.queueShort') : '',
      dialog.t('common.running.logShort', { level: dialog.shown('logLevel') }),
    ]
      .filter((part) => part !== '')
      .join(' · '),
  );
}

export function scheduleSection(dialog: Dialog): void {
  const cron = dialog.input('schedule');
  const preset = dialog.form.find('#zfs-schedule-preset');
  const stored = textOf(cron);
  preset.val(PRESETS.has(stored) ? stored : 'cron');
  // Kept apart from the input, so that looking at a preset does not lose the expression.
  let expression = PRESETS.has(stored) ? '' : stored;
  preset.on('change', () => {
    const chosen = textOf(preset);
    cron.val(chosen === 'cron' ? expression : chosen).trigger('change');
  });
  cron.on('change keyup', () => {
    if (textOf(preset) === 'cron') expression = textOf(cron);
  });
  dialog.showWhen('.zfs-schedule-cron', () => textOf(preset) === 'cron');
  dialog.showWhen('.zfs-scheduled', () => textOf(preset) !== '');
  timeZoneInput(dialog, 'scheduleTimeZone');
  nextRuns(dialog, dialog.form.find('.zfs-schedule-next'));
  dialog.summary('schedule', () => describeSchedule(dialog, preset));
}

function describeSchedule(dialog: Dialog, preset: JQuery): string {
  const chosen = textOf(preset);
  const when = chosen === 'cron' ? dialog.shown('schedule') : preset.find('option:selected').text();
  const begin = dialog.shown('scheduleBegin');
  const end = dialog.shown('scheduleEnd');
  const parts = [when];
  if (chosen !== '') {
    if (begin !== '' || end !== '') parts.push(`${begin || '00:00'}–${end || '24:00'}`);
    parts.push(dialog.shown('scheduleTimeZone'));
  }
  if (dialog.checked('runOnDeploy')) parts.push(dialog.t('common.schedule.runOnDeployShort'));
  const alertAfter = dialog.shown('alertAfter');
  if (alertAfter !== '') parts.push(dialog.t('common.schedule.alertAfterShort', { time: alertAfter }));
  return parts.filter((part) => part !== '').join(' · ');
}

/** Milliseconds after the last change until the runtime is asked. */
const PAUSE_MS = 200;

/**
 * The next runs, as the clock of the schedule's zone shows them; nothing where there is no schedule or none that is valid.
 * The runtime says when: the machine's own zone is its machine's, and what reads expressions is too large for a browser.
 */
function nextRuns(dialog: Dialog, line: JQuery): void {
  const shown = (): Record<string, unknown> =>
    Object.fromEntries(
      ['schedule', 'scheduleTimeZone', 'scheduleBegin', 'scheduleEnd'].map((name) => [name, dialog.shown(name)]),
    );
  let asked = '';
  let pause = 0;
  const show = (text: string): void => void line.text(text).toggleClass('zfs-hidden', text === '');
  dialog.onClose(() => window.clearTimeout(pause));
  dialog.onChange(() => {
    const question = shown();
    const mine = JSON.stringify(question);
    if (mine === asked) return;
    asked = mine;
    show('');
    window.clearTimeout(pause);
    if (question['schedule'] === '') return;
    pause = window.setTimeout(() => {
      void ask<{ times: string[] }>('next-runs', question, (key, values) => dialog.t(key, values)).then((answer) => {
        // Changed meanwhile: this answer is about another schedule.
        if (asked === mine) show(isRefusal(answer) ? '' : describeNext(dialog, answer.times));
      });
    }, PAUSE_MS);
  });
}

/** `times`: `2026-11-22 03:00` */
function describeNext(dialog: Dialog, times: readonly string[]): string {
  if (times.length === 0) return dialog.t('common.schedule.never');
  const described = times.map((time) => {
    const day = new Date(`${time.slice(0, 10)}T00:00:00Z`);
    return `${day.toLocaleDateString(undefined, { weekday: 'short', timeZone: 'UTC' })} ${time}`;
  });
  return dialog.t('common.schedule.next', { times: described.join(' · ') });
}
