// The choice of a machine: this one, one that there is a connection for, or a new one, which is set up right here. What is
// set up is stored when the flow is created and deployed, and not before.
import { textOf } from '../../dialog/dialog';
import { connectionSetUp, type SetUp } from '../../ssh-connection/editor/set-up';
import type { Known, SetUpConnection } from '../../ssh-connection/editor/set-up-types';
import { mayConnect } from '../../ssh-connection/editor/tools';
import { byHand } from './by-hand';
import { type Form, make } from './form';
import type { Machines, NewMachine } from './machines';
import type { Store } from './store';
import { t } from './translate';

/** As Node-RED calls it in its own lists. */
const ADD = '_ADD_';

export interface MachineOptions {
  form: Form;
  parent: JQuery;
  name: 'sourceConnection' | 'targetConnection';
  label: string;
  store: Store;
  machines: Machines;
  /** A set-up wants the buttons for itself, or gives them back. */
  leading: (leads: boolean) => void;
  /** Goes on to what comes after the machine. */
  next: () => void;
}

const NOTHING_KNOWN: Known = { host: '', port: '', username: '', hostKeys: '', more: {} };

export class MachineField {
  private readonly select = make('select');
  private readonly place = make('div', { class: 'zfs-wizard-new-machine' });
  private adding = false;
  private current: SetUp | null = null;
  /** Each leaves something on the server when it came far enough; with the id that it did so under. */
  private readonly setUps = new Map<string, SetUp>();

  constructor(private readonly options: MachineOptions) {
    const { form, parent, name, label, store, machines } = options;
    form.row(parent, name, this.select, { label, ...(mayConnect() ? {} : { hint: t('machine.mayNot') }) });
    parent.append(this.place);
    this.select.on('change', () => this.chosen(textOf(this.select)));
    machines.onChange(() => this.fill());
    this.fill();
    form.live(() => {
      if (!this.adding && textOf(this.select) !== store.answers[name]) this.fill();
    });
  }

  /** Why one cannot go on; '' where one can. */
  get problem(): string {
    return this.adding ? t('machine.unfinished') : '';
  }

  private fill(): void {
    const { store, name, machines } = this.options;
    const option = (value: string, label: string): void => {
      make('option', { value }).text(label).appendTo(this.select);
    };
    this.select.empty();
    option('', t('common.thisMachine'));
    for (const [id, label] of machines.all) option(id, machines.isNew(id) ? t('machine.isNew', { label }) : label);
    const chosen = store.answers[name];
    if (!machines.has(chosen)) option(chosen, t('machine.gone', { id: chosen }));
    if (mayConnect()) option(ADD, t('machine.add'));
    this.select.val(this.adding ? ADD : chosen);
  }

  private chosen(value: string): void {
    const { store, name, form } = this.options;
    form.complain(name, '');
    if (value === ADD) {
      this.add();
      return;
    }
    this.stop();
    store.set({ [name]: value });
  }

  private add(): void {
    this.adding = true;
    const { machines } = this.options;
    const id = RED.nodes.id();
    const container = make('div').appendTo(this.place.empty());
    const setUp = connectionSetUp({
      container,
      id,
      replace: false,
      known: () => NOTHING_KNOWN,
      toKeep: t('machine.toKeep'),
      done: (connection) => this.finish({ id, values: propertiesOf(connection, machines.labels) }),
      byHand: (typed) => {
        byHand({
          container,
          id,
          typed,
          done: (machine) => this.finish(machine),
          back: () => setUp.ask(),
        });
      },
      onStep: (step) => this.options.leading(this.adding && step !== '' && step !== 'choose' && step !== 'done'),
    });
    this.setUps.set(id, setUp);
    this.current = setUp;
    setUp.ask();
    container.find('button').first().trigger('focus');
  }

  /** It is set up: what was done stays to be read. */
  private finish(machine: NewMachine): void {
    const { store, name, machines, leading, next } = this.options;
    this.adding = false;
    this.current = null;
    // First, so that whoever is told of the answer knows the machine.
    machines.add(machine);
    store.set({ [name]: machine.id });
    this.fill();
    leading(false);
    next();
  }

  /** Ends what is being set up, if anything is, and shows nothing of it. */
  private stop(): void {
    this.adding = false;
    this.current?.close();
    this.current = null;
    this.place.empty();
    this.options.leading(false);
  }

  /** For good: what waits on the server is thrown away unless its id is `kept`. */
  dispose(kept: readonly string[]): void {
    for (const [id, setUp] of this.setUps) setUp.dispose(kept.includes(id));
  }
}

/** A name that another machine has already says nothing. */
function propertiesOf(connection: SetUpConnection, taken: readonly string[]): Readonly<Record<string, unknown>> {
  const { host, port, username, hostKeys, sudo } = connection;
  const { name = host } = connection;
  const rights = sudo === undefined ? {} : { sudo };
  const labels = [name, ...(name === host ? [] : [`${name} (${host})`]), `${name} (${host}:${port})`];
  const label = labels.find((one) => !taken.includes(one)) ?? name;
  return { name: label, host, port, username, authMethod: 'privateKey', hostKeys, ...rights };
}
