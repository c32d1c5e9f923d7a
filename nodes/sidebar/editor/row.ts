// One task in the list: built once, then changed in place. What is pressed in it is the list's to answer.
import { button, element, icon, setAttribute, setHidden, setLine, setText } from '../../dialog/dom';
import type { Shown } from './flows';
import { needsAttention } from './order';
import type { Progress, Task } from './task';
import { t } from './translate';
import { fullTime, progressOf, progressText, remark, runText, waysText, whenText } from './words';

/** Milliseconds after which "3 h ago" may be another text. */
export const TEXTS_LAST = 20_000;

export class Row {
  readonly root: HTMLLIElement;
  readonly state: HTMLButtonElement;
  readonly menu: HTMLButtonElement;
  /** Below the row: the log, and questions. */
  readonly below = element('div', { class: 'zfs-task-below' });
  /** As it was drawn last. */
  shown: Shown;
  private readonly name = element('span', { class: 'zfs-task-name' });
  private readonly stateText = element('span', { class: 'zfs-task-state-text' });
  private readonly ways = element('div', { class: 'zfs-task-ways' });
  private readonly when = element('div', { class: 'zfs-task-when' });
  private readonly remark = element('div', { class: 'zfs-task-remark' });
  private readonly note = element('div', { class: 'zfs-task-note' });
  private readonly bar = element('div', { class: 'zfs-task-bar', role: 'progressbar', 'aria-valuemin': '0' });
  private readonly barText = element('div', { class: 'zfs-task-progress-text' });
  private readonly progress = element('div', { class: 'zfs-task-progress' }, this.bar, this.barText);
  private readonly fill = element('div');
  private found = '';
  private drawn = '';

  constructor(shown: Shown) {
    this.shown = shown;
    // Dates in full take long to write, and only who points at them reads them.
    this.when.addEventListener('pointerenter', () => (this.when.title = timesOf(this.shown.task)));
    const { id } = shown.task;
    this.bar.append(this.fill);
    this.bar.setAttribute('aria-valuemax', '100');
    this.state = button(
      { class: 'zfs-task-state', 'data-zfs-action': 'log', 'aria-expanded': 'false', tabindex: '-1' },
      element('span', { class: 'zfs-task-dot', 'aria-hidden': 'true' }),
      this.stateText,
      icon('fa-angle-down'),
    );
    const menu = { class: 'zfs-task-menu', 'data-zfs-action': 'menu', 'aria-haspopup': 'menu', tabindex: '-1' };
    this.menu = button({ ...menu, 'aria-expanded': 'false' }, icon('fa-ellipsis-v'));
    const head = element('div', { class: 'zfs-task-head' }, this.name, this.state, this.menu);
    const facts = element('div', { class: 'zfs-task-facts' }, this.ways, this.when);
    this.root = element(
      'li',
      { class: 'zfs-task', 'data-zfs-task': id },
      element('div', { class: 'zfs-task-row' }, head, facts, this.progress, this.remark, this.note),
      this.below,
    );
  }

  /** `now`: in milliseconds, by the server's clock. */
  update(shown: Shown, now: number): void {
    const { task, differs } = shown;
    // Most of what is told again is as it was.
    const drawn = `${Math.floor(now / TEXTS_LAST)} ${differs ?? ''} ${JSON.stringify(task)}`;
    this.shown = shown;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const name = nameOf(task);
    const state = stateText(task);
    setAttribute(this.root, 'data-zfs-state', task.state);
    setAttribute(this.root, 'data-zfs-late', task.late === undefined ? null : '');
    this.root.classList.toggle('zfs-task-wrong', needsAttention(task));
    setText(this.name, name);
    setAttribute(this.name, 'title', placeOf(task));
    // What is late is not "ok" to anybody, and what is idle is not only that.
    const overdue = isOverdue(task);
    this.root.classList.toggle('zfs-task-overdue', overdue);
    setText(this.stateText, overdue ? t('state.late') : t(`state.${task.state}`));
    setAttribute(this.state, 'aria-label', t('label.log', { state, name }));
    setAttribute(this.state, 'title', task.status.text === '' ? t('label.logShort') : task.status.text);
    setAttribute(this.menu, 'aria-label', t('label.menu', { name }));
    setLine(this.ways, waysText(task));
    setLine(this.when, task.state === 'undeployed' ? '' : whenText(task, now, t), this.when.title);
    setLine(this.remark, remark(task, now, t));
    setLine(this.note, differs === undefined ? '' : t(`differs.${differs}`));
    this.updateProgress(task);
    this.found = [name, state, task.type, waysText(task), ...task.path.map(({ label }) => label)]
      .join(' ')
      .toLowerCase();
  }

  /** Why it could not be drawn. */
  explain(reason: string): void {
    setLine(this.remark, reason);
  }

  matches(filter: readonly string[]): boolean {
    return filter.every((word) => this.found.includes(word));
  }

  private updateProgress(task: Task): void {
    const runs = task.jobs.some(({ state }) => state === 'running');
    setHidden(this.progress, !runs);
    if (!runs) return;
    const progress: Progress | undefined = progressOf(task);
    const percent = progress?.percent;
    const known = percent === undefined ? null : String(Math.min(100, Math.max(0, Math.floor(percent))));
    setAttribute(this.bar, 'aria-label', t('label.progress', { name: nameOf(task) }));
    setAttribute(this.bar, 'aria-valuenow', known);
    this.bar.classList.toggle('zfs-task-bar-unknown', known === null);
    this.fill.style.width = known === null ? '' : `${percent ?? 0}%`;
    setLine(this.barText, progressText(progress, t) || t('progress.begins'));
  }
}

function isOverdue({ state, late }: Task): boolean {
  return late !== undefined && (state === 'ok' || state === 'idle');
}

/** "ok, late" */
function stateText({ state, late }: Task): string {
  return late === undefined ? t(`state.${state}`) : `${t(`state.${state}`)}, ${t('state.late')}`;
}

export function nameOf({ name, type }: Task): string {
  if (name !== '') return name;
  const key = `type.${type}`;
  const known = t(key);
  // Node-RED answers with the key where there is no text: a type that is newer than this file.
  return known.endsWith(key) ? type : known;
}

/** "Backup › NAS › Nightly" */
function placeOf(task: Task): string {
  return [...task.path.map(({ label }) => label), nameOf(task)].join(' › ');
}

function timesOf(task: Task): string {
  const lines = [
    task.last === undefined ? '' : t('times.last', { run: runText(task.last, t) }),
    task.lastSuccess === undefined ? '' : t('times.success', { time: fullTime(task.lastSuccess) }),
    task.next === undefined ? '' : t('times.next', { time: fullTime(task.next, task.timeZone) }),
  ];
  return lines.filter((line) => line !== '').join('\n');
}
