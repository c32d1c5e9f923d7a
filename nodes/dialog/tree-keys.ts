// Keyboard and screen readers for Node-RED's treeList, which knows arrow keys and gives its rows no roles. It fails on keys while
// no row has the focus, and takes those that are typed into inputs among its rows for its own: both are kept from it here.
import type { DatasetItem } from './dataset-levels';

const OF_A_ROW = new Set(['ArrowLeft', 'ArrowRight', ' ', 'Enter']);
let rows = 0;

export class TreeKeys {
  private tree: JQuery = $();

  attach(tree: JQuery, label: string, multiple: boolean): void {
    this.tree = tree;
    tree.attr({ role: 'tree', 'aria-label': label, 'aria-multiselectable': String(multiple) });
    const element = tree.get(0);
    // Before the tree's own listener, which is on the same element.
    element?.addEventListener(
      'keydown',
      (event) => {
        const target = event.target as HTMLElement;
        if (target !== element && target.closest('input[type="text"], button') !== null) {
          // Rows have nothing to do with it; whoever typed it has.
          event.stopPropagation();
        } else if (OF_A_ROW.has(event.key) && tree.find('.focus').length === 0) {
          event.stopImmediatePropagation();
          event.preventDefault();
          tree.find('.red-ui-treeList-label').first().addClass('focus');
        }
        setTimeout(() => this.tellFocus(), 0);
      },
      true,
    );
    element?.addEventListener('focusin', (event) => {
      if (event.target === element && tree.find('.focus').length === 0) {
        tree.find('.red-ui-treeList-label').first().addClass('focus');
      }
      this.tellFocus();
    });
    element?.addEventListener('click', () => setTimeout(() => this.tellFocus(), 0));
  }

  /** `checked`: true, false or mixed. */
  describe({ depth, treeList, children }: DatasetItem & { depth?: number }, checked: string, locked: boolean): void {
    const label = treeList?.label;
    if (label === undefined) return;
    if (label.attr('id') === undefined) label.attr('id', `zfs-tree-row-${++rows}`);
    label.attr({ role: 'treeitem', 'aria-level': String((depth ?? 0) + 1), 'aria-checked': checked });
    label.attr('aria-disabled', String(locked));
    if (children === undefined) label.removeAttr('aria-expanded');
    else label.attr('aria-expanded', String(treeList?.container?.hasClass('expanded') === true));
  }

  private tellFocus(): void {
    const focused = this.tree.find('.focus').first();
    const id = focused.attr('id');
    if (id === undefined) this.tree.removeAttr('aria-activedescendant');
    else this.tree.attr('aria-activedescendant', id);
    for (const row of this.tree.find('[aria-expanded]').get()) {
      $(row).attr('aria-expanded', String($(row).parent().hasClass('expanded')));
    }
  }
}
