// What Node-RED's page has of the sidebar tab: the tab itself, added while plugins are loaded, since one that comes later is
// not shown again after a reload. The panel is a file of the package, loaded when the tab is shown for the first time.

/** Where the panel is, relative to the editor's page, and which build of it belongs to this html. */
export interface PanelFile {
  readonly url: string;
  readonly build: string;
}

type Open = (place: JQuery) => void;

declare global {
  interface Window {
    /** resources/sidebar.js looks for it. */
    ZfsFlowsSidebar?: { deliver(build: string, open: Open): void };
  }
}

const ID = 'zfs-sidebar';
const TAB = 'zfs-tasks';
const ACTION = 'zfs-flows:show-tasks';

type State = 'untouched' | 'loading' | 'open';

class Tab {
  private readonly content = $('<div>', { class: 'zfs-tasks-place' }).css('height', '100%');
  private state: State = 'untouched';
  private delivered: { build: string; open: Open } | null = null;
  private added = false;

  constructor(
    private readonly file: PanelFile,
    private readonly t: (key: string, values?: Record<string, unknown>) => string,
  ) {
    window.ZfsFlowsSidebar = { deliver: (build, open) => (this.delivered = { build, open }) };
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
      onchange: () => this.load(),
    });
  }

  private load(): void {
    if (this.state !== 'untouched') return;
    this.state = 'loading';
    this.delivered = null;
    this.say(this.t('tab.loading'));
    const script = document.createElement('script');
    script.src = `${RED.settings.apiRootUrl}${this.file.url}`;
    // Also when it holds something else, for example the page in which a proxy asks for a password.
    script.addEventListener('load', () => this.settle());
    script.addEventListener('error', () => this.settle());
    document.head.append(script);
  }

  private settle(): void {
    const { delivered, file } = this;
    if (delivered?.build === file.build) {
      this.state = 'open';
      delivered.open(this.content);
      return;
    }
    this.state = 'untouched';
    const values = { url: file.url, running: file.build, found: delivered?.build ?? '' };
    this.say(this.t(delivered === null ? 'tab.unreachable' : 'tab.otherBuild', values));
    const again = $('<button>', { type: 'button', class: 'red-ui-button' }).text(this.t('tab.retry'));
    this.content.append(again.css('margin', '0 10px').on('click', () => this.load()));
  }

  private say(text: string): void {
    this.content.empty().append($('<p>', { role: 'status' }).css('padding', '10px').text(text));
  }
}

export function registerSidebar(file: PanelFile): void {
  RED.plugins.registerPlugin(ID, {
    type: 'zfs-flows',
    onadd() {
      new Tab(file, (key, values) => this._(key, values)).register();
    },
  });
}
