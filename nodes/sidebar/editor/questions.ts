// What is asked below a row, in place: before a run that can destroy something, and for how long a pause shall last. One
// question a row; Escape answers no.
import { button, element } from '../../dialog/dom';
import { t } from './translate';

export interface Question {
  readonly root: HTMLElement;
  close(): void;
}

interface Buttons {
  yes: string;
  no: string;
  /** Values of `data-zfs-action`. */
  yesAction: string;
  noAction: string;
  destructive?: boolean;
}

function buttonRow({ yes, no, yesAction, noAction, destructive }: Buttons): {
  row: HTMLElement;
  yesButton: HTMLButtonElement;
  noButton: HTMLButtonElement;
} {
  const style =
    destructive === true ? 'zfs-task-button zfs-task-button-danger' : 'zfs-task-button zfs-task-button-primary';
  const yesButton = button({ class: style, 'data-zfs-action': yesAction }, yes);
  const noButton = button({ class: 'zfs-task-button', 'data-zfs-action': noAction }, no);
  return { row: element('div', { class: 'zfs-task-buttons' }, noButton, yesButton), yesButton, noButton };
}

/** `done` is told when the question is gone; it was put right after `place` was built. */
function ask(root: HTMLElement, place: HTMLElement, done: () => void): () => void {
  const close = (): void => {
    if (!root.isConnected) return;
    const hadFocus = root.contains(document.activeElement);
    root.remove();
    if (hadFocus) done();
  };
  root.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  place.prepend(root);
  return close;
}

/** `back`: where the focus goes afterwards. */
export function confirmRun(id: string, name: string, place: HTMLElement, back: () => void, run: () => void): Question {
  const text = element('p', {}, t('confirm.text', { name }));
  const { row, yesButton, noButton } = buttonRow({
    yes: t('confirm.run'),
    no: t('confirm.cancel'),
    yesAction: 'confirm',
    noAction: 'cancel',
    destructive: true,
  });
  const root = element(
    'div',
    {
      class: 'zfs-task-question',
      role: 'alertdialog',
      'data-zfs-confirm': id,
      'aria-label': t('confirm.text', { name }),
    },
    text,
    row,
  );
  const close = ask(root, place, back);
  noButton.addEventListener('click', close);
  yesButton.addEventListener('click', () => {
    close();
    run();
  });
  noButton.focus();
  root.scrollIntoView({ block: 'nearest' });
  return { root, close };
}

const UNTIL = ['', '1h', '4h', '1d', '7d', 'other'] as const;

/** What may be said of a pause: when it ends by itself, and why. */
export function describePause(
  id: string,
  name: string,
  place: HTMLElement,
  back: () => void,
  save: (values: { until: string; note: string }) => void,
): Question {
  const options = UNTIL.map((value) =>
    element('option', { value }, t(`pause.until.${value === '' ? 'resumed' : value}`)),
  );
  const until = element('select', { name: 'until', 'aria-label': t('pause.untilLabel') }, ...options);
  const other = element('input', { type: 'datetime-local', name: 'untilTime', 'aria-label': t('pause.untilLabel') });
  const note = element('input', {
    type: 'text',
    name: 'note',
    maxlength: '500',
    placeholder: t('pause.note'),
    'aria-label': t('pause.note'),
  });
  const { row, noButton } = buttonRow({
    yes: t('pause.save'),
    no: t('pause.close'),
    yesAction: 'save-pause',
    noAction: 'close-pause',
  });
  const form = element('form', {}, element('p', {}, t('pause.text', { name })), until, other, note, row);
  const root = element('div', { class: 'zfs-task-question', 'data-zfs-pause': id }, form);
  const close = ask(root, place, back);
  other.hidden = true;
  until.addEventListener('change', () => {
    other.hidden = until.value !== 'other';
    if (!other.hidden) other.focus();
  });
  const submit = (): void => {
    const chosen = until.value === 'other' ? other.value && new Date(other.value).toISOString() : until.value;
    close();
    save({ until: chosen, note: note.value.trim() });
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  noButton.addEventListener('click', close);
  row.querySelector('[data-zfs-action="save-pause"]')?.addEventListener('click', submit);
  until.focus();
  root.scrollIntoView({ block: 'nearest' });
  return { root, close };
}
