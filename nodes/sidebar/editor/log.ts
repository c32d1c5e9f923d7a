// The log of one task, in place below its row: the newest events at the bottom, older ones on demand, kept up to date without
// being drawn anew, copied and saved as a file. How fast events come does not matter: what it cannot keep up with it skips.
import { request, type Outcome } from '../../dialog/tasks';
import { button, element, icon, setHidden } from '../../dialog/dom';
import { dayOf, fileName, logText } from './log-text';
import type { Level, LogEvent, LogPage, Run } from './task';
import { t } from './translate';
import { runText } from './words';

const PAGE = 200;
/** Lines in the page; the runtime keeps 500 events of a task. */
const MOST_LINES = 700;
/** Pixels from the end that count as being there. */
const NEAR = 24;
const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** As chosen last, for every log of this page. */
let chosen: Level = 'debug';

interface Query {
  after?: number;
  before?: number;
  level?: Level;
}

export class LogView {
  readonly root: HTMLElement;
  private readonly level: HTMLSelectElement;
  private readonly runs = element('span', { class: 'zfs-log-runs', role: 'img' });
  private readonly older = button({ class: 'zfs-log-older', 'data-zfs-action': 'older' }, t('log.older'));
  private readonly empty = element('div', { class: 'zfs-log-empty' });
  private readonly lines: HTMLElement;
  /** Numbers of events: everything from the one to the other is shown, as far as the level lets it. */
  private first = 0;
  private last = 0;
  private isNew = true;
  private busy = false;
  private again = false;
  private closed = false;

  constructor(
    readonly id: string,
    private readonly name: () => string,
  ) {
    const options = LEVELS.map((level) => element('option', { value: level }, t(`log.from.${level}`)));
    this.level = element(
      'select',
      { class: 'zfs-log-level-choice', name: 'level', 'aria-label': t('log.level') },
      ...options,
    );
    this.level.value = chosen;
    const copy = this.tool('copy', 'fa-clipboard', () => void this.copy(copy));
    const download = this.tool('download', 'fa-download', () => void this.download());
    const lines = {
      class: 'zfs-log-lines',
      role: 'log',
      'aria-live': 'off',
      tabindex: '0',
      'aria-label': t('log.label', { name: name() }),
    };
    this.lines = element('div', lines, this.older, this.empty);
    const tools = element('div', { class: 'zfs-log-tools' }, this.level, this.runs, copy, download);
    this.root = element(
      'section',
      { class: 'zfs-log', 'data-zfs-log': id, 'aria-label': t('log.label', { name: name() }) },
      tools,
      this.lines,
    );
    this.empty.textContent = t('log.loading');
    setHidden(this.older, true);
    this.older.addEventListener('click', () => void this.showOlder());
    this.level.addEventListener('change', () => {
      chosen = this.level.value as Level;
      void this.showNewest();
    });
    void this.showNewest();
  }

  /** Something may have been added. */
  update(): void {
    if (this.busy) this.again = true;
    else void this.showNewer();
  }

  close(): void {
    this.closed = true;
    this.root.remove();
  }

  private tool(action: string, picture: string, press: () => void): HTMLButtonElement {
    const label = t(`log.${action}`);
    const made = button(
      { class: 'zfs-log-tool', 'data-zfs-action': action, title: label, 'aria-label': label },
      icon(picture),
    );
    made.addEventListener('click', press);
    return made;
  }

  private get(query: Query): Promise<Outcome<LogPage>> {
    const data = { id: this.id, limit: PAGE, level: chosen, ...query };
    return request<LogPage>({ method: 'GET', path: 'tasks/log', data }, t);
  }

  /** One question at a time; nothing is drawn into a log that was closed meanwhile. */
  private async during(work: () => Promise<void>): Promise<void> {
    this.busy = true;
    try {
      await work();
    } finally {
      this.busy = false;
    }
    if (!this.again || this.closed) return;
    this.again = false;
    void this.showNewer();
  }

  private showNewest(): Promise<void> {
    return this.during(() => this.newest());
  }

  private async newest(): Promise<void> {
    const outcome = await this.get({});
    if (this.closed) return;
    if (!outcome.ok) {
      this.explain(outcome.text);
      return;
    }
    const { answer } = outcome;
    this.lines.replaceChildren(this.older, this.empty);
    this.first = answer.events[0]?.n ?? answer.last + 1;
    this.append(answer.events);
    this.reached(answer);
    setHidden(this.older, !answer.more);
    this.explain(answer.events.length > 0 ? '' : answer.last === 0 ? t('log.nothing') : t('log.nothingOfLevel'));
    this.toEnd();
    if (this.isNew) this.root.scrollIntoView({ block: 'nearest' });
    this.isNew = false;
  }

  private showNewer(): Promise<void> {
    return this.during(async () => {
      const outcome = await this.get({ after: this.last });
      if (this.closed || !outcome.ok) return;
      const { answer } = outcome;
      // More than fits into an answer, or a Node-RED that was started anew and counts from 1.
      if (answer.more || answer.last < this.last) {
        await this.newest();
        return;
      }
      const follows = this.isAtEnd();
      if (answer.events.length > 0) this.explain('');
      this.append(answer.events);
      this.reached(answer);
      if (!follows) return;
      this.shorten();
      this.toEnd();
    });
  }

  private showOlder(): Promise<void> {
    return this.during(async () => {
      const outcome = await this.get({ before: this.first });
      if (this.closed || !outcome.ok) return;
      const { events, more } = outcome.answer;
      this.first = events[0]?.n ?? this.first;
      const height = this.lines.scrollHeight;
      const next = this.older.nextElementSibling;
      const added = this.linesOf(events, '');
      // The day of what follows is known from what stands before it.
      const end = added.findLast((line) => line.dataset['day'] !== undefined)?.dataset['day'];
      if (next instanceof HTMLElement && next.classList.contains('zfs-log-day') && next.dataset['day'] === end)
        next.remove();
      this.older.after(...added);
      setHidden(this.older, !more);
      this.lines.scrollTop += this.lines.scrollHeight - height;
    });
  }

  private reached({ last, runs }: LogPage): void {
    this.last = last;
    this.showRuns(runs);
  }

  private append(events: readonly LogEvent[]): void {
    if (events.length === 0) return;
    const before = this.lines.lastElementChild;
    const day = before instanceof HTMLElement ? (before.dataset['day'] ?? '') : '';
    // Only the newest is kept.
    if (events.some(({ event }) => event === 'progress')) {
      for (const line of this.lines.querySelectorAll('[data-zfs-event="progress"]')) line.remove();
    }
    this.lines.append(...this.linesOf(events, day));
  }

  /** `day`: of the line before; what happened today needs no date. */
  private linesOf(events: readonly LogEvent[], day: string): HTMLElement[] {
    let at = day === '' ? dayOf(new Date().toISOString()) : day;
    return events.flatMap((event) => {
      const own = dayOf(event.time);
      const line = lineOf(event, own);
      if (own === at) return [line];
      at = own;
      const date = new Date(event.time).toLocaleDateString(undefined, {
        weekday: 'short',
        day: 'numeric',
        month: 'short',
      });
      return [element('div', { class: 'zfs-log-day', 'data-day': own }, date), line];
    });
  }

  /** Drops the oldest lines; they come back on demand. */
  private shorten(): void {
    const all = this.lines.querySelectorAll<HTMLElement>('.zfs-log-line');
    if (all.length <= MOST_LINES) return;
    for (const line of [...all].slice(0, all.length - PAGE)) line.remove();
    for (const day of this.lines.querySelectorAll('.zfs-log-day + .zfs-log-day')) day.previousElementSibling?.remove();
    this.first = Number(this.lines.querySelector<HTMLElement>('.zfs-log-line')?.dataset['n'] ?? this.first);
    setHidden(this.older, false);
  }

  private isAtEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.lines;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  private toEnd(): void {
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  private explain(text: string): void {
    this.empty.textContent = text;
    setHidden(this.empty, text === '');
  }

  /** The last runs as a row of marks, the newest at the right. */
  private showRuns(runs: readonly Run[]): void {
    const marks = runs.map((run) =>
      element('span', { class: `zfs-log-run zfs-log-run-${run.state}`, title: runText(run, t) }),
    );
    this.runs.replaceChildren(...marks);
    const good = runs.filter(({ state }) => state === 'success').length;
    this.runs.setAttribute('aria-label', t('log.runs', { count: runs.length, good }));
    setHidden(this.runs, runs.length === 0);
  }

  /** Every event that is kept, of the chosen level. */
  private async all(): Promise<LogEvent[]> {
    const events: LogEvent[] = [];
    for (let after = 0; ;) {
      const outcome = await this.get({ after });
      if (!outcome.ok) return events;
      events.push(...outcome.answer.events);
      after = events.at(-1)?.n ?? after;
      if (!outcome.answer.more) return events;
    }
  }

  private async copy(target: HTMLElement): Promise<void> {
    RED.clipboard.copyText(logText(await this.all()), $(target), t('log.copied'));
  }

  private async download(): Promise<void> {
    const url = URL.createObjectURL(new Blob([logText(await this.all())], { type: 'text/plain' }));
    const link = element('a', { href: url, download: fileName(this.name()) });
    document.body.append(link);
    link.click();
    link.remove();
    window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

function lineOf({ n, event, level, time, message }: LogEvent, day: string): HTMLElement {
  const clock = new Date(time).toLocaleTimeString('en-GB');
  return element(
    'div',
    { class: `zfs-log-line zfs-log-${level}`, 'data-zfs-event': event, 'data-n': String(n), 'data-day': day },
    element('time', { datetime: time, title: new Date(time).toLocaleString() }, clock),
    element('span', { class: 'zfs-log-level' }, t(`log.short.${level}`)),
    element('span', { class: 'zfs-log-message' }, message),
  );
}
