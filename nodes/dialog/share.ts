// A fraction (0–1) that the dialog shows as a percentage, in `#zfs-max-share`.
import type { Dialog } from './dialog';
import { textOf } from './dialog';
import { checkWhileTyping } from './rows';

export function shareInput(dialog: Dialog, property: string): void {
  const input = dialog.form.find('#zfs-max-share');
  input.val(Math.round(Number(dialog.value(property)) * 1000) / 10);
  checkWhileTyping(dialog, input, (text) => {
    const share = Number(text);
    if (text.trim() === '' || !(share >= 0)) return dialog.t('common.invalid.min', { min: 0 });
    return share <= 100 ? null : dialog.t('common.invalid.max', { max: 100 });
  });
  dialog.store(property, () => Number(textOf(input)) / 100);
}
