// The wizard in the editor (design/face.md), loaded when somebody opens it for the first time (`editor/stub.ts`).
import { element } from '../dialog/dom';
import { t } from './editor/translate';

export function openWizard(): void {
  RED.tray.show({
    title: t('title'),
    buttons: [{ id: 'node-dialog-cancel', text: t('action.cancel'), click: () => RED.tray.close() }],
    open: (tray) => {
      tray.find('.red-ui-tray-body').append(element('div', { 'data-zfs-wizard': '' }));
    },
  });
}
