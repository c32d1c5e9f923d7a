// Datasets of a machine as a tree to choose from, in a dialog or anywhere else: it shows itself in an element, is given what it
// needs to ask the runtime, and tells which names are chosen. What can be typed is not limited by it. Rows have the attribute
// `data-zfs-dataset` with the dataset's name.
import { isRefusal, type Refusal } from './admin';
import { above, type ChoiceRules, isBelow, markOf, toggled } from './dataset-choice';
import { type DatasetItem, Levels, type LevelContext, lineItem, problemElement } from './dataset-levels';
import { type Ask, DatasetQuestions, type Translate } from './dataset-questions';
import { isUnwell } from './dataset-row';
import style from './dataset-tree.css';
import { TreeKeys } from './tree-keys';

export interface DatasetTreeOptions {
  container: JQuery;
  /** `ask` of admin.ts, with a translator. */
  ask: Ask;
  /** Id of a connection, '' = the machine that runs Node-RED. */
  connection: () => string;
  /** Connections that are not deployed yet, by id: properties, and no secrets. */
  drafts?: () => Readonly<Record<string, object>>;
  /** Sources are several; a target is one, and need not be there yet. */
  multiple: boolean;
  /** Whether what is chosen stands for everything below it. */
  recursive?: () => boolean;
  selected: readonly string[];
  changed: (names: string[]) => void;
  /** With the words `common.tree.…` of the catalogue of any of our node types. */
  t: Translate;
  /** Lets the person test the connection; shown where it does not work. */
  test?: () => void;
}

export interface DatasetTree {
  /** Asks the machine anew. */
  refresh(): void;
  /** Another connection was chosen, its draft was changed, or `recursive` is another. */
  update(): void;
  /** Chooses these; `changed` is not called. */
  select(names: readonly string[]): void;
  focus(): void;
  dispose(): void;
}

const STYLE_ID = 'zfs-flows-tree-style';
/** Pools that are open at first; of more, those are where something is chosen. */
const OPEN_POOLS = 3;
/** Chosen datasets that are shown where they are. */
const SHOWN_CHOSEN = 20;
/** Milliseconds after the last key before names are searched for. */
const SEARCH_PAUSE = 300;
const SHORTEST_SEARCH = 2;

let trees = 0;

class TreeView implements DatasetTree {
  private readonly element = $('<div>', { class: 'zfs-tree', 'data-zfs-tree': '' });
  private readonly search: JQuery;
  private readonly box = $('<div>', { class: 'zfs-tree-box' });
  private readonly hints = $('<div>', { class: 'zfs-tree-hints', role: 'status' });
  private readonly system: JQuery;
  private readonly questions: DatasetQuestions;
  private readonly levels: Levels;
  private readonly context: LevelContext;
  private readonly keys = new TreeKeys();
  private chosen: string[];
  private items: DatasetItem[] = [];
  /** Names of the levels that were listed; '' = the pools. */
  private known = new Map<string, ReadonlySet<string>>();
  private opened = new Set<string>();
  private asking = new AbortController();
  private about = '';
  private timer = 0;
  private fewPools = false;

  constructor(private readonly options: DatasetTreeOptions) {
    const { t, container } = options;
    if (document.getElementById(STYLE_ID) === null) $('<style>', { id: STYLE_ID }).text(style).appendTo('head');
    this.chosen = [...options.selected];
    const machine = { connection: options.connection, drafts: () => options.drafts?.() ?? {} };
    this.questions = new DatasetQuestions(options.ask, machine);
    this.context = this.makeContext();
    this.levels = new Levels(this.context);
    const label = t('common.tree.search');
    this.search = $('<input>', { type: 'text', class: 'zfs-tree-search', placeholder: label, 'aria-label': label });
    this.system = $('<input>', { type: 'checkbox' });
    const refresh = $('<button>', { type: 'button', class: 'red-ui-button', title: t('common.tree.refresh') });
    refresh
      .attr({ 'data-zfs-action': 'refresh', 'aria-label': t('common.tree.refresh') })
      .append($('<i>', { class: 'fa fa-refresh', 'aria-hidden': 'true' }));
    const showSystem = $('<label>', { class: 'zfs-tree-system zfs-hidden' }).append(
      this.system,
      $('<span>').text(t('common.tree.system')),
    );
    this.element.append($('<div>', { class: 'zfs-tree-head' }).append(this.search, refresh), this.box);
    this.element.append(showSystem, this.hints).appendTo(container);
    refresh.on('click', () => this.refresh());
    this.system.on('change', () => this.rebuild());
    this.search.on('input', () => this.searchSoon());
    // What is typed here is not a change of the form around it.
    this.element.on('change input keyup paste', (event) => event.stopPropagation());
    void this.load();
  }

  private get rules(): ChoiceRules {
    return { multiple: this.options.multiple, recursive: this.options.recursive?.() ?? false };
  }

  private makeContext(): LevelContext {
    const { t, multiple, test, connection } = this.options;
    return {
      t,
      radio: multiple ? null : `zfs-tree-${++trees}`,
      below: (parent) => this.questions.below(parent, this.asking.signal),
      hides: (name, system) => this.hides(name, system),
      isMarked: (name) => ['on', 'implied'].includes(markOf(name, this.chosen, this.rules)),
      opens: (name) => this.opened.has(name) || (this.fewPools && !name.includes('/')),
      learnt: (parent, names) => {
        this.known.set(parent, new Set(names));
        this.showHints();
      },
      painted: () => this.repaint(),
      get test() {
        return test === undefined || connection() === '' ? null : test;
      },
    };
  }

  private hides(name: string, system: boolean): boolean {
    if (!system) return false;
    this.system.parent().removeClass('zfs-hidden');
    return this.system.prop('checked') !== true && markOf(name, this.chosen, this.rules) === 'off';
  }

  refresh(): void {
    this.questions.forget();
    this.remember();
    void this.load();
  }

  update(): void {
    if (this.questions.about === this.about) {
      this.repaint();
    } else {
      this.opened.clear();
      void this.load();
    }
  }

  select(names: readonly string[]): void {
    if (names.join('\n') === this.chosen.join('\n')) return;
    this.chosen = [...names];
    this.repaint();
  }

  focus(): void {
    this.search.trigger('focus');
  }

  dispose(): void {
    this.asking.abort();
    clearTimeout(this.timer);
    this.element.remove();
  }

  /** Which rows are open now. */
  private remember(): void {
    const visit = (item: DatasetItem): void => {
      if (item.treeList?.container?.hasClass('expanded') === true) this.opened.add(item.id);
      else if (item.treeList?.container !== undefined) this.opened.delete(item.id);
      if (Array.isArray(item.children)) item.children.forEach((child) => visit(child as DatasetItem));
    };
    // A list of what a search has found says nothing of the tree.
    if (this.element.attr('data-zfs-tree') === '') this.items.forEach(visit);
  }

  /** From what is known, where it is known. */
  private rebuild(): void {
    this.remember();
    void this.load();
  }

  private begin(): AbortSignal {
    this.asking.abort();
    this.asking = new AbortController();
    this.about = this.questions.about;
    this.known = new Map();
    this.items = [];
    const { t } = this.options;
    this.box.empty().append($('<div>', { class: 'zfs-tree-loading', role: 'status' }).text(t('common.tree.loading')));
    this.showHints();
    return this.asking.signal;
  }

  private async load(): Promise<void> {
    if (String(this.search.val()).trim().length >= SHORTEST_SEARCH) return this.find();
    const signal = this.begin();
    this.element.attr('data-zfs-tree', '');
    for (const name of this.chosen.slice(0, SHOWN_CHOSEN)) for (const parent of above(name)) this.opened.add(parent);
    const answer = await this.questions.pools(signal);
    if (signal.aborted) return;
    if (isRefusal(answer)) {
      this.failed(answer);
      return;
    }
    this.fewPools = answer.pools.filter(({ system }) => !system).length <= OPEN_POOLS;
    this.show(this.levels.pools(answer), 'common.tree.empty');
  }

  private failed(refusal: Refusal): void {
    const { t, connection } = this.options;
    const element = problemElement(this.context, '', refusal, () => this.refresh());
    // Nothing is wrong with a Raspberry Pi beside the machines that have ZFS.
    if (refusal.code === 'COMMAND_NOT_FOUND' && connection() === '') {
      element.addClass('zfs-tree-without').attr('role', 'status');
      element.children('i').attr('class', 'fa fa-info-circle');
      element.children('[data-zfs-code]').text(t('common.tree.withoutZfs'));
    }
    this.box.empty().append(element);
  }

  private searchSoon(): void {
    clearTimeout(this.timer);
    if (this.element.attr('data-zfs-tree') === '') this.remember();
    this.timer = window.setTimeout(() => void this.load(), SEARCH_PAUSE);
  }

  private async find(): Promise<void> {
    const text = String(this.search.val()).trim();
    const signal = this.begin();
    this.element.attr('data-zfs-tree', 'search');
    const answer = await this.questions.search(text, signal);
    if (signal.aborted) return;
    if (isRefusal(answer)) {
      this.failed(answer);
      return;
    }
    const shown = answer.datasets.filter(({ name, system }) => !this.hides(name, system));
    const items = this.levels.found(shown);
    const left = answer.found - answer.datasets.length;
    if (left > 0) {
      const more = this.options.t('common.tree.left', { count: left });
      items.push(lineItem($('<span>').text(more), 'zfs-tree-note'));
    }
    this.show(items, 'common.tree.noMatch');
  }

  private show(items: DatasetItem[], whenEmpty: string): void {
    const { t } = this.options;
    this.items = items;
    this.box.empty();
    if (items.length === 0) {
      $('<div>', { class: 'zfs-tree-loading', role: 'status' }).text(t(whenEmpty)).appendTo(this.box);
      return;
    }
    const tree = $('<div>').css({ width: '100%', height: '100%' }).appendTo(this.box);
    tree.on('treelistselect', ((_event: unknown, item?: DatasetItem) => this.choose(item)) as never);
    tree.on('treelistchildrenloaded', () => this.repaint());
    tree.treeList({ data: items, multi: true, autoSelect: false, selectable: true });
    this.keys.attach(tree, t('common.tree.label'), this.options.multiple);
    this.repaint();
  }

  private choose(item: DatasetItem | undefined): void {
    if (item?.dataset === undefined) return;
    this.chosen = toggled(this.chosen, item.id, item.selected === true, this.rules);
    this.repaint();
    this.options.changed([...this.chosen]);
  }

  private repaint(): void {
    this.paint();
    this.showHints();
  }

  /** Every row as it has to look now. */
  private paint(): void {
    const { rules } = this;
    const visit = (item: DatasetItem): void => {
      const { dataset, treeList } = item;
      if (treeList?.label !== undefined && dataset !== undefined) {
        const mark = markOf(dataset.name, this.chosen, rules);
        const isOn = mark === 'on' || mark === 'implied';
        item.selected = isOn;
        const partly = mark === 'part' && rules.multiple;
        const input = treeList.checkbox ?? treeList.radio;
        input
          ?.prop({ checked: isOn, indeterminate: partly, disabled: mark === 'implied' })
          .attr({ 'aria-label': dataset.name, tabindex: '-1' });
        treeList.label
          .attr('data-zfs-dataset', dataset.name)
          .toggleClass('selected', isOn)
          .toggleClass('zfs-tree-implied', mark === 'implied')
          .toggleClass('zfs-tree-unwell', isUnwell(dataset));
        this.keys.describe(item, partly ? 'mixed' : String(isOn), mark === 'implied');
      }
      if (Array.isArray(item.children)) item.children.forEach((child) => visit(child as DatasetItem));
    };
    this.items.forEach(visit);
  }

  /** Names that are chosen and not among those that were listed: a hint, since what is typed is not limited by the tree. */
  private showHints(): void {
    const { t, multiple } = this.options;
    const isAbsent = (name: string): boolean =>
      [...above(name), name].some((part) => {
        const slash = part.lastIndexOf('/');
        return this.known.get(slash < 0 ? '' : part.slice(0, slash))?.has(part) === false;
      });
    this.hints.empty();
    for (const name of this.chosen.filter((one) => one !== '' && isAbsent(one))) {
      const key =
        !multiple && this.known.get('')?.has(name.split('/')[0] ?? '') ? 'common.tree.new' : 'common.tree.unknown';
      $('<div>', { 'data-zfs-unknown': name }).text(t(key, { name })).appendTo(this.hints);
    }
    for (const name of this.leavesOut())
      $('<div>', { 'data-zfs-left-out': name }).text(t('common.tree.leftOut', { name })).appendTo(this.hints);
  }

  /** Chosen ones of which something below is known that nobody has chosen, where it could go without saying. */
  private leavesOut(): string[] {
    const { multiple, recursive } = this.options;
    if (!multiple || recursive?.() !== false) return [];
    const isChosenBelow = (name: string): boolean => this.chosen.some((other) => isBelow(other, name));
    const found: string[] = [];
    const visit = ({ id, dataset, children }: DatasetItem): void => {
      // Of a pool that was not opened it is not known.
      const hasMore = Array.isArray(children)
        ? children.some((child) => (child as DatasetItem).dataset !== undefined)
        : children !== undefined && id.includes('/');
      if (dataset !== undefined && hasMore && this.chosen.includes(id) && !isChosenBelow(id)) found.push(id);
      if (Array.isArray(children)) children.forEach((child) => visit(child as DatasetItem));
    };
    this.items.forEach(visit);
    return found;
  }
}

export function datasetTree(options: DatasetTreeOptions): DatasetTree {
  return new TreeView(options);
}
