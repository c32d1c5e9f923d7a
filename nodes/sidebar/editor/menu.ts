// The menu of a row: what can be done with a task. Core's menus are links without roles; this one is a menu for screen
// readers and works by keyboard alone.
import { button, element, icon } from '../../dialog/dom';

export interface MenuItem {
  action: string;
  icon: string;
  label: string;
  /** Why it cannot be done now. */
  obstacle?: string;
  press: () => void;
}

let open: Menu | null = null;

export class Menu {
  private readonly root: HTMLUListElement;
  private readonly events = new AbortController();

  private constructor(
    readonly id: string,
    private readonly opener: HTMLButtonElement,
    items: readonly MenuItem[],
  ) {
    const label = opener.getAttribute('aria-label') ?? '';
    const rows = items.map((item) => this.row(item));
    this.root = element(
      'ul',
      { class: 'zfs-tasks-menu', role: 'menu', 'data-zfs-menu': id, 'aria-label': label },
      ...rows,
    );
  }

  /** In the place of any other. */
  static show(id: string, opener: HTMLButtonElement, items: readonly MenuItem[]): void {
    open?.close();
    open = new Menu(id, opener, items);
    open.appear();
  }

  private appear(): void {
    document.body.append(this.root);
    this.opener.setAttribute('aria-expanded', 'true');
    this.place();
    const { signal } = this.events;
    this.root.addEventListener('keydown', (event) => this.key(event), { signal });
    const outside = (event: Event): void => {
      if (!(event.target instanceof Node) || !this.root.contains(event.target)) this.close();
    };
    document.addEventListener('pointerdown', outside, { signal, capture: true });
    // What scrolls may carry the button along.
    document.addEventListener('scroll', () => this.place(), { signal, capture: true });
    window.addEventListener('resize', () => this.close(), { signal });
    this.buttons()[0]?.focus();
  }

  static get current(): Menu | null {
    return open;
  }

  /** `back`: the focus goes to where it came from. */
  close(back = false): void {
    if (open !== this) return;
    open = null;
    this.events.abort();
    this.root.remove();
    this.opener.setAttribute('aria-expanded', 'false');
    if (back) this.opener.focus();
  }

  private row({ action, icon: picture, label, obstacle, press }: MenuItem): HTMLLIElement {
    const disabled: Record<string, string> = obstacle === undefined ? {} : { 'aria-disabled': 'true', title: obstacle };
    const item = button(
      { role: 'menuitem', tabindex: '-1', 'data-zfs-action': action, ...disabled },
      icon(picture),
      label,
    );
    item.addEventListener('click', () => {
      if (obstacle !== undefined) return;
      this.close(true);
      press();
    });
    return element('li', { role: 'none' }, item);
  }

  private buttons(): HTMLButtonElement[] {
    return [...this.root.querySelectorAll('button')];
  }

  private key(event: KeyboardEvent): void {
    const all = this.buttons();
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    const to = steps[event.key];
    if (to !== undefined) all.at(to % all.length)?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') this.close(true);
    // What else is pressed is none of the editor's business, and enter and space press the button.
    else if (event.key.length > 1 && event.key !== 'Enter') return;
    if (!['Enter', ' '].includes(event.key)) event.preventDefault();
    event.stopPropagation();
  }

  /** Below its button, or above where there is no room. */
  private place(): void {
    const { left, right, top, bottom } = this.opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const x = Math.max(4, Math.min(right - width, window.innerWidth - width - 4, Math.max(left, right - width)));
    const below = bottom + 2 + height <= window.innerHeight;
    const y = below ? bottom + 2 : Math.max(4, top - 2 - height);
    this.root.style.left = `${x}px`;
    this.root.style.top = `${y}px`;
  }
}
