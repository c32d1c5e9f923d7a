// What can be made so all the same, and most likely is not meant.
import { type Form, make } from './form';
import { problemsOf } from './problems';
import type { Stage } from './step';

/** Says at the end of `parent` what src/wizard warns of for a field, as long as it does. */
export function warning(form: Form, { store, machines }: Stage, parent: JQuery, name: string): void {
  const place = make('div', { class: 'zfs-sentence zfs-warning', role: 'status', 'data-zfs-warning': name });
  place.appendTo(parent);
  form.live(() => {
    const found = problemsOf(store.answers, machines).find(({ field, isWarning }) => field === name && isWarning);
    place.toggleClass('zfs-hidden', found === undefined).text(found?.text ?? '');
  });
}
