// What the menu of a row does: orders to the runtime, and ways into the flow.
import { mayChangeTasks, request } from '../../dialog/tasks';
import type { Shown } from './flows';
import type { MenuItem } from './menu';
import { confirmRun, describePause, type Question } from './questions';
import { nameOf, type Row } from './row';
import type { Store } from './store';
import { t } from './translate';

export class Actions {
  private readonly questions = new Map<string, Question>();

  constructor(private readonly store: Store) {}

  /** What can be done with a task; what this user may not do is left out. */
  itemsOf(row: Row): MenuItem[] {
    const { task, local } = row.shown;
    const orders = task.state === 'undeployed' || !mayChangeTasks() ? [] : this.orders(row);
    const dialog = document.querySelector('.red-ui-tray') === null ? undefined : t('obstacle.dialog');
    const missing = local === undefined && task.path[1] === undefined ? t('obstacle.deleted') : undefined;
    const locked = local !== undefined && RED.workspaces.isLocked(local.node.z) ? t('obstacle.locked') : undefined;
    const noNode = local === undefined ? t('obstacle.deleted') : undefined;
    return [
      ...orders,
      item('reveal', 'fa-map-marker', () => reveal(row.shown), dialog ?? missing),
      item('edit', 'fa-pencil', () => edit(row.shown), dialog ?? noNode ?? locked),
    ];
  }

  private orders(row: Row): MenuItem[] {
    const { task } = row.shown;
    const why = task.can.run ? undefined : obstacleText(task.can.why, task.pause !== undefined);
    const items = [item('run', 'fa-play', () => this.run(row), why)];
    if (task.jobs.length > 0) items.push(item('cancel', 'fa-stop', () => void this.cancel(row)));
    if (task.pause !== undefined) items.push(item('resume', 'fa-play-circle', () => void this.resume(row)));
    else if (task.state !== 'off') items.push(item('pause', 'fa-pause', () => void this.pause(row)));
    return items;
  }

  private run(row: Row): void {
    const { task } = row.shown;
    const start = (): void => void this.order(row, 'run', {});
    if (task.destructive !== true) {
      start();
      return;
    }
    this.ask(
      row,
      confirmRun(task.id, nameOf(task), row.below, () => row.menu.focus(), start),
    );
  }

  private async cancel(row: Row): Promise<void> {
    await this.order(row, 'cancel', {});
  }

  private async resume(row: Row): Promise<void> {
    await this.order(row, 'pause', { paused: false });
  }

  /** At once: it destroys nothing, and may be urgent. Until when and why can be said afterwards. */
  private async pause(row: Row): Promise<void> {
    if (!(await this.order(row, 'pause', { paused: true }))) return;
    const { task } = row.shown;
    const save = ({ until, note }: { until: string; note: string }): void => {
      if (until !== '' || note !== '') void this.order(row, 'pause', { paused: true, until, note });
    };
    this.ask(
      row,
      describePause(task.id, nameOf(task), row.below, () => row.menu.focus(), save),
    );
  }

  private ask(row: Row, question: Question): void {
    const { id } = row.shown.task;
    this.questions.get(id)?.close();
    this.questions.set(id, question);
  }

  private async order(row: Row, what: 'run' | 'cancel' | 'pause', values: object): Promise<boolean> {
    const { id } = row.shown.task;
    const outcome = await request({ method: 'POST', path: `tasks/${what}`, data: { id, ...values } }, t);
    if (!outcome.ok) complain(t('refused', { name: nameOf(row.shown.task), why: outcome.text }));
    this.store.look([id]);
    return outcome.ok;
  }
}

function item(action: string, icon: string, press: () => void, obstacle?: string): MenuItem {
  return { action, icon, label: t(`action.${action}`), press, ...(obstacle === undefined ? {} : { obstacle }) };
}

const OBSTACLES: ReadonlySet<string> = new Set(['DISABLED', 'INVALID_OPTIONS', 'NEEDS_MESSAGE', 'BUSY']);

function obstacleText(why: string | undefined, paused: boolean): string {
  if (why === 'DISABLED' && paused) return t('obstacle.paused');
  return why !== undefined && OBSTACLES.has(why) ? t(`obstacle.${why}`) : t('obstacle.other');
}

function complain(text: string): void {
  // Node-RED takes it for HTML.
  RED.notify($('<span>').text(text).html(), { type: 'error' });
}

/** In a subflow the instance on its tab. */
function reveal({ task }: Shown): void {
  RED.view.reveal(task.path[1]?.id ?? task.id);
}

function edit({ task, local }: Shown): void {
  if (local === undefined) return;
  const { node } = local;
  if (node.z !== undefined) RED.workspaces.show(node.z);
  RED.editor.edit(node);
  if (task.path.length < 2) return;
  const text = t('template', { name: nameOf(task) });
  RED.notify($('<span>').text(text).html(), { type: 'warning', timeout: 6_000 });
}
