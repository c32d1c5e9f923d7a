// The second step: a row for each task and connection, with what becomes of it and what there is to know. Drawn once; ticks
// change what depends on them.
import { element, icon, setAttribute, setHidden, setText } from '../../dialog/dom';
import type { Finding, ImportAnswer } from './answer-types';
import { enable, firstChoice, noteOf, tick, type Choice, type Item } from './items';
import { becomes, changeText, titleOf } from './words';
import { t } from './translate';

const ICONS = { info: 'fa-info-circle', warn: 'fa-exclamation-triangle', error: 'fa-times-circle' } as const;
const GROUPS = ['repl', 'snap', 'prune', 'ssh'] as const;

interface Row {
  item: Item;
  root: HTMLElement;
  box: HTMLInputElement;
  start: HTMLSelectElement | null;
  note: HTMLElement;
}

export class Rows {
  readonly root = element('div', { class: 'zfs-import-items' });
  choice: Choice;
  private readonly rows: Row[];
  private readonly count = element('p', { class: 'zfs-import-count', role: 'status' });

  constructor(
    answer: ImportAnswer,
    private readonly items: readonly Item[],
    private readonly changed: () => void,
  ) {
    this.choice = firstChoice(items);
    const machine = (id: string): string => this.machine(id);
    this.rows = items.map((item) => this.row(item, machine));
    this.root.append(...this.head(answer));
    for (const group of GROUPS) {
      const rows = this.rows.filter(({ item }) => groupOf(item) === group);
      if (rows.length === 0) continue;
      this.root.append(
        element('h5', { class: 'zfs-import-heading' }, t(`items.${group}`)),
        element('ul', { class: 'zfs-import-list' }, ...rows.map(({ root }) => root)),
      );
    }
    this.root.append(this.count);
    this.settle();
  }

  private head({ version, findings }: ImportAnswer): HTMLElement[] {
    const title = element('h4', { tabindex: '-1' }, t('items.title'));
    const what = this.items.length === 0 ? t('items.nothing') : t('items.disabled');
    const about = element('p', { class: 'zfs-import-about' }, t('items.from', { version }), ' ', what);
    const whole = findings.filter(({ item }) => item === 'import');
    const urgent = whole.filter(({ level }) => level !== 'info');
    const rest = whole.filter(({ level }) => level === 'info');
    const more =
      rest.length === 0
        ? []
        : [
            element(
              'details',
              { class: 'zfs-import-more' },
              element('summary', {}, t('items.remarks', { count: rest.length })),
              list(rest),
            ),
          ];
    return [title, about, ...(urgent.length === 0 ? [] : [list(urgent)]), ...more];
  }

  private row(item: Item, machine: (id: string) => string): Row {
    const title = titleOf(item);
    const box = element('input', { type: 'checkbox', 'aria-label': t('items.import', { name: title }) });
    box.disabled = item.state === 'out';
    box.addEventListener('change', () => this.set(tick(this.items, this.choice, item.item, box.checked)));
    const start = item.isTask && item.state !== 'out' ? this.start(item, title) : null;
    const badge = element('span', { class: `zfs-import-state zfs-import-${item.state}` }, t(`state.${item.state}`));
    const note = element('p', { class: 'zfs-import-note' });
    const label = element('label', {}, box, element('span', { class: 'zfs-import-name' }, title));
    const head = element('div', { class: 'zfs-import-head' }, label, badge, start);
    const body = element('div', { class: 'zfs-import-body' });
    const words = becomes(item, machine, t);
    if (words !== '') body.append(element('p', { class: 'zfs-import-becomes' }, words));
    body.append(note);
    if (item.changes.length > 0) body.append(changesOf(item));
    // It says what it becomes, as the line above does.
    const told = item.findings.filter(({ message }) => !message.startsWith('becomes a '));
    if (told.length > 0) body.append(list(told));
    const root = element('li', { 'data-zfs-item': item.item, 'data-zfs-state': item.state }, head, body);
    return { item, root, box, start, note };
  }

  private start({ item, whyDisabled, enabledNow }: Item, name: string): HTMLSelectElement {
    const here = enabledNow === undefined ? '' : 'Now';
    const off = element('option', { value: '' }, t(`items.off${enabledNow === true ? '' : here}`));
    const on = element('option', { value: 'on' }, t(`items.on${enabledNow === false ? '' : here}`));
    const select = element('select', { name: 'enabled', 'aria-label': t('items.enabled', { name }) }, off, on);
    if (whyDisabled !== '' && enabledNow !== true) {
      select.disabled = true;
      select.title = t('items.cannot', { why: whyDisabled });
    }
    select.addEventListener('change', () => this.set(enable(this.choice, item, select.value === 'on')));
    return select;
  }

  private set(choice: Choice): void {
    this.choice = choice;
    this.settle();
    this.changed();
  }

  private settle(): void {
    const { ticked, enabled } = this.choice;
    for (const { item, root, box, start, note } of this.rows) {
      const isTicked = ticked.has(item.item);
      box.checked = isTicked;
      root.classList.toggle('zfs-import-off', !isTicked);
      if (start !== null) {
        start.value = enabled.has(item.item) ? 'on' : '';
        setHidden(start, !isTicked);
      }
      const found = noteOf(this.items, this.choice, item);
      const names = (found?.names ?? []).map((name) => this.nameOf(name)).join(', ');
      setText(note, found === undefined ? '' : t(`note.${found.kind}`, { names }));
      setHidden(note, found === undefined);
      setAttribute(note, 'data-zfs-note', found?.kind ?? null);
    }
    const all = this.items.filter(({ state }) => state !== 'out').length;
    setText(this.count, t('items.chosen', { ticked: ticked.size, all }));
  }

  private nameOf(name: string): string {
    const item = this.items.find((one) => one.item === name);
    return item === undefined ? name : titleOf(item);
  }

  private machine(id: string): string {
    if (id === '') return t('common.here');
    const item = this.items.find(({ node }) => node?.id === id);
    if (item !== undefined) return titleOf(item);
    const there = RED.nodes.node(id);
    return there === null || there === undefined ? id : RED.utils.getNodeLabel(there, id);
  }
}

function groupOf({ item }: Item): (typeof GROUPS)[number] {
  const [kind = ''] = item.split('-');
  return GROUPS.find((group) => group === kind) ?? 'ssh';
}

function list(findings: readonly Finding[]): HTMLElement {
  const entries = findings.map(({ level, message }) => {
    const sign = icon(ICONS[level]);
    sign.title = t(`level.${level}`);
    const spoken = element('span', { class: 'zfs-import-spoken' }, `${t(`level.${level}`)}: `);
    return element(
      'li',
      { class: `zfs-import-${level}`, 'data-zfs-level': level },
      sign,
      element('span', {}, spoken, message),
    );
  });
  return element('ul', { class: 'zfs-import-findings' }, ...entries);
}

function changesOf({ changes }: Item): HTMLElement {
  const lines = changes.map((change) => element('li', {}, changeText(change)));
  const summary = element('summary', {}, t('items.changes', { count: changes.length }));
  return element(
    'details',
    { class: 'zfs-import-more' },
    summary,
    element('ul', { class: 'zfs-import-changes' }, ...lines),
  );
}
