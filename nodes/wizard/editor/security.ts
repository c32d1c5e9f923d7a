// Step 3: who could look into the data on its way. Asked only where it leaves a machine.
import { Form, make } from './form';
import type { Stage, Step } from './step';
import { machineName } from './words';
import { t } from './translate';

const TRANSPORTS = [
  ['auto', 'auto'],
  ['ssh', 'ssh'],
  ['ssh+tls', 'tls'],
  ['ssh+netcat', 'netcat'],
] as const;

export function securityStep({ store, machines }: Stage): Step {
  const form = new Form(make('div', { class: 'zfs-wizard-step' }), store);
  const part = form.part(t('security.title'));
  const isRemote = (): boolean => {
    const { sourceConnection: from, targetConnection: to } = store.answers;
    return from !== '' || to !== '';
  };
  const choices = TRANSPORTS.map(([value, key]) => [value, t(`security.${key}.label`)] as const);
  const row = form.choice(part, 'transport', choices, { label: t('security.label') });
  const about = make('div', { class: 'zfs-sentence zfs-wizard-transport', role: 'status' }).appendTo(part);
  const stays = make('p', { class: 'zfs-sentence zfs-wizard-stays' }).text(t('security.local')).appendTo(part);
  form.showWhen(isRemote, row, about);
  form.showWhen(() => !isRemote(), stays);
  form.live(() => {
    const { transport, sourceConnection, targetConnection } = store.answers;
    const [, key = 'auto'] = TRANSPORTS.find(([value]) => value === transport) ?? [];
    about.empty().toggleClass('zfs-warning', transport === 'ssh+netcat');
    const values = { from: machineName(machines, sourceConnection), to: machineName(machines, targetConnection) };
    make('div')
      .text(t(`security.${key}.about`, values))
      .appendTo(about);
    const bothRemote = sourceConnection !== '' && targetConnection !== '';
    const way = transport === 'auto' || transport === 'ssh' ? 'relayed' : 'direct';
    if (bothRemote)
      make('div')
        .text(t(`security.${way}`, values))
        .appendTo(about);
  });
  return { form };
}
