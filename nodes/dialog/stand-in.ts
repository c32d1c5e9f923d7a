// What each node's html has of its dialog. The dialogs themselves are one file for all nodes, resources/dialog.js, loaded
// from here and not by a `<script src>` in the html: for that Node-RED waits without end, so that a proxy which keeps back
// one file of ours would keep back the whole editor. Nodes are registered at once instead. Until the dialogs are there,
// no value is called wrong, and a dialog that is opened says what is missing and holds nothing that could be saved.
import { LABELS } from './labels';

/** Where the dialogs are, relative to the editor's page, and which build of them belongs to the html. */
export interface DialogFile {
  readonly url: string;
  readonly build: string;
}

type Definitions = Readonly<Record<string, EditorNodeDefinition>>;

/** `otherBuild`: an update is on disk, and Node-RED, which keeps our html files in memory, still runs the one before it. */
type State = 'ready' | 'loading' | 'unreachable' | 'otherBuild';

declare global {
  interface Window {
    /** The dialogs of all nodes in this page; resources/dialog.js looks for it. */
    ZfsFlows?: Dialogs;
  }
}

class Dialogs {
  private state: State = 'loading';
  private delivered: { build: string; definitions: Definitions } | null = null;
  private notice: EditorNotification | null = null;

  constructor(
    readonly file: DialogFile,
    /** A type whose catalogue has our texts. */
    private readonly type: string,
  ) {
    this.load();
  }

  /** Called by resources/dialog.js. */
  deliver(build: string, definitions: Definitions): void {
    this.delivered = { build, definitions };
  }

  definition(type: string): EditorNodeDefinition | undefined {
    return this.state === 'ready' ? this.delivered?.definitions[type] : undefined;
  }

  /** Puts what is missing in the place of the form: Node-RED saves what it finds in inputs, which nobody has filled. */
  explain(node: EditorNode): void {
    const { category } = node['_def'] as EditorNodeDefinition;
    const name = $(category === 'config' ? '#node-config-input-name' : '#node-input-name');
    name
      .closest('.zfs-form')
      .empty()
      .append($('<div>', { class: 'form-tips', role: 'alert' }).text(this.reason()));
    if (this.state === 'unreachable') this.load();
  }

  private load(): void {
    this.state = 'loading';
    this.delivered = null;
    this.notice?.close();
    this.notice = null;
    const script = document.createElement('script');
    script.src = `${RED.settings.apiRootUrl}${this.file.url}`;
    // Also when it holds something else, for example the page in which a proxy asks for a password.
    script.addEventListener('load', () => this.settle());
    script.addEventListener('error', () => this.settle());
    document.head.append(script);
  }

  private settle(): void {
    if (this.delivered === null) this.state = 'unreachable';
    else this.state = this.delivered.build === this.file.build ? 'ready' : 'otherBuild';
    if (this.state === 'ready') this.catchUp();
    else this.complain();
  }

  /** Judges and draws again what came before the dialogs; connections first, since nodes are judged by theirs too. */
  private catchUp(): void {
    const again = (node: EditorNode): void => {
      if (this.definition(node.type) === undefined) return;
      RED.editor.validateNode(node);
      node['dirty'] = true;
      node['resize'] = true;
      RED.events.emit('nodes:change', node);
    };
    RED.nodes.eachConfig(again);
    RED.nodes.eachNode(again);
    RED.view.redraw();
  }

  private complain(): void {
    const close = { text: this.t('common.dialogs.close'), click: (): void => this.notice?.close() };
    const retry = { text: this.t('common.dialogs.retry'), click: (): void => this.load() };
    const buttons = this.state === 'unreachable' ? [close, retry] : [close];
    this.notice = RED.notify(this.reason(), { type: 'error', fixed: true, buttons });
  }

  private reason(): string {
    if (this.state === 'unreachable') return this.t('common.dialogs.unreachable', { url: this.file.url });
    if (this.state !== 'otherBuild') return this.t('common.dialogs.loading');
    return this.t('common.dialogs.otherBuild', { running: this.file.build, found: this.delivered?.build });
  }

  private t(key: string, replacements?: Record<string, unknown>): string {
    return RED.nodes.getType(this.type)?._(key, replacements) ?? key;
  }
}

/** Everything that a definition can have beside values, until the dialogs are there and from then on. */
export interface StandIn extends Required<
  Pick<
    EditorNodeDefinition,
    'label' | 'labelStyle' | 'outputLabels' | 'oneditprepare' | 'oneditsave' | 'oneditcancel' | 'oneditdelete'
  >
> {
  validate: (property: string) => EditorValidator;
  button: Required<EditorNodeButton>;
}

export function standIn(type: string, file: DialogFile): StandIn {
  // Shared by the html files of one build; an update that is installed while the page is open brings its own.
  let shared = window.ZfsFlows;
  if (shared?.file.build !== file.build) shared = window.ZfsFlows = new Dialogs(file, type);
  const dialogs = shared;
  const real = (): EditorNodeDefinition | undefined => dialogs.definition(type);
  return {
    validate: (property) =>
      function (value, options) {
        return real()?.defaults[property]?.validate?.call(this, value, options) ?? true;
      },
    button: {
      visible() {
        return real()?.button?.visible?.call(this) ?? false;
      },
      enabled() {
        return real()?.button?.enabled?.call(this) ?? false;
      },
      onclick() {
        real()?.button?.onclick.call(this);
      },
    },
    label() {
      return (real()?.label ?? LABELS.label).call(this);
    },
    labelStyle() {
      return (real()?.labelStyle ?? LABELS.labelStyle).call(this);
    },
    outputLabels(index) {
      return (real()?.outputLabels ?? LABELS.outputLabels).call(this, index);
    },
    oneditprepare() {
      if (real() === undefined) dialogs.explain(this);
      else real()?.oneditprepare?.call(this);
    },
    oneditsave() {
      return real()?.oneditsave?.call(this);
    },
    oneditcancel() {
      real()?.oneditcancel?.call(this);
    },
    oneditdelete() {
      real()?.oneditdelete?.call(this);
    },
  };
}
