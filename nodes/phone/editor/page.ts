// The task list for a phone: what the sidebar of the editor shows, in 390 px and without the editor. Polls while it is looked at.
import type { Task, TaskList } from '../../admin/task-answers';
import { button, element, setText, toggle } from './elements';
import { nameOf, Row } from './row';
import * as server from './server';
import { loadTexts, t } from './texts';

/** Milliseconds between two questions: while something runs, and otherwise. */
const OFTEN = 2_000;
const SELDOM = 5_000;

/** Failed and late first, then what runs, then by the next run; what is off last. */
function rank({ state, late }: Task): number {
  if (state === 'failed' || state === 'invalid' || late !== undefined) return 0;
  if (state === 'running' || state === 'waiting') return 1;
  return state === 'off' ? 3 : 2;
}

const needsAttention = (task: Task): boolean => rank(task) === 0;

class Page {
  private readonly attention = element('span', { 'data-zfs-attention': '', 'aria-live': 'polite' });
  private readonly filter = element('input', {
    name: 'filter',
    type: 'search',
    placeholder: t('filter'),
    'aria-label': t('filter'),
  });
  private readonly list = element('ul');
  private readonly message = element('p', { class: 'message', role: 'status' }, t('loading'));
  private readonly leave = button('logout', t('logout'), () => void server.logout().then(() => this.start()));
  private readonly rows = new Map<string, Row>();
  private tasks: Task[] = [];
  private mayRun = true;
  private timer: number | undefined;

  constructor(private readonly root: HTMLElement) {
    this.filter.addEventListener('input', () => this.order());
    document.addEventListener('visibilitychange', () => this.again(0));
  }

  /** Shows the list, as soon as whoever looks may see it. */
  async start(): Promise<void> {
    const head = element('header', {}, element('h1', {}, t('title')), this.attention, this.leave, this.filter);
    this.root.replaceChildren(head, this.message, this.list);
    this.root.setAttribute('data-zfs-panel', 'tasks');
    toggle(this.leave, server.isLoggedIn());
    this.mayRun = await server.mayRun();
    await this.look();
  }

  private again(wait: number): void {
    window.clearTimeout(this.timer);
    if (document.visibilityState === 'visible') this.timer = window.setTimeout(() => void this.look(), wait);
  }

  private async look(): Promise<void> {
    try {
      const list = await server.tasks();
      this.show(list);
      await Promise.all([...this.rows.values()].map((row) => row.updateLog()));
      this.again(list.tasks.some(({ jobs }) => jobs.length > 0) ? OFTEN : SELDOM);
    } catch (reason) {
      this.failed(reason);
    }
  }

  private show({ tasks, now }: TaskList): void {
    this.tasks = tasks;
    const known = new Set(tasks.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (known.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    for (const task of tasks) {
      const row = this.rows.get(task.id) ?? this.newRow(task);
      row.update(task, Date.parse(now), this.mayRun);
    }
    const count = tasks.filter(needsAttention).length;
    const form = count === 0 ? 'none' : count === 1 ? 'one' : 'other';
    setText(this.attention, t(`attention_${form}`, { count, total: tasks.length }));
    this.order();
  }

  private newRow(task: Task): Row {
    const order = (what: 'run' | 'cancel', id: string): void => {
      server.order(what, id).then(
        (answer) => this.say(answer.ok ? '' : answer.message),
        (reason: unknown) => (reason instanceof server.Unauthorized ? this.say(t('notAllowed')) : this.failed(reason)),
      );
    };
    const row = new Row(task, {
      run: (id) => order('run', id),
      cancel: (id) => order('cancel', id),
      failed: (reason) => this.failed(reason),
    });
    this.rows.set(task.id, row);
    return row;
  }

  /** What was ordered shows in a moment. */
  private say(text: string): void {
    setText(this.message, text);
    toggle(this.message, text !== '');
    this.again(text === '' ? 200 : SELDOM);
  }

  private order(): void {
    const wanted = this.filter.value.trim().toLowerCase();
    const matches = (task: Task): boolean =>
      [nameOf(task), task.from, task.to, task.state, ...task.path.map(({ label }) => label)].some((text) => text?.toLowerCase().includes(wanted) === true); // prettier-ignore
    const sorted = this.tasks.toSorted((a, b) => rank(a) - rank(b) || (a.next ?? '~').localeCompare(b.next ?? '~') || nameOf(a).localeCompare(nameOf(b))); // prettier-ignore
    let shown = 0;
    for (const [index, task] of sorted.entries()) {
      const row = this.rows.get(task.id)?.element;
      if (row === undefined) continue;
      // Moved only where it stands elsewhere: what has the focus keeps it.
      if (this.list.children[index] !== row) this.list.insertBefore(row, this.list.children[index] ?? null);
      const visible = matches(task);
      toggle(row, visible);
      if (visible) shown++;
    }
    setText(this.message, this.tasks.length === 0 ? t('empty') : t('noMatch'));
    toggle(this.message, shown === 0);
  }

  private failed(reason: unknown): void {
    if (reason instanceof server.Unauthorized) {
      this.logIn().catch(() => this.say(t('offline')));
      return;
    }
    this.say(t('offline'));
  }

  private async logIn(): Promise<void> {
    const { type } = await server.loginNeeded();
    if (server.isLoggedIn() && type === undefined) {
      this.say(t('forbidden'));
      return;
    }
    this.rows.clear();
    this.list.replaceChildren();
    this.root.replaceChildren(type === 'credentials' ? this.form() : this.elsewhere());
  }

  private form(): HTMLElement {
    const field = (name: string, type: string, autocomplete: string): HTMLInputElement =>
      element('input', { name, type, autocomplete, required: '' });
    const username = field('username', 'text', 'username');
    const password = field('password', 'password', 'current-password');
    const wrong = element('p', { role: 'alert', class: 'why' }, server.isLoggedIn() ? t('forbidden') : '');
    const form = element(
      'form',
      { class: 'login' },
      element('h1', {}, t('title')),
      element('label', {}, t('username'), username),
      element('label', {}, t('password'), password),
      wrong,
      element('button', { type: 'submit' }, t('login')),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void server.login(username.value, password.value).then((ok) => {
        setText(wrong, ok ? '' : t('wrong'));
        if (ok) void this.start();
      });
    });
    return form;
  }

  /** The login goes by another site, or this account may not read. */
  private elsewhere(): HTMLElement {
    const text = server.isLoggedIn() ? t('forbidden') : t('elsewhere');
    return element(
      'div',
      { class: 'login' },
      element('p', {}, text),
      element('a', { href: server.editorUrl }, t('editor')),
    );
  }
}

loadTexts();
const root = document.getElementById('page');
if (root !== null) void new Page(root).start();
