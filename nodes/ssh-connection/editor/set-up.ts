// Sets up a connection with what the person has: a password, the administration of a TrueNAS, or a key, which is entered by
// hand. A component of its own: it shows itself in any element, and tells who shows it the properties of the connection. The
// private key is made on the server and waits there under the connection's id; it never comes here.
import { ask } from '../../dialog/admin';
import { useStyle } from '../../dialog/dialog';
import { passwordWay } from './set-up-password';
import { listOf, Pane, type Translate } from './set-up-pane';
import style from './connection.css';
import { truenasWay } from './set-up-truenas';
import type { Known, SetUpAnswer, SetUpConnection, Stage, Step, Way } from './set-up-types';

export interface SetUpOptions {
  /** In an element of class `zfs-form`. */
  container: JQuery;
  /** Id of the connection, existing or not. */
  id: string;
  /** Its own dialog asks: a key that it has is replaced at the next deploy. */
  replace: boolean;
  known: () => Known;
  /** Everything is done on the other machine. Nothing is stored until who shows this does it. */
  done: (connection: SetUpConnection) => void;
  /** The person goes on by hand; with what was typed so far. */
  byHand: (typed: Partial<Known>) => void;
  /** How what was set up is kept, in the words of who shows this; else in those of the connection's own dialog. */
  toKeep?: string;
  /** Another step is shown. */
  onStep?: (step: Step) => void;
}

export interface SetUp {
  readonly step: Step;
  /** Asks what the person has. */
  ask(): void;
  /** Shows nothing, and ends what is being done. What waits on the server stays there. */
  close(): void;
  /** As `close`, for good; what waits on the server is thrown away when it was not `kept`. */
  dispose(kept: boolean): void;
}

const STYLE_ID = 'zfs-flows-set-up-style';

/** Once in a page, for panes anywhere. */
export function useSetUpStyle(): void {
  useStyle();
  if (document.getElementById(STYLE_ID) === null) $('<style>', { id: STYLE_ID }).text(style).appendTo('head');
}

/** What a person may have, with the icons. */
const WAYS = { password: 'fa-keyboard-o', truenas: 'fa-server', key: 'fa-key' } as const;

class SetUpPanel implements SetUp {
  step: Step = '';
  private readonly t: Translate;
  private current: Pane | null = null;
  private way: Way | null = null;
  /** A key of this set-up waits, or may wait, on the server. */
  private staged = false;

  constructor(private readonly options: SetUpOptions) {
    // In the words of the connection's own catalogue, wherever it is shown.
    const definition = RED.nodes.getType('zfs-ssh-connection');
    this.t = (key, replacements) => definition?._(key, replacements) ?? key;
    useSetUpStyle();
    options.container.addClass('zfs-set-up').attr('data-zfs-set-up', '');
    this.mark('');
  }

  ask(): void {
    this.close();
    const pane = new Pane(this.t, this.t('setUp.question'));
    const list = $('<ul>', { class: 'zfs-set-up-ways' });
    for (const [name, icon] of Object.entries(WAYS)) {
      const button = $('<button>', { type: 'button', 'data-zfs-action': name });
      button.append(
        $('<i>', { class: `fa ${icon}`, 'aria-hidden': 'true' }),
        $('<span>').append(
          $('<strong>').text(this.t(`setUp.ways.${name}.title`)),
          $('<span>', { class: 'zfs-set-up-way-about' }).text(this.t(`setUp.ways.${name}.about`)),
        ),
      );
      button.on('click', () => this.start(name as keyof typeof WAYS));
      list.append($('<li>').append(button));
    }
    pane.add(list);
    this.show('choose', pane, false);
  }

  private start(name: keyof typeof WAYS): void {
    if (name === 'key') {
      this.close();
      this.options.byHand({});
      return;
    }
    const { id, replace, known } = this.options;
    const stage: Stage = {
      t: this.t,
      known: known(),
      request: { id, ...(replace ? { replace: true as const } : {}) },
      // Also before there is an answer: it may come when nobody listens any more.
      begin: () => {
        this.staged = true;
      },
      show: (step, pane) => this.show(step, pane),
      back: () => this.ask(),
      done: (connection, answer) => this.finish(connection, answer),
    };
    this.way = name === 'password' ? passwordWay(stage) : truenasWay(stage);
    const { pane } = this.way;
    pane.button(this.t('setUp.byHand'), 'by-hand', () => {
      const typed = this.way?.typed() ?? {};
      this.close();
      this.options.byHand(typed);
    });
    this.show(name, pane);
  }

  private finish(reached: SetUpConnection, answer: SetUpAnswer): void {
    const connection = named(reached, answer);
    const { name, host } = connection;
    const pane = new Pane(
      this.t,
      this.t('setUp.done.title', { host: name === undefined ? host : `${name} (${host})` }),
    );
    pane.element.addClass('zfs-set-up-done');
    if (answer.changed.length === 0) pane.about(this.t('setUp.done.nothing'));
    else pane.about(this.t('setUp.done.changed')).add(listOf(answer.changed));
    for (const text of [...(answer.warnings ?? []), ...(answer.facts?.notes ?? [])])
      pane.add($('<p>', { class: 'zfs-set-up-note' }).text(text));
    pane.add($('<p>', { class: 'zfs-hint' }).text(this.options.toKeep ?? this.t('setUp.done.keep')));
    this.way = null;
    this.show('done', pane);
    this.options.done(connection);
  }

  private show(step: Step, pane: Pane, focus = true): void {
    if (this.current !== null && this.current !== pane) this.current.element.detach();
    this.current = pane;
    pane.element.appendTo(this.options.container);
    this.mark(step);
    if (focus) pane.focus();
    this.options.container.get(0)?.scrollIntoView({ block: 'nearest' });
  }

  private mark(step: Step): void {
    this.step = step;
    this.options.container.attr('data-zfs-step', step).toggleClass('zfs-hidden', step === '');
    this.options.onStep?.(step);
  }

  close(): void {
    this.current?.abort();
    this.current = null;
    this.way = null;
    // With it go the secrets that were typed in.
    this.options.container.empty();
    this.mark('');
  }

  dispose(kept: boolean): void {
    this.close();
    if (kept || !this.staged) return;
    void ask('forget-staged-key', { id: this.options.id }, this.t);
  }
}

/** An address says less to a person than the name that the machine has; a name that was typed in is the one they know. */
function named(connection: SetUpConnection, { facts }: SetUpAnswer): SetUpConnection {
  const hostname = (facts?.hostname ?? '').trim();
  const name = hostname.split('.')[0] ?? '';
  const isAddress = /^[\d.]+$/.test(connection.host) || connection.host.includes(':');
  const isName = /^[\p{L}\p{N}_-]+$/u.test(name) && !/^[\d.]+$/.test(hostname) && !/^localhost\d*$/i.test(name);
  return isAddress && isName ? { ...connection, name } : connection;
}

export function connectionSetUp(options: SetUpOptions): SetUp {
  return new SetUpPanel(options);
}
