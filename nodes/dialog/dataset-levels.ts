// The items of a tree of datasets: each level is asked for when it is opened, shown in part where it is long, and where it could
// not be asked, says so at the dataset that it belongs to.
import type { DatasetEntry, LevelAnswer, PoolsAnswer } from '../admin/browse-answer';
import { isRefusal, type Refusal } from './admin';
import { poolRow, rowElement, type RowDataset } from './dataset-row';
import type { Translate } from './dataset-questions';

/** A level with more gets a box to filter it, and shows as many at first. */
const LONG = 500;
const SHOWN_OF_LONG = 100;

export interface DatasetItem extends TreeListItem {
  id: string;
  /** None: a line that says something. */
  dataset?: RowDataset;
  parent?: DatasetItem;
}

/** What a level asks of the tree that it stands in. */
export interface LevelContext {
  readonly t: Translate;
  /** Radio buttons of this group, or boxes. */
  readonly radio: string | null;
  below: (parent: string) => Promise<LevelAnswer | Refusal>;
  /** Is to be left out at first. */
  hides: (name: string, system: boolean) => boolean;
  isMarked: (name: string) => boolean;
  opens: (name: string) => boolean;
  /** Names of a level that is complete now; '' = the pools. */
  learnt: (parent: string, names: readonly string[]) => void;
  /** Rows came or went. */
  painted: () => void;
  /** Shown beside *Retry*, where a connection can be tested. */
  test: (() => void) | null;
}

let lines = 0;

/** A line of the tree that is no dataset. */
export function lineItem(element: JQuery, kind: string): DatasetItem {
  return { id: `zfs-line-${++lines}`, element: element.addClass('zfs-tree-line'), class: `zfs-tree-line-row ${kind}` };
}

function button(action: string, label: string, click: () => void): JQuery {
  return $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small', 'data-zfs-action': action })
    .text(label)
    .on('click', (event) => {
      event.preventDefault();
      event.stopPropagation();
      click();
    });
}

/** Why a machine, or what is below a dataset (`name`), could not be listed. */
export function problemElement(context: LevelContext, name: string, refusal: Refusal, retry: () => void): JQuery {
  const { t, test } = context;
  const element = $('<div>', { class: 'zfs-tree-problem', role: 'alert', 'data-zfs-tree-problem': name });
  const text = [refusal.message, refusal.hint ?? ''].filter((part) => part !== '').join(' – ');
  $('<i>', { class: 'fa fa-exclamation-triangle', 'aria-hidden': 'true' }).appendTo(element);
  const said = $('<span>').text(text).appendTo(element);
  if (refusal.code !== undefined) said.attr('data-zfs-code', refusal.code);
  const buttons = $('<span>', { class: 'zfs-tree-buttons' }).appendTo(element);
  buttons.append(button('retry', t('common.tree.retry'), retry));
  if (test !== null) buttons.append(button('test-connection', t('common.tree.test'), test));
  return element;
}

export class Levels {
  constructor(private readonly context: LevelContext) {}

  pools({ pools }: PoolsAnswer): DatasetItem[] {
    this.context.learnt(
      '',
      pools.map(({ name }) => name),
    );
    return pools
      .filter(({ name, system }) => !this.context.hides(name, system))
      .map((pool) => this.item(poolRow(pool), true));
  }

  /** Datasets by their full names, as a search finds them. */
  found(datasets: readonly DatasetEntry[]): DatasetItem[] {
    return datasets.map((entry) => this.item({ ...entry, label: entry.name }, false));
  }

  private item(dataset: RowDataset, expandable: boolean): DatasetItem {
    const { t, radio, isMarked, opens } = this.context;
    const { name } = dataset;
    const item: DatasetItem = {
      id: name,
      dataset,
      element: rowElement(dataset, t),
      selected: isMarked(name),
      ...(radio === null ? { checkbox: true } : { radio }),
    };
    if (!expandable) return item;
    return { ...item, expanded: opens(name), children: (done, self) => void this.open(self as DatasetItem, done) };
  }

  private async open(item: DatasetItem, done: (children: TreeListItem[]) => void): Promise<void> {
    // Node-RED's tree fails on an item that is closed before it has got its children.
    item.collapsible = false;
    const children = await this.childrenOf(item);
    item.collapsible = true;
    if (children === null) return;
    item.children = children;
    done(children);
  }

  /** null: nobody is waiting any more. */
  private async childrenOf(item: DatasetItem): Promise<DatasetItem[] | null> {
    const answer = await this.context.below(item.id);
    if (isRefusal(answer)) {
      if (answer.code === 'CANCELLED') return null;
      const element = problemElement(this.context, item.id, answer, () => void this.again(item));
      return [lineItem(element, 'zfs-tree-problem-row')];
    }
    const { hides, learnt } = this.context;
    learnt(
      item.id,
      answer.datasets.map(({ name }) => name),
    );
    const shown = answer.datasets.filter(({ name, system }) => !hides(name, system));
    if (shown.length === 0) return [this.text('common.tree.none')];
    const rows = shown.map(({ expandable, ...entry }) => ({
      dataset: { ...entry, label: entry.name.slice(item.id.length + 1) },
      expandable,
    }));
    if (rows.length <= LONG) return rows.map(({ dataset, expandable }) => this.item(dataset, expandable));
    return this.longLevel(item, rows);
  }

  private text(key: string, values: Record<string, unknown> = {}): DatasetItem {
    return lineItem($('<span>').text(this.context.t(key, values)), 'zfs-tree-note');
  }

  private longLevel(parent: DatasetItem, rows: readonly { dataset: RowDataset; expandable: boolean }[]): DatasetItem[] {
    const { t } = this.context;
    const label = t('common.tree.filter', { count: rows.length });
    const input = $('<input>', { type: 'text', class: 'zfs-tree-filter', placeholder: label, 'aria-label': label });
    const box = lineItem($('<span>').append(input), 'zfs-tree-filter-row');
    const matching = (): DatasetItem[] => {
      const text = String(input.val()).trim().toLowerCase();
      const wanted = rows.filter(({ dataset }) => dataset.label.toLowerCase().includes(text));
      // What is chosen is seen in any case.
      const first = new Set(wanted.slice(0, SHOWN_OF_LONG));
      const shown = wanted.filter((row) => first.has(row) || this.context.isMarked(row.dataset.name));
      const left = wanted.length - shown.length;
      const items = shown.map(({ dataset, expandable }) => this.item(dataset, expandable));
      if (left > 0) items.push(this.text('common.tree.left', { count: left }));
      return wanted.length === 0 ? [this.text('common.tree.noMatch')] : items;
    };
    let timer = 0;
    input.on('input', () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => this.replace(parent, [box], matching()), 200);
    });
    return [box, ...matching()];
  }

  private async again(item: DatasetItem): Promise<void> {
    this.replace(item, [], [this.text('common.tree.loading')]);
    const children = await this.childrenOf(item);
    if (children !== null) this.replace(item, [], children);
  }

  /** Other rows below an item than those `kept` at the beginning. */
  private replace(parent: DatasetItem, kept: readonly DatasetItem[], next: readonly DatasetItem[]): void {
    if (!Array.isArray(parent.children)) return;
    // Each takes itself out of the list.
    const gone = parent.children.filter((child) => !kept.includes(child as DatasetItem));
    for (const child of gone) child.treeList?.remove();
    for (const child of next) parent.treeList?.addChild(child);
    this.context.painted();
  }
}
