// The list by keyboard alone: one stop for the tab key, arrows from row to row and to the menu. Logs and questions inside are
// stops of their own.
import type { Row } from './row';

export class RovingFocus {
  private active: Row | undefined;

  constructor(
    list: HTMLElement,
    private readonly rowOf: (element: Element) => Row | undefined,
    private readonly shown: () => Row[],
    private readonly openMenu: (row: Row) => void,
  ) {
    list.addEventListener('focusin', ({ target }) => {
      if (target instanceof Element) this.activate(this.rowOf(target));
    });
    list.addEventListener('keydown', (event) => this.key(event));
  }

  /** After the rows have changed: one of them can be reached. */
  settle(): void {
    const rows = this.shown();
    if (this.active !== undefined && rows.includes(this.active)) return;
    this.activate(rows[0]);
  }

  /** From the filter into the list. */
  enter(): void {
    (this.active ?? this.shown()[0])?.state.focus();
  }

  private activate(row: Row | undefined): void {
    if (row === this.active) return;
    for (const stop of this.active === undefined ? [] : [this.active.state, this.active.menu]) stop.tabIndex = -1;
    this.active = row;
    for (const stop of row === undefined ? [] : [row.state, row.menu]) stop.tabIndex = 0;
  }

  private key(event: KeyboardEvent): void {
    const { target, key } = event;
    const row = target instanceof Element ? this.rowOf(target) : undefined;
    if (row === undefined || (target !== row.state && target !== row.menu)) return;
    const rows = this.shown();
    const at = rows.indexOf(row);
    const to: Record<string, Row | undefined> = {
      ArrowDown: rows[at + 1],
      ArrowUp: rows[at - 1],
      Home: rows[0],
      End: rows.at(-1),
    };
    if (key in to) (target === row.menu ? to[key]?.menu : to[key]?.state)?.focus();
    else if (key === 'ArrowRight') row.menu.focus();
    else if (key === 'ArrowLeft') row.state.focus();
    else if (key === 'ContextMenu' || (key === 'F10' && event.shiftKey)) this.openMenu(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
