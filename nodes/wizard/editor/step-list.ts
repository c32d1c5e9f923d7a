// The list of steps on top of the wizard: where one is, what is done, and a way back to it.
import { make } from './form';
import { t } from './translate';

export const STEPS = ['source', 'destination', 'security', 'schedule', 'lifetime', 'summary'] as const;
export type StepName = (typeof STEPS)[number];

export type StepState = 'done' | 'current' | 'open' | 'ahead';

export class StepList {
  readonly element = make('nav', { class: 'zfs-wizard-steps', 'aria-label': t('steps.label') });
  private readonly buttons = new Map<StepName, JQuery>();

  constructor(go: (step: StepName) => void) {
    const list = make('ol').appendTo(this.element);
    STEPS.forEach((step, index) => {
      const button = make('button', { type: 'button', 'data-zfs-go': step }).on('click', () => go(step));
      make('span', { class: 'zfs-wizard-number', 'aria-hidden': 'true' })
        .append(make('span').text(index + 1), make('i', { class: 'fa fa-check' }))
        .appendTo(button);
      make('span', { class: 'zfs-wizard-step-name' })
        .text(t(`steps.${step}`))
        .appendTo(button);
      this.buttons.set(step, button);
      make('li').append(button).appendTo(list);
    });
  }

  show(states: Readonly<Record<StepName, StepState>>): void {
    for (const [step, button] of this.buttons) {
      const state = states[step];
      button.attr('data-zfs-state', state).prop('disabled', state === 'ahead');
      if (state === 'current') button.attr('aria-current', 'step');
      else button.removeAttr('aria-current');
      button.attr('aria-label', t(`steps.state.${state}`, { step: t(`steps.${step}`) }));
    }
  }
}
