// Elements for rows that are kept and changed in place: nothing is written that is already there, so that an update of
// hundreds of rows costs what has changed.

type Child = Node | string | null;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) if (child !== null) made.append(child);
  return made;
}

/** A real button: reached by the keyboard, pressed by Enter and space in every browser. */
export function button(attributes: Readonly<Record<string, string>>, ...children: Child[]): HTMLButtonElement {
  return element('button', { type: 'button', ...attributes }, ...children);
}

export function icon(name: string): HTMLElement {
  return element('i', { class: `fa ${name}`, 'aria-hidden': 'true' });
}

export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Null takes it away. */
export function setAttribute(target: Element, name: string, value: string | null): void {
  if (target.getAttribute(name) === value) return;
  if (value === null) target.removeAttribute(name);
  else target.setAttribute(name, value);
}

export function setHidden(target: HTMLElement, hidden: boolean): void {
  if (target.hidden !== hidden) target.hidden = hidden;
}

/** Shows a text and its tooltip, or nothing. */
export function setLine(target: HTMLElement, text: string, title = text): void {
  setText(target, text);
  if (target.title !== title) target.title = title;
  setHidden(target, text === '');
}
