// What Node-RED's page has of the sidebar tab: the tab itself, added while plugins are loaded, since one that comes later is
// not shown again after a reload. The panel is a file of the package, loaded when the tab is shown for the first time.
import { Part, type PartFile } from '../../dialog/on-demand';

type Open = (place: JQuery) => void;

const ID = 'zfs-sidebar';
const TAB = 'zfs-tasks';
const ACTION = 'zfs-flows:show-tasks';

class Tab {
  private readonly content = $('<div>', { class: 'zfs-tasks-place' }).css('height', '100%');
  private readonly panel: Part<Open>;
  private touched = false;
  private added = false;

  constructor(
    file: PartFile,
    private readonly t: (key: string, values?: Record<string, unknown>) => string,
  ) {
    this.panel = new Part('sidebar', file);
  }

  register(): void {
    RED.actions.add(ACTION, () => RED.sidebar.show(TAB));
    // Who was nobody may be somebody now.
    RED.events.on('login', () => this.add());
    this.add();
  }

  /** Whoever may not look gets no tab. */
  private add(): void {
    if (this.added || !RED.user.hasPermission('zfs.read')) return;
    this.added = true;
    RED.sidebar.addTab({
      id: TAB,
      name: this.t('tab.name'),
      label: this.t('tab.label'),
      iconClass: 'fa fa-database',
      content: this.content,
      pinned: true,
      enableOnEdit: true,
      action: ACTION,
      onchange: () => void this.load(),
    });
  }

  private async load(): Promise<void> {
    if (this.touched) return;
    this.touched = true;
    this.say(this.t('tab.loading'));
    const loaded = await this.panel.load();
    if (loaded.state === 'ready') {
      loaded.content(this.content);
      return;
    }
    this.touched = false;
    const { file } = this.panel;
    const { url, build: running } = file;
    const found = loaded.state === 'otherBuild' ? loaded.found : '';
    this.say(this.t(`tab.${loaded.state}`, { url, running, found }));
    const again = $('<button>', { type: 'button', class: 'red-ui-button' }).text(this.t('tab.retry'));
    this.content.append(again.css('margin', '0 10px').on('click', () => void this.load()));
  }

  private say(text: string): void {
    this.content.empty().append($('<p>', { role: 'status' }).css('padding', '10px').text(text));
  }
}

export function registerSidebar(file: PartFile): void {
  RED.plugins.registerPlugin(ID, {
    type: 'zfs-flows',
    onadd() {
      new Tab(file, (key, values) => this._(key, values)).register();
    },
  });
}
