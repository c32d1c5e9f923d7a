// The open log of a task: the newest at the bottom, older ones on demand, kept up to date while it is open.
import type { LoggedEvent, TaskLog } from '../../admin/task-answers';
import { button, element, setText, toggle } from './elements';
import { log } from './server';
import { clock, t } from './texts';

const PAGE = 100;

export class LogView {
  readonly element: HTMLElement;
  private readonly lines = element('ol');
  private readonly empty = element('p', { class: 'quiet' }, t('noEvents'));
  private readonly older: HTMLButtonElement;
  private first = Infinity;
  private last = 0;
  private loading: Promise<void> = Promise.resolve();

  constructor(
    private readonly id: string,
    name: string,
    failed: (reason: unknown) => void,
  ) {
    const on = (work: () => Promise<void>) => (): void => void this.next(work).catch(failed);
    this.older = button(
      'older',
      t('older'),
      on(() => this.loadOlder()),
    );
    const save = button(
      'download',
      t('download'),
      on(() => this.download()),
    );
    const label = t('log', { name });
    this.element = element(
      'section',
      { class: 'log', 'data-zfs-log': id, 'aria-label': label, tabindex: '0' },
      element('div', { class: 'bar' }, this.older, save),
      this.empty,
      this.lines,
    );
    toggle(this.older, false);
  }

  /** Never rejects but by what the page handles: no answer, no right. */
  update(): Promise<void> {
    return this.next(() => this.loadNewer());
  }

  /** One question after the other, so that no event comes twice. */
  private next(work: () => Promise<void>): Promise<void> {
    this.loading = this.loading.then(work, work);
    return this.loading;
  }

  private async loadNewer(): Promise<void> {
    for (;;) {
      const begin = this.last === 0;
      const page: TaskLog = await log(this.id, begin ? `limit=${PAGE}` : `after=${this.last}&limit=${PAGE}`);
      // Node-RED has started anew, and counts anew.
      if (page.last < this.last) {
        this.clear();
        continue;
      }
      const atEnd = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 40;
      // Of progress only the newest is kept, here as there.
      if (page.events.some(({ event }) => event === 'progress'))
        this.lines.querySelector('[data-zfs-event="progress"]')?.remove();
      this.lines.append(...page.events.map(lineOf));
      this.first = Math.min(this.first, page.events[0]?.n ?? Infinity);
      this.last = Math.max(this.last, page.events.at(-1)?.n ?? 0);
      if (begin) toggle(this.older, page.more);
      toggle(this.empty, this.lines.childElementCount === 0);
      if (begin || atEnd) this.lines.scrollTop = this.lines.scrollHeight;
      if (begin || !page.more) return;
    }
  }

  private async loadOlder(): Promise<void> {
    const page = await log(this.id, `before=${this.first}&limit=${PAGE}`);
    const before = this.lines.scrollHeight;
    this.lines.prepend(...page.events.map(lineOf));
    this.lines.scrollTop += this.lines.scrollHeight - before;
    this.first = page.events[0]?.n ?? this.first;
    toggle(this.older, page.more);
  }

  private async download(): Promise<void> {
    const { events } = await log(this.id, 'limit=200');
    const text = events.map(({ time, level, event, message }) => `${time} ${level} ${event} ${message}\n`).join('');
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    element('a', { href: url, download: `${this.id}.log` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1_000);
  }

  private clear(): void {
    this.lines.replaceChildren();
    [this.first, this.last] = [Infinity, 0];
  }
}

function lineOf({ event, level, time, message }: LoggedEvent): HTMLElement {
  const when = element('time', { datetime: time });
  setText(when, clock(time, { timeStyle: 'medium' }));
  when.title = clock(time, { dateStyle: 'full', timeStyle: 'long' });
  return element('li', { 'data-zfs-event': event, 'data-level': level }, when, element('span', {}, message));
}
