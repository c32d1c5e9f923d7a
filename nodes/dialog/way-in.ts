// A way to something that makes nodes: an action, an entry in the main menu, and a file that is loaded when somebody takes it
// for the first time. For the html of plugins; what is opened is theirs.
import { Part, type PartFile } from './on-demand';
import { mayMakeNodes } from './permissions';

export interface WayIn {
  plugin: string;
  /** Of the file in resources/. */
  part: string;
  /** What the sidebar and the menu invoke. */
  action: string;
  /** Whoever may only look can open it all the same: what comes of it can be copied for somebody else. */
  forReaders?: boolean;
}

type Translate = (key: string, values?: Record<string, unknown>) => string;

/** Milliseconds after which somebody wonders whether anything happens. */
const PATIENCE = 400;
/** The entry of Node-RED's main menu below which ours stand. */
const NEIGHBOUR = '#menu-item-export';

/** The catalogue of the plugin has the entry's text as `menu`. */
export function registerWayIn(way: WayIn, file: PartFile): void {
  RED.plugins.registerPlugin(way.plugin, {
    type: 'zfs-flows',
    onadd() {
      const t: Translate = (key, values) => this._(key, values);
      const part = new Part<() => void>(way.part, file);
      RED.actions.add(way.action, () => void take(way, part, t));
      const add = menuEntry(way, t('menu'));
      RED.events.on('login', add);
      add();
    },
  });
}

/** Adds it once, when this user may make nodes. */
function menuEntry({ plugin, action }: WayIn, label: string): () => void {
  let added = false;
  return () => {
    if (added || !mayMakeNodes()) return;
    added = true;
    const id = `${plugin}-menu`;
    RED.menu.addItem('red-ui-header-button-sidemenu', { id, label, onselect: action });
    // With what brings flows in and out, not below the version at the end.
    const entry = $(`#${id}`).parent();
    const others = $('.zfs-flows-menu').last();
    entry.addClass('zfs-flows-menu');
    const neighbour = others.length > 0 ? others : $(NEIGHBOUR).parent();
    if (neighbour.length > 0) entry.insertAfter(neighbour);
  };
}

async function take(way: WayIn, part: Part<() => void>, t: Translate): Promise<void> {
  if (mayMakeNodes()) return open(part, t);
  if (way.forReaders !== true) return say(t('common.wayIn.forbidden'), 'error');
  const notice = RED.notify(escaped(`${t('common.wayIn.forbidden')} ${t('common.wayIn.offer')}`), {
    type: 'warning',
    fixed: true,
    buttons: [
      { text: t('common.dialogs.close'), click: () => notice.close() },
      {
        text: t('common.wayIn.open'),
        click: () => {
          notice.close();
          void open(part, t);
        },
      },
    ],
  });
}

async function open(part: Part<() => void>, t: Translate): Promise<void> {
  // Nothing can be put into flows below a dialog that holds one of their nodes.
  if (document.querySelector('.red-ui-tray') !== null) return say(t('common.wayIn.dialogOpen'), 'warning');
  let waiting: EditorNotification | undefined;
  const patience = window.setTimeout(() => {
    waiting = RED.notify(escaped(t('common.wayIn.loading')), { type: 'success', fixed: true });
  }, PATIENCE);
  const loaded = await part.load();
  window.clearTimeout(patience);
  waiting?.close();
  if (loaded.state === 'ready') {
    // Whoever was impatient has taken it twice.
    if (document.querySelector('.red-ui-tray') === null) loaded.content();
    return;
  }
  const found = loaded.state === 'otherBuild' ? loaded.found : '';
  const text = t(`common.wayIn.${loaded.state}`, { url: part.file.url, running: part.file.build, found });
  const notice = RED.notify(escaped(text), {
    type: 'error',
    fixed: true,
    buttons: [
      { text: t('common.dialogs.close'), click: () => notice.close() },
      {
        text: t('common.dialogs.retry'),
        click: () => {
          notice.close();
          void open(part, t);
        },
      },
    ],
  });
}

function say(text: string, type: 'error' | 'warning'): void {
  RED.notify(escaped(text), { type });
}

/** Node-RED takes notifications for HTML. */
function escaped(text: string): string {
  return $('<span>').text(text).html();
}
