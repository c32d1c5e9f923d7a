// What is said when something was imported: that it has to be deployed, why soon, and what is left to do.
import type { Placed } from '../../dialog/place';
import type { ImportAnswer } from './answer-types';
import type { Choice, Item } from './items';
import { t } from './translate';
import { titleOf } from './words';

/** Lines of what is left to do. */
const MOST = 6;

export function tellWhatIsNext(placed: Placed, items: readonly Item[], { ticked }: Choice, answer: ImportAnswer): void {
  const { added, changed } = placed;
  const isNothing = added.length + changed.length === 0;
  const todo = items
    .filter(({ item }) => ticked.has(item))
    .flatMap((item) =>
      item.findings.filter(({ level }) => level !== 'info').map(({ message }) => `${titleOf(item)}: ${message}`),
    );
  const hasKeys = answer.secrets.length > 0;
  const content = $('<div>');
  const paragraph = (text: string): void => void $('<p>').text(text).appendTo(content);
  if (isNothing) paragraph(t('after.nothing'));
  const counted = [
    added.length > 0 ? t('after.imported', { count: added.length }) : '',
    changed.length > 0 ? t('after.updated', { count: changed.length }) : '',
  ].filter((text) => text !== '');
  if (!isNothing) paragraph([...counted, t(hasKeys ? 'after.deploy' : 'after.deployPlain')].join(' '));
  if (todo.length > 0) {
    paragraph(t('after.todo'));
    const list = $('<ul>', { class: 'zfs-import-todo' }).appendTo(content);
    for (const text of todo.slice(0, MOST)) $('<li>').text(text).appendTo(list);
    if (todo.length > MOST)
      $('<li>')
        .text(t('after.more', { count: todo.length - MOST }))
        .appendTo(list);
  }
  const close = { text: t('after.close'), click: (): void => notice.close() };
  const deploy = {
    text: t('after.now'),
    class: 'primary',
    click: (): void => {
      notice.close();
      RED.actions.invoke('core:deploy-flows');
    },
  };
  const type = todo.length > 0 ? 'warning' : 'success';
  const notice = RED.notify(content.html(), { type, fixed: true, buttons: isNothing ? [close] : [close, deploy] });
}
