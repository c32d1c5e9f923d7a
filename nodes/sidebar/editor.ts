// The sidebar tab (design/face.md §3): loaded when it is shown for the first time (`editor/stub.ts`). Puts the parts
// together: what the runtime tells, what the editor knows, rows in order, the head.
import { Actions } from './editor/actions';
import { element, setAttribute, setHidden, setText } from '../dialog/dom';
import { mayMakeNodes } from '../dialog/permissions';
import { joined, localTasks, type Shown } from './editor/flows';
import { RovingFocus } from './editor/keys';
import { LogView } from './editor/log';
import { Menu } from './editor/menu';
import { makerButtons } from './editor/makers';
import { compareTasks, needsAttention, staying } from './editor/order';
import { nameOf, Row, TEXTS_LAST } from './editor/row';
import { Store } from './editor/store';
import style from './editor/style.css';
import type { TaskState } from './editor/task';
import { t } from './editor/translate';
import { announcement } from './editor/words';

const STYLE_ID = 'zfs-flows-tasks-style';
/** Milliseconds that changes in the flows may take to be seen. */
const PATIENCE = 250;

class Panel {
  private readonly head: HTMLElement;
  private readonly root = element('div', { class: 'zfs-tasks', 'data-zfs-panel': 'tasks' });
  private readonly attention = element('span', { class: 'zfs-tasks-attention', 'data-zfs-attention': '' });
  /** What makes new tasks; in the middle while there are none. */
  private readonly makers = element('span', { class: 'zfs-tasks-actions' }, ...makerButtons());
  private readonly filter = element('input', { type: 'text', name: 'filter', autocomplete: 'off' });
  private readonly notice = element('div', { class: 'zfs-tasks-notice', role: 'status' });
  private readonly emptyText = element('p');
  private readonly empty = element('div', { class: 'zfs-tasks-empty' }, this.emptyText);
  private readonly list = element('ul', { class: 'zfs-tasks-list', 'aria-label': t('label.list') });
  private readonly said = element('div', { class: 'zfs-tasks-said', 'aria-live': 'polite' });
  private readonly rows = new Map<string, Row>();
  private readonly logs = new Map<string, LogView>();
  /** Of tasks whose log is open, also while there is no row for it. */
  private readonly opened = new Set<string>();
  private readonly states = new Map<string, { state: TaskState; late: boolean }>();
  private readonly store: Store;
  private readonly orders: Actions;
  private readonly focus: RovingFocus;
  private words: string[] = [];
  private drawnAt = 0;
  private pending = false;
  private local = localTasks();
  private localIsOld = false;
  private patience: number | undefined;

  constructor() {
    if (document.getElementById(STYLE_ID) === null) document.head.append(element('style', { id: STYLE_ID }, style));
    this.filter.placeholder = t('label.filter');
    this.filter.setAttribute('aria-label', t('label.filter'));
    const search = element('div', { class: 'zfs-tasks-filter' }, this.filter);
    this.head = element('div', { class: 'red-ui-sidebar-header zfs-tasks-header' }, this.attention, search);
    this.root.append(this.head, this.notice, this.empty, this.list, this.said);
    this.store = new Store({
      changed: (ids) => this.told(ids),
      tick: () => this.tick(),
      isVisible: () => this.isVisible,
    });
    this.orders = new Actions(this.store);
    const rowOf = (inside: Element): Row | undefined => this.rowOf(inside);
    this.focus = new RovingFocus(
      this.list,
      rowOf,
      () => this.shownRows(),
      (row) => this.openMenu(row),
    );
  }

  /** Puts it there, and fills it from now on. */
  open(place: JQuery): void {
    place.empty().append(this.root);
    this.listen();
    this.store.start();
    this.draw();
  }

  private get isVisible(): boolean {
    return !document.hidden && this.root.offsetParent !== null;
  }

  private listen(): void {
    $(this.filter).searchBox({ style: 'compact', delay: 100, change: () => this.filtered() });
    // The box listens to keys alone, and text comes in other ways too.
    this.filter.addEventListener('input', () => this.filtered());
    this.filter.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown') return;
      event.preventDefault();
      this.focus.enter();
    });
    this.list.addEventListener('click', ({ target }) => {
      const pressed = target instanceof Element ? target.closest('button') : null;
      const row = pressed === null ? undefined : this.rowOf(pressed);
      if (row !== undefined && pressed === row.state) this.toggleLog(row);
      if (row !== undefined && pressed === row.menu) this.openMenu(row);
    });
    const shown = (): void => {
      if (!this.isVisible) return;
      this.localIsOld = true;
      this.draw();
      this.store.look('all');
    };
    new IntersectionObserver(shown).observe(this.root);
    document.addEventListener('visibilitychange', shown);
    // What the editor holds has changed: tasks that are not deployed, and what differs.
    for (const event of [
      'nodes:add',
      'nodes:remove',
      'nodes:change',
      'flows:loaded',
      'workspace:dirty',
      'deploy',
    ] as const) {
      RED.events.on(event, () => this.flowsChanged());
    }
  }

  private flowsChanged(): void {
    this.localIsOld = true;
    if (this.patience !== undefined) return;
    this.patience = window.setTimeout(() => {
      this.patience = undefined;
      this.draw();
    }, PATIENCE);
  }

  private told(ids: ReadonlySet<string> | 'all'): void {
    this.draw();
    for (const [id, log] of this.logs) if (ids === 'all' || ids.has(id)) log.update();
  }

  private tick(): void {
    if (performance.now() - this.drawnAt > TEXTS_LAST) this.draw();
  }

  /** Soon, and once for all that has changed by then. */
  private draw(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      if (this.isVisible) this.drawNow();
    });
  }

  private drawNow(): void {
    this.drawnAt = performance.now();
    if (this.localIsOld) {
      this.local = localTasks();
      this.localIsOld = false;
    }
    const { store } = this;
    setText(this.notice, store.problem);
    setHidden(this.notice, store.problem === '');
    this.root.classList.toggle('zfs-tasks-stale', store.problem !== '');
    // Before the first answer nobody knows what is deployed.
    const shown = store.loaded ? joined(store.tasks, this.local) : [];
    shown.sort((a, b) => compareTasks(a.task, b.task));
    const wrong = shown.filter(({ task }) => needsAttention(task)).length;
    setText(this.attention, store.loaded ? t('attention', { count: wrong, all: shown.length }) : '');
    setAttribute(this.attention, 'title', this.attention.textContent);
    this.attention.classList.toggle('zfs-tasks-attention-none', wrong === 0);
    this.drawRows(shown);
    this.announce(shown);
  }

  private drawRows(shown: readonly Shown[]): void {
    const ids = new Set(shown.map(({ task }) => task.id));
    for (const [id, row] of this.rows) if (!ids.has(id)) this.remove(id, row);
    const rows = shown.map((one) => {
      let row = this.rows.get(one.task.id);
      if (row === undefined) {
        row = new Row(one);
        this.rows.set(one.task.id, row);
      }
      // One that cannot be drawn must not blank the others.
      try {
        row.update(one, this.store.now);
        if (this.opened.has(one.task.id)) this.openLog(row);
      } catch (thrown) {
        row.explain(String(thrown));
      }
      return row;
    });
    this.arrange(rows);
    this.applyFilter();
  }

  private arrange(rows: readonly Row[]): void {
    const wanted = rows.map(({ root }) => root);
    const stay = staying([...this.list.children] as HTMLLIElement[], wanted);
    const focused = document.activeElement;
    let before: HTMLElement | null = null;
    for (const root of wanted.toReversed()) {
      if (!stay.has(root)) keepingScroll(root, () => this.list.insertBefore(root, before));
      before = root;
    }
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.list.contains(focused))
      focused.focus();
  }

  private remove(id: string, row: Row): void {
    if (Menu.current?.id === id) Menu.current.close();
    this.logs.get(id)?.close();
    this.logs.delete(id);
    this.rows.delete(id);
    row.root.remove();
  }

  private filtered(): void {
    this.words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.applyFilter();
  }

  private applyFilter(): void {
    for (const row of this.rows.values()) setHidden(row.root, !row.matches(this.words));
    const none = this.rows.size === 0;
    const hidden = !none && this.shownRows().length === 0;
    setHidden(this.empty, !this.store.loaded || !(none || hidden));
    setText(this.emptyText, none ? t(mayMakeNodes() ? 'empty' : 'emptyForReaders') : t('noMatch'));
    setHidden(this.list, none || hidden);
    this.placeMakers(this.store.loaded && none);
    this.focus.settle();
  }

  private placeMakers(middle: boolean): void {
    setHidden(this.makers, !mayMakeNodes());
    this.makers.classList.toggle('zfs-tasks-actions-large', middle);
    const place = middle ? this.empty : this.head;
    if (this.makers.parentElement === place) return;
    const focused = document.activeElement;
    place.append(this.makers);
    if (focused instanceof HTMLElement && this.makers.contains(focused)) focused.focus();
  }

  private shownRows(): Row[] {
    return [...this.list.children].flatMap((root) => {
      const row = this.rowOf(root);
      return row === undefined || row.root.hidden ? [] : [row];
    });
  }

  private rowOf(inside: Element): Row | undefined {
    const id = inside.closest<HTMLElement>('[data-zfs-task]')?.dataset['zfsTask'];
    return id === undefined ? undefined : this.rows.get(id);
  }

  private openMenu(row: Row): void {
    if (Menu.current?.id === row.shown.task.id) Menu.current.close(true);
    else Menu.show(row.shown.task.id, row.menu, this.orders.itemsOf(row));
  }

  private toggleLog(row: Row): void {
    const { id } = row.shown.task;
    if (!this.opened.delete(id)) {
      this.opened.add(id);
      this.openLog(row);
      row.below.scrollIntoView({ block: 'nearest' });
      return;
    }
    this.logs.get(id)?.close();
    this.logs.delete(id);
    row.below.querySelector('[data-zfs-log]')?.remove();
    this.showOpened(row, false);
  }

  private openLog(row: Row): void {
    const { id, state } = row.shown.task;
    const there = row.below.querySelector('[data-zfs-log]');
    this.showOpened(row, true);
    if (state === 'undeployed') {
      if (there !== null) return;
      const text = t('log.undeployed');
      row.below.append(
        element('section', { class: 'zfs-log', 'data-zfs-log': id }, element('div', { class: 'zfs-log-empty' }, text)),
      );
      return;
    }
    if (this.logs.has(id)) return;
    // Deployed meanwhile.
    there?.remove();
    const log = new LogView(id, () => nameOf(row.shown.task));
    this.logs.set(id, log);
    row.below.append(log.root);
  }

  private showOpened(row: Row, open: boolean): void {
    setAttribute(row.state, 'aria-expanded', String(open));
    row.root.classList.toggle('zfs-task-opened', open);
  }

  /** States, not progress; nothing of what is there at the start. */
  private announce(shown: readonly Shown[]): void {
    const changes = shown.flatMap(({ task }) => {
      const before = this.states.get(task.id);
      const now = { state: task.state, late: task.late !== undefined };
      this.states.set(task.id, now);
      const same = before === undefined || (before.state === now.state && before.late === now.late);
      return same ? [] : [{ name: nameOf(task), ...now }];
    });
    const ids = new Set(shown.map(({ task }) => task.id));
    for (const id of this.states.keys()) if (!ids.has(id)) this.states.delete(id);
    if (changes.length > 0) this.said.textContent = announcement(changes, t);
  }
}

/** An element that is moved loses the scroll position of what is in it. */
function keepingScroll(root: HTMLElement, move: () => void): void {
  const lines = root.querySelector('.zfs-log-lines');
  const { scrollTop = 0 } = lines ?? {};
  move();
  if (lines !== null) lines.scrollTop = scrollTop;
}

export function openPanel(place: JQuery): void {
  new Panel().open(place);
}
