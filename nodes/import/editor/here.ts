// What the imported machine is for this Node-RED: this one, one that there is a connection for, or another one, by its name or
// set up right here. Guessed from the address that was asked, until somebody has chosen.
import type { FlowNode } from '../../dialog/flow-node';
import type { Pane } from '../../ssh-connection/editor/set-up-pane';
import { connectionSetUp, type SetUp } from '../../ssh-connection/editor/set-up';
import type { Known, SetUpConnection } from '../../ssh-connection/editor/set-up-types';
import { t } from './translate';

const TYPE = 'zfs-ssh-connection';
const NEW = 'new';
/** Fields of a connection that is made from what is typed in. */
const TYPED = ['hereHost', 'hereUsername'];
const LOCAL = /^(?:localhost|127\.[\d.]+|\[?::1\]?)$/i;

export interface Here {
  /** For the request: the id of a connection, '' = this machine, or what one is to be made of. */
  value: string | Record<string, unknown>;
  /** The connection that was set up here, as a node. */
  connection?: FlowNode;
}

export class HereField {
  private readonly select: JQuery;
  private readonly place = $('<div>');
  private readonly setUps = new Map<string, SetUp>();
  private current: SetUp | null = null;
  private readonly made = new Map<string, FlowNode>();
  private touched = false;

  constructor(
    private readonly pane: Pane,
    private readonly leading: (leads: boolean) => void,
  ) {
    this.select = pane.choice('here', this.choices(), { label: t('here.label'), hint: t('here.hint') });
    pane.text('hereHost', { label: t('here.host'), placeholder: 'nas.example.org' });
    pane.number('herePort', { label: t('here.port'), value: '22', min: 1, max: 65_535, beside: 'hereHost' });
    pane.text('hereUsername', { label: t('here.username'), placeholder: 'root', hint: t('here.setUpHint') });
    const button = $('<button>', { type: 'button', class: 'red-ui-button', 'data-zfs-action': 'set-up' });
    button.text(t('here.setUp')).on('click', () => this.setUp());
    pane.below('hereUsername', $('<div>', { class: 'zfs-buttons' }).append(button));
    pane.add(this.place);
    this.select.on('change', () => {
      this.touched = true;
      this.stop();
      this.settle();
    });
    this.settle();
  }

  /** The machine that is asked is most likely the one that the tasks are about. */
  guess(host: string): void {
    if (this.touched) return;
    const same = connections().find(({ node }) => node['host'] === host);
    if (host === '' || LOCAL.test(host)) this.select.val('');
    else if (same !== undefined) this.select.val(same.node.id);
    else {
      this.select.val(NEW);
      this.pane.set('hereHost', host);
    }
    this.settle();
  }

  private choices(): Record<string, string> {
    const known = connections().map(({ node, label }) => [node.id, label]);
    const made = [...this.made].map(([id, { name }]) => [id, t('here.isSetUp', { name })]);
    return { '': t('common.thisMachine'), ...Object.fromEntries([...known, ...made]), [NEW]: t('here.new') } as never;
  }

  private settle(): void {
    const isNew = this.chosen === NEW && this.current === null;
    for (const name of TYPED) this.pane.toggle(name, isNew);
  }

  private get chosen(): string {
    return this.pane.value('here');
  }

  /** Undefined where something is missing, which is said. */
  get value(): Here | undefined {
    const { chosen, pane } = this;
    if (this.current !== null) {
      pane.complain({ field: 'here', text: t('here.unfinished') });
      return undefined;
    }
    if (chosen !== NEW) {
      const connection = this.made.get(chosen);
      return { value: chosen, ...(connection === undefined ? {} : { connection }) };
    }
    const host = pane.value('hereHost');
    if (!/^[^\s/@]+$/.test(host)) {
      pane.complain({ field: 'hereHost', text: t('here.noHost') });
      return undefined;
    }
    const port = Number(pane.value('herePort')) || 22;
    return { value: { host, port, username: pane.value('hereUsername') || 'root' } };
  }

  private setUp(): void {
    const id = RED.nodes.id();
    const container = $('<div>').appendTo(this.place.empty());
    const { pane } = this;
    const known = (): Known => ({
      host: pane.value('hereHost'),
      port: pane.value('herePort'),
      username: pane.value('hereUsername'),
      hostKeys: '',
      more: {},
    });
    const setUp = connectionSetUp({
      container,
      id,
      replace: false,
      toKeep: t('here.toKeep'),
      known,
      done: (connection) => this.finish(id, connection),
      byHand: (typed) => {
        this.stop();
        if (typed.host) pane.set('hereHost', typed.host);
        if (typed.port) pane.set('herePort', typed.port);
        if (typed.username) pane.set('hereUsername', typed.username);
        this.settle();
      },
      onStep: (step) => this.leading(this.current !== null && !['', 'choose', 'done'].includes(step)),
    });
    this.setUps.set(id, setUp);
    this.current = setUp;
    this.settle();
    setUp.ask();
    container.find('button').first().trigger('focus');
  }

  /** What was done stays to be read. */
  private finish(id: string, { host, port, username, hostKeys, sudo = 'none' }: SetUpConnection): void {
    this.current = null;
    const values = { name: host, host, port, username, authMethod: 'privateKey', hostKeys, sudo };
    this.made.set(id, { id, type: TYPE, ...values });
    const choices = Object.entries(this.choices()).map(([value, label]) => $('<option>', { value }).text(label));
    this.select.empty().append(choices).val(id);
    this.leading(false);
    this.settle();
  }

  private stop(): void {
    this.current?.close();
    this.current = null;
    this.place.empty();
    this.leading(false);
  }

  /** For good; keys of what was set up and is not `kept` are forgotten. */
  dispose(kept: readonly string[]): void {
    for (const [id, setUp] of this.setUps) setUp.dispose(kept.includes(id));
  }
}

function connections(): { node: EditorNode; label: string }[] {
  const found: { node: EditorNode; label: string }[] = [];
  RED.nodes.eachConfig((node) => {
    if (node.type === TYPE) found.push({ node, label: RED.utils.getNodeLabel(node, node.id) });
  });
  return found.toSorted((a, b) => a.label.localeCompare(b.label));
}
