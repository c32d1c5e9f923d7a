// One task: its state, which opens its log, and its buttons.
import type { Task } from '../../admin/task-answers';
import { button, element, setAttribute, setText, toggle } from './elements';
import { LogView } from './log-view';
import { ago, clock, t } from './texts';

export interface RowEvents {
  run: (id: string) => void;
  cancel: (id: string) => void;
  /** What a request of the row has come to nothing for. */
  failed: (reason: unknown) => void;
}

export class Row {
  readonly element: HTMLElement;
  private readonly state: HTMLButtonElement;
  private readonly name = element('strong');
  private readonly where = element('span', { class: 'quiet' });
  private readonly when = element('span', { class: 'quiet' });
  private readonly why = element('span', { class: 'why' });
  private readonly bar = element(
    'div',
    { role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100' },
    element('i'),
  );
  private readonly runButton: HTMLButtonElement;
  private readonly cancelButton: HTMLButtonElement;
  private readonly question = element('div', { class: 'question', 'data-zfs-confirm': '' });
  private log: LogView | undefined;
  private task: Task;

  constructor(
    task: Task,
    private readonly events: RowEvents,
  ) {
    this.task = task;
    this.state = button('log', '', () => this.toggleLog());
    this.state.setAttribute('aria-expanded', 'false');
    this.runButton = button('run', t('run'), () => this.askOrRun());
    this.cancelButton = button('cancel', t('cancel'), () => events.cancel(this.task.id));
    const text = element('div', { class: 'text' }, this.name, this.where, this.when, this.why, this.bar);
    const buttons = element('div', { class: 'buttons' }, this.runButton, this.cancelButton);
    this.element = element('li', { 'data-zfs-task': task.id }, this.state, text, buttons, this.question);
    toggle(this.question, false);
  }

  update(task: Task, now: number, mayRun: boolean): void {
    this.task = task;
    const [job] = task.jobs;
    setAttribute(this.element, 'data-zfs-state', task.state);
    setAttribute(this.element, 'data-zfs-late', task.late === undefined ? undefined : '');
    setText(this.state, t(`state.${task.state}`));
    setText(this.name, nameOf(task));
    setText(this.where, [task.from, task.to].filter((end) => end !== undefined).join(' → '));
    setText(this.when, whenOf(task, now));
    setText(this.why, whyOf(task));
    toggle(this.why, this.why.textContent !== '');
    const percent = job?.progress?.['percent'];
    toggle(this.bar, percent !== undefined);
    setAttribute(this.bar, 'aria-valuenow', percent === undefined ? undefined : String(Math.floor(percent)));
    setAttribute(
      this.bar,
      'aria-label',
      percent === undefined ? undefined : t('progress', { percent: Math.floor(percent) }),
    );
    (this.bar.firstElementChild as HTMLElement).style.width = `${percent ?? 0}%`;
    toggle(this.runButton, mayRun && task.can.run && task.jobs.length === 0);
    toggle(this.cancelButton, mayRun && task.jobs.length > 0);
  }

  async updateLog(): Promise<void> {
    await this.log?.update();
  }

  private toggleLog(): void {
    this.log?.element.remove();
    this.log = this.log === undefined ? new LogView(this.task.id, nameOf(this.task), this.events.failed) : undefined;
    this.state.setAttribute('aria-expanded', String(this.log !== undefined));
    if (this.log === undefined) return;
    this.element.append(this.log.element);
    this.log.update().catch(this.events.failed);
  }

  private askOrRun(): void {
    if (this.task.destructive !== true) {
      this.events.run(this.task.id);
      return;
    }
    const close = (): void => {
      toggle(this.question, false);
      this.runButton.focus();
    };
    const yes = button('confirm', t('yes'), () => {
      close();
      this.events.run(this.task.id);
    });
    const no = button('cancel', t('no'), close);
    const text = element('p', { role: 'alert' }, t('confirm', { name: nameOf(this.task) }));
    this.question.replaceChildren(text, element('div', { class: 'buttons' }, yes, no));
    toggle(this.question, true);
    no.focus();
  }
}

export const nameOf = ({ name, type, id }: Task): string => (name === '' ? `${type} ${id}` : name);

function whenOf({ last, next, jobs }: Task, now: number): string {
  const begun = jobs[0]?.startedAt;
  const before = last === undefined ? t('never') : t('last', { time: ago(last.endedAt, now) });
  const parts = begun === undefined ? [before] : [ago(begun, now)];
  return [...parts, ...(next === undefined ? [] : [t('next', { time: clock(next) })])].join(' · ');
}

function whyOf({ state, last, late, pause, jobs }: Task): string {
  const parts = [];
  if (late !== undefined) parts.push(t('lateSince', { time: clock(late.since) }));
  if (pause?.until !== undefined) parts.push(t('pausedUntil', { by: pause.by, time: clock(pause.until) }));
  else if (pause !== undefined) parts.push(t('pausedBy', { by: pause.by }));
  if (pause?.note !== undefined) parts.push(pause.note);
  if (state === 'failed' && last !== undefined) parts.push(last.text);
  const waiting = jobs.find(({ waitingFor }) => waitingFor !== undefined)?.waitingFor;
  if (waiting !== undefined) parts.push(waiting);
  return parts.join(' · ');
}
