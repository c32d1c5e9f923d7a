// The two sections at the end of every action node: its schedule, and how it runs (running.html, schedule.html).
import { parseSchedule } from '../../src/time/schedule';
import { wallTimeOf } from '../../src/time/zone';
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
  const next = dialog.form.find('.zfs-schedule-next');
  dialog.onChange(() => {
    const text = describeNext(dialog);
    next.text(text).toggleClass('zfs-hidden', text === '');
  });
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
  return parts.filter((part) => part !== '').join(' · ');
}

const NEXT_RUNS = 3;

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** The next runs as the clock of the schedule's zone shows them, '' when there is no schedule or none that is valid. */
function describeNext(dialog: Dialog): string {
  const options = Object.fromEntries(
    ['schedule', 'scheduleTimeZone', 'scheduleBegin', 'scheduleEnd'].map((name) => [name, dialog.shown(name)]),
  );
  let schedule;
  try {
    schedule = parseSchedule(options);
  } catch {
    return '';
  }
  if (schedule === null) return '';
  const times: string[] = [];
  let after = new Date();
  while (times.length < NEXT_RUNS) {
    const run = schedule.nextRun(after);
    if (run === null) break;
    const { year, month, day, hour, minute } = wallTimeOf(run, schedule.timeZone);
    const weekday = new Date(Date.UTC(year, month - 1, day)).toLocaleDateString(undefined, {
      weekday: 'short',
      timeZone: 'UTC',
    });
    times.push(`${weekday} ${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}`);
    after = run;
  }
  if (times.length === 0) return dialog.t('common.schedule.never');
  return dialog.t('common.schedule.next', { times: times.join(' · ') });
}
