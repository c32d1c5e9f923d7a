// The buttons that make new tasks. What they open belongs to other plugins, whose actions they invoke.
import { button, element, icon } from '../../dialog/dom';
import { t } from './translate';

const MAKERS = [
  { name: 'new', picture: 'fa-plus', opens: 'zfs-flows:replicate' },
  { name: 'import', picture: 'fa-sign-in', opens: 'zfs-flows:import' },
] as const;

export function makerButtons(): HTMLButtonElement[] {
  return MAKERS.map(({ name, picture, opens }) => {
    const label = t(`make.${name}`);
    const made = button(
      { class: 'red-ui-button red-ui-button-small', 'data-zfs-action': name, 'aria-label': label, title: label },
      icon(picture),
      element('span', {}, label),
    );
    made.addEventListener('click', () => RED.actions.invoke(opens));
    return made;
  });
}
