// "12 of 14 snapshots will be replicated": for each source what a zfs-replicate with these properties would send when the target
// has nothing yet, and what happens where that is none. Asked again whenever something changes. Shows itself in any element;
// each source's line has the attribute `data-zfs-count` with its name.
import type { CountAnswer, ShownCount } from '../admin/browse-answer';
import { isRefusal, type Refusal } from './admin';
import type { Ask, Translate } from './dataset-questions';
import style from './snapshot-count.css';

export interface SnapshotCountOptions {
  container: JQuery;
  /** `ask` of admin.ts, with a translator. */
  ask: Ask;
  /**
   * `{connection, datasets, recursive, exclude, snapshotSelection, namingSchemas, nameRegex, timeZone, …}`: properties of a
   * zfs-replicate, those of its source as `connection` and `datasets`; `connections` for drafts. null: nothing to count.
   */
  question: () => object | null;
  /** The property `createSnapshot`. */
  createSnapshot: () => string;
  /** With the words `common.count.…` of the catalogue of any of our node types. */
  t: Translate;
}

export interface SnapshotCount {
  /** Something may have changed. */
  update(): void;
  dispose(): void;
}

const STYLE_ID = 'zfs-flows-count-style';
/** Milliseconds without a change before the machine is asked. */
const PAUSE = 600;

class CountView implements SnapshotCount {
  private readonly element = $('<div>', { class: 'zfs-count zfs-count-hidden', role: 'status' });
  private asking: AbortController | null = null;
  private asked = '';
  private answer: CountAnswer | Refusal | null = null;
  private timer = 0;

  constructor(private readonly options: SnapshotCountOptions) {
    if (document.getElementById(STYLE_ID) === null) $('<style>', { id: STYLE_ID }).text(style).appendTo('head');
    this.element.appendTo(options.container);
    this.update();
  }

  update(): void {
    const question = this.options.question();
    const text = question === null ? '' : JSON.stringify(question);
    if (text === this.asked) {
      // What happens where there is none may be told in other words now.
      if (this.answer !== null) this.show();
      return;
    }
    this.stop();
    this.asked = text;
    if (question === null) this.element.empty().addClass('zfs-count-hidden');
    else this.timer = window.setTimeout(() => void this.count(question), PAUSE);
  }

  dispose(): void {
    this.stop();
    this.element.remove();
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = null;
    this.answer = null;
    this.element.addClass('zfs-count-old');
  }

  private async count(question: object): Promise<void> {
    const { ask, t } = this.options;
    const asking = new AbortController();
    this.asking = asking;
    if (this.element.children().length === 0) this.element.text(t('common.count.asking'));
    this.element.removeClass('zfs-count-hidden');
    const answer = (await ask('count-snapshots', question, asking.signal)) as CountAnswer | Refusal;
    if (asking.signal.aborted) return;
    this.answer = answer;
    this.show();
  }

  private show(): void {
    const { answer } = this;
    if (answer === null) return;
    this.element.empty().removeClass('zfs-count-old zfs-count-hidden');
    if (isRefusal(answer)) {
      const { t } = this.options;
      const why = [answer.message, answer.hint ?? ''].filter((part) => part !== '').join(' – ');
      const line = $('<div>', { class: 'zfs-count-failed' }).text(t('common.count.failed', { why }));
      if (answer.code !== undefined) line.attr('data-zfs-code', answer.code);
      this.element.append(line);
      return;
    }
    for (const count of answer.counts) this.element.append(this.line(count, answer));
  }

  private line(count: ShownCount, answer: CountAnswer): JQuery {
    const line = $('<div>', { class: 'zfs-count-line', 'data-zfs-count': count.dataset });
    $('<span>', { class: 'zfs-mono zfs-count-name' }).text(count.dataset).appendTo(line);
    const { text, isWrong } = this.words(count, answer);
    return line.append($('<span>').text(text)).toggleClass('zfs-count-wrong', isWrong);
  }

  private words(
    { total, selected, oldest, newest, problem }: ShownCount,
    answer: CountAnswer,
  ): {
    text: string;
    isWrong: boolean;
  } {
    const { t } = this.options;
    if (problem !== undefined) return { text: problem.message, isWrong: true };
    const number = t('common.count.selected', { selected, count: total });
    if (selected > 0) {
      const dates = t('common.count.dates', { oldest: dateText(oldest), newest: dateText(newest) });
      return { text: `${number}, ${dates}`, isWrong: false };
    }
    const next = this.whenNone(answer.selectsNew);
    return { text: `${number}. ${t(`common.count.none.${next}`)}`, isWrong: next !== 'taken' };
  }

  /** What a run does for datasets without a snapshot that it would send (src/replication/execute/take-snapshots.ts). */
  private whenNone(selectsNew: boolean): 'taken' | 'nothing' | 'otherName' {
    if (this.options.createSnapshot() === 'never') return 'nothing';
    return selectsNew ? 'taken' : 'otherName';
  }
}

function dateText(iso: string | null): string {
  return iso === null ? '' : new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

export function snapshotCount(options: SnapshotCountOptions): SnapshotCount {
  return new CountView(options);
}
