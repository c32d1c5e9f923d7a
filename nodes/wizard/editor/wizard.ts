// The tray with its steps: one at a time is in the page, all of them live as long as the tray, so that nothing is lost back
// and forth. Leaving it changes nothing in the editor, and what waits on the server for it is thrown away.
import { useStyle } from '../../dialog/dialog';
import { closeNotice, create, type Created } from './create';
import { destinationStep } from './destination';
import { onlySingleClicks } from '../../dialog/single-clicks';
import { make } from './form';
import { Machines } from './machines';
import { mayMakeNodes } from '../../dialog/permissions';
import { problemsOf } from './problems';
import { scheduleStep } from './schedule';
import { securityStep } from './security';
import { lifetimeStep } from './lifetime';
import { sourceStep } from './source';
import { StepList, STEPS, type StepName, type StepState } from './step-list';
import { Store } from './store';
import type { Complaint, Stage, Step } from './step';
import { summaryStep } from './summary';
import { currentTab } from './tabs';
import style from './style.css';
import { t } from './translate';

const STYLE_ID = 'zfs-flows-wizard-style';
const WIDTH = 860;

const BUILD: Readonly<Record<StepName, (stage: Stage) => Step>> = {
  source: sourceStep,
  destination: destinationStep,
  security: securityStep,
  schedule: scheduleStep,
  lifetime: lifetimeStep,
  summary: summaryStep,
};

/** Node-RED's Ctrl-Enter presses what has this id. */
const OK = 'node-dialog-ok';

export class Wizard {
  private readonly store = new Store(currentTab());
  private readonly machines = new Machines();
  private readonly steps = new Map<StepName, Step>();
  private readonly closing = new AbortController();
  private readonly list = new StepList((step) => this.go(step));
  private readonly question = make('div', { class: 'zfs-wizard-question zfs-hidden', role: 'alertdialog' });
  private readonly place = make('div', { class: 'zfs-wizard-place' });
  private tray = $();
  private current: StepName = 'source';
  /** So far one may go without filling in anything more. */
  private reached = 0;
  private created: Created | null = null;
  private isIn = false;

  open(): void {
    closeNotice();
    useStyle();
    if (document.getElementById(STYLE_ID) === null) $('<style>', { id: STYLE_ID }).text(style).appendTo('head');
    RED.tray.show({
      title: t('title'),
      width: WIDTH,
      // Never with the class `primary` from the start: Node-RED 5 presses such a button for a click beside the tray.
      buttons: [
        { id: 'node-dialog-cancel', text: t('action.cancel'), click: () => this.leave() },
        { id: 'zfs-wizard-back', text: t('action.back'), click: () => this.back() },
        { id: OK, text: t('action.next'), click: () => this.next() },
        { id: 'zfs-wizard-create', text: t('action.create'), click: () => this.create() },
      ],
      open: (tray) => this.build(tray),
      // Whoever has begun to type before it has slid in goes on there.
      show: () => {
        if (this.tray.has(document.activeElement ?? '').length === 0) this.focusStep();
      },
      close: () => this.closed(),
      focusElement: false,
    });
  }

  private build(tray: JQuery): void {
    this.tray = tray.attr({ 'data-zfs-wizard': '' });
    this.button(0).attr('data-zfs-action', 'cancel');
    this.button(1).attr('data-zfs-action', 'back');
    this.button(2).attr('data-zfs-action', 'next').addClass('primary');
    this.button(3).attr('data-zfs-action', 'create').addClass('primary');
    onlySingleClicks(tray);
    const body = make('div', { class: 'zfs-form zfs-wizard' }).append(this.list.element, this.question, this.place);
    if (!mayMakeNodes()) make('div', { class: 'zfs-sentence zfs-warning' }).text(t('readOnly')).prependTo(this.place);
    tray.find('.red-ui-tray-body').addClass('zfs-wizard-body').append(body);
    this.store.onChange(() => this.settle());
    this.show('source');
    this.isIn = true;
  }

  private button(index: number): JQuery {
    return this.tray.find('.red-ui-tray-toolbar button').eq(index);
  }

  private stepOf(name: StepName): Step {
    let step = this.steps.get(name);
    if (step === undefined) {
      step = BUILD[name]({
        store: this.store,
        machines: this.machines,
        closed: this.closing.signal,
        lead: (leads) => this.tray.toggleClass('zfs-wizard-leading', leads),
        go: (other) => this.go(other),
      });
      this.steps.set(name, step);
    }
    return step;
  }

  private show(name: StepName): void {
    const before = this.steps.get(this.current);
    before?.form.element.detach();
    this.current = name;
    this.reached = Math.max(this.reached, STEPS.indexOf(name));
    const step = this.stepOf(name);
    this.place.append(step.form.element);
    this.tray.attr('data-zfs-step', name).find('.red-ui-tray-body').scrollTop(0);
    const isLast = name === 'summary';
    // Ctrl-Enter leads on, and at the end it creates.
    this.button(2)
      .attr('id', isLast ? 'zfs-wizard-next' : OK)
      .toggle(!isLast);
    this.button(3)
      .attr('id', isLast ? OK : 'zfs-wizard-create')
      .toggle(isLast && mayMakeNodes());
    this.button(1).toggle(name !== 'source');
    this.tray.removeClass('zfs-wizard-leading');
    this.showStates();
    step.shown?.();
    // Before it has slid in, Node-RED would scroll its whole page to what has the focus.
    if (this.isIn) this.focusStep();
  }

  /** The first thing of the step that can be filled in, which also reads its title to who does not see it. */
  private focusStep(): void {
    const { form } = this.stepOf(this.current);
    const fields = form.element.find('input, select, textarea, button').filter(':visible:enabled');
    // Where there is nothing to fill in, the keyboard leads on from here all the same.
    const first = fields.length > 0 ? fields : form.element.attr('tabindex', -1);
    first.get(0)?.focus({ preventScroll: !this.isIn });
  }

  private showStates(): void {
    const now = STEPS.indexOf(this.current);
    const entries = STEPS.map((step, index): [StepName, StepState] => {
      if (index === now) return [step, 'current'];
      if (index > this.reached) return [step, 'ahead'];
      return [step, this.complaintsOf(step).length === 0 ? 'done' : 'open'];
    });
    this.list.show(Object.fromEntries(entries) as Record<StepName, StepState>);
  }

  private complaintsOf(name: StepName): Complaint[] {
    const found = problemsOf(this.store.answers, this.machines).filter(
      ({ step, isWarning }) => step === name && !isWarning,
    );
    return [...(this.steps.get(name)?.complaints?.() ?? []), ...found];
  }

  /** What was said to be wrong and is right now is taken back while it is being mended. */
  private settle(): void {
    const { form } = this.stepOf(this.current);
    const complaints = this.complaintsOf(this.current);
    for (const field of form.complained) {
      form.complain(field, complaints.find((one) => one.field === field)?.text ?? '');
    }
    this.showStates();
  }

  /** Says everything that is wrong with the step, and goes to the first; true when nothing is. */
  private check(): boolean {
    const { form } = this.stepOf(this.current);
    const complaints = this.complaintsOf(this.current);
    for (const name of form.names) form.complain(name, complaints.find(({ field }) => field === name)?.text ?? '');
    const [first] = form.names.filter((name) => complaints.some(({ field }) => field === name));
    if (first !== undefined) form.input(first).trigger('focus');
    return complaints.length === 0;
  }

  private next(): void {
    const following = STEPS[STEPS.indexOf(this.current) + 1];
    if (following !== undefined && this.check()) this.show(following);
  }

  private back(): void {
    const before = STEPS[STEPS.indexOf(this.current) - 1];
    if (before !== undefined) this.show(before);
  }

  /** Back to any step; forward only past steps with which nothing is wrong. */
  private go(step: StepName): void {
    const from = STEPS.indexOf(this.current);
    const to = STEPS.indexOf(step);
    if (to === from || to > this.reached) return;
    if (to > from) {
      const wrong = STEPS.slice(from, to).find((one) => this.complaintsOf(one).length > 0);
      if (wrong !== undefined) {
        if (wrong !== this.current) this.show(wrong);
        this.check();
        return;
      }
    }
    this.show(step);
  }

  private create(): void {
    // It takes a moment to slide away.
    if (this.created !== null) return;
    const wrong = STEPS.find((one) => this.complaintsOf(one).length > 0);
    if (wrong !== undefined) {
      if (wrong !== this.current) this.show(wrong);
      this.check();
      return;
    }
    const created = create(this.store.answers, this.machines);
    if (!created.ok) {
      this.stepOf('summary').form.complain('tab', created.why);
      this.stepOf('summary').form.input('tab').trigger('focus');
      return;
    }
    this.created = created;
    RED.tray.close(() => created.shown());
  }

  /** Asks first when something would be lost. */
  private leave(): void {
    const isSettingUp = this.tray.hasClass('zfs-wizard-leading');
    const isUsed = isSettingUp || this.store.isTouched || this.machines.allMade.length > 0;
    if (!isUsed) {
      RED.tray.close();
      return;
    }
    const yes = make('button', { type: 'button', class: 'red-ui-button', 'data-zfs-action': 'confirm' }).text(t('leave.yes')); // prettier-ignore
    const no = make('button', { type: 'button', class: 'red-ui-button primary', 'data-zfs-action': 'cancel' }).text(t('leave.no')); // prettier-ignore
    const stay = (): void => {
      this.question.addClass('zfs-hidden').empty().removeAttr('data-zfs-confirm');
      this.button(0).attr('data-zfs-action', 'cancel').removeClass('disabled');
      this.focusStep();
    };
    // One of this name at a time.
    this.button(0).removeAttr('data-zfs-action').addClass('disabled');
    yes.on('click', () => RED.tray.close());
    no.on('click', stay);
    this.question
      .empty()
      .removeClass('zfs-hidden')
      .attr({ 'data-zfs-confirm': 'leave', 'aria-label': t('leave.title') });
    this.question.append(
      make('strong').text(t('leave.title')),
      make('p').text(t(this.machines.allMade.length > 0 ? 'leave.aboutMachines' : 'leave.about')),
      make('div', { class: 'zfs-buttons' }).append(no, yes),
    );
    this.question.off('keydown').on('keydown', (event) => {
      if (event.key === 'Escape') stay();
    });
    this.question.get(0)?.scrollIntoView({ block: 'nearest' });
    no.trigger('focus');
  }

  private closed(): void {
    this.closing.abort();
    for (const step of this.steps.values()) step.dispose?.(this.created?.ok === true ? this.created.kept : []);
  }
}
