// The tray of the import: first where it comes from, then what becomes of it. Only its last button changes the editor; whoever
// leaves it leaves nothing behind, on the server neither.
import type { FlowNode } from '../../dialog/flow-node';
import { place } from '../../dialog/place';
import { onlySingleClicks } from '../../dialog/single-clicks';
import type { Pane } from '../../ssh-connection/editor/set-up-pane';
import { useSetUpStyle } from '../../ssh-connection/editor/set-up';
import { tellWhatIsNext } from './after';
import { forget, keepFor } from './answer';
import type { ImportAnswer } from './answer-types';
import { itemsOf, leftSecrets, nodesFor, type Item } from './items';
import { Rows } from './rows';
import { SourceStep } from './source-step';
import style from './style.css';
import { t } from './translate';

const STYLE_ID = 'zfs-flows-import-style';
const WIDTH = 820;
/** Node-RED's Ctrl-Enter presses what has this id. */
const OK = 'node-dialog-ok';

type StepName = 'source' | 'items';

const find = (id: string): EditorNode | undefined => RED.nodes.node(id) ?? undefined;

function wiresOf(id: string): string[][] {
  const source = find(id);
  const wires: string[][] = [];
  if (source === undefined) return wires;
  for (const { sourcePort, target } of RED.nodes.filterLinks({ source })) (wires[sourcePort] ??= []).push(target.id);
  return Array.from(wires, (ends) => ends ?? []);
}

export class ImportDialog {
  private readonly body = $('<div>', { class: 'zfs-form zfs-import' });
  private readonly problem = $('<div>', { class: 'zfs-sentence zfs-error zfs-hidden', role: 'alert' });
  private tray = $();
  private source: SourceStep | null = null;
  private answer: ImportAnswer | null = null;
  private items: readonly Item[] = [];
  private rows: Rows | null = null;
  /** Nodes whose keys go on waiting: they are in the flows. */
  private kept: readonly string[] = [];
  private isIn = false;
  private isClosed = false;
  private isPlaced = false;

  open(): void {
    useSetUpStyle();
    if (document.getElementById(STYLE_ID) === null) $('<style>', { id: STYLE_ID }).text(style).appendTo('head');
    RED.tray.show({
      title: t('title'),
      width: WIDTH,
      // Never with the class `primary` from the start: Node-RED 5 presses such a button for a click beside the tray.
      buttons: [
        { id: 'node-dialog-cancel', text: t('action.cancel'), click: () => RED.tray.close() },
        { id: 'zfs-import-back', text: t('action.back'), click: () => this.back() },
        { id: OK, text: t('action.next'), click: () => this.source?.next() },
        { id: 'zfs-import-create', text: t('action.create'), click: () => this.create() },
      ],
      open: (tray) => this.build(tray),
      show: () => this.focus(),
      close: () => this.closed(),
      focusElement: false,
    });
  }

  private build(tray: JQuery): void {
    this.tray = tray.attr('data-zfs-import', '');
    this.button(0).attr('data-zfs-action', 'cancel');
    this.button(2).addClass('primary');
    this.button(3).addClass('primary');
    onlySingleClicks(tray);
    tray.find('.red-ui-tray-body').addClass('zfs-import-tray-body').append(this.body);
    this.source = new SourceStep({
      show: (pane) => this.showPane(pane),
      leading: (leads) => this.tray.toggleClass('zfs-import-leading', leads),
      done: (answer) => this.showItems(answer),
    });
    this.showPane(this.source.form);
    this.isIn = true;
  }

  private button(index: number): JQuery {
    return this.tray.find('.red-ui-tray-toolbar button').eq(index);
  }

  private showPane(pane: Pane): void {
    this.show('source', $('<div>', { class: 'zfs-set-up' }).append(pane.element));
    if (this.isIn) pane.focus();
  }

  private show(step: StepName, content: JQuery): void {
    const isLast = step === 'items';
    // Kept with their listeners: they come back.
    this.body.children().detach();
    this.body.append(this.problem.addClass('zfs-hidden'), content);
    this.tray.attr('data-zfs-step', step).find('.red-ui-tray-body').scrollTop(0);
    // What is not to be seen has no name either.
    this.name(1, 'back', isLast);
    this.name(2, 'next', !isLast);
    this.name(3, 'create', isLast);
    // Ctrl-Enter leads on, and at the end it imports.
    this.button(2).attr('id', isLast ? 'zfs-import-next' : OK);
    this.button(3).attr('id', isLast ? OK : 'zfs-import-create');
  }

  private name(index: number, action: string, shown: boolean): void {
    this.button(index)
      .attr('data-zfs-action', shown ? action : null)
      .toggle(shown);
  }

  private focus(): void {
    // Node-RED tells late that the tray is there: somebody may be typing already.
    if (this.body.find(':focus').length > 0) return;
    if (this.rows === null) this.source?.form.focus();
    else this.rows.root.querySelector('h4')?.focus();
  }

  private showItems(answer: ImportAnswer): void {
    if (this.isClosed) {
      forget(answer.secrets);
      return;
    }
    this.forgetOld(answer.secrets);
    this.answer = answer;
    this.items = itemsOf(answer, find);
    this.rows = new Rows(answer, this.items, () => this.settle());
    this.show('items', $(this.rows.root));
    this.settle();
    this.focus();
  }

  /** What was found before, and is not found any more. */
  private forgetOld(now: readonly string[] = []): void {
    forget((this.answer?.secrets ?? []).filter((id) => !now.includes(id)));
  }

  private settle(): void {
    this.button(3).prop('disabled', this.rows === null || this.rows.choice.ticked.size === 0);
  }

  /** The answer stays until there is another: its keys are forgotten when the tray is closed. */
  private back(): void {
    this.rows = null;
    if (this.source !== null) this.showPane(this.source.form);
  }

  private create(): void {
    const { answer, items, rows } = this;
    // It takes a moment to slide away.
    if (this.isPlaced || answer === null || rows === null || rows.choice.ticked.size === 0) return;
    const nodes: FlowNode[] = nodesFor(answer, items, rows.choice, { find, wiresOf });
    const placed = place(nodes, t);
    if (!placed.ok) {
      this.problem.attr('data-zfs-problem', '').text(placed.why).removeClass('zfs-hidden');
      this.tray.find('.red-ui-tray-body').scrollTop(0);
      return;
    }
    this.isPlaced = true;
    const left = leftSecrets(answer, items, rows.choice);
    this.kept = nodes.map(({ id }) => id).filter((id) => !left.includes(id));
    keepFor(this.kept);
    RED.tray.close(() => tellWhatIsNext(placed, items, rows.choice, answer));
  }

  private closed(): void {
    this.isClosed = true;
    this.source?.form.abort();
    this.source?.here.dispose(this.kept);
    forget((this.answer?.secrets ?? []).filter((id) => !this.kept.includes(id)));
  }
}
