// Elements of the page: made once, changed in place, so that focus, scroll and what is open stay as they are.

type Attributes = Readonly<Record<string, string>>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function button(action: string, text: string, click: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', 'data-zfs-action': action }, text);
  made.addEventListener('click', click);
  return made;
}

/** Touches nothing that is as it should be. */
export function setText(where: Element, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}

export function toggle(where: HTMLElement, shown: boolean): void {
  if (where.hidden === shown) where.hidden = !shown;
}

/** A removed attribute where the value is undefined. */
export function setAttribute(where: Element, name: string, value: string | undefined): void {
  if (value === undefined) where.removeAttribute(name);
  else if (where.getAttribute(name) !== value) where.setAttribute(name, value);
}
