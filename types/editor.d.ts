// The part of Node-RED's browser side that the dialogs use (4.1 and 5.0), strictly typed. @types/node-red__editor-client
// is not used: it lacks treeList, autoComplete and messages from validators, and answers `any` in many places.

declare module '*.css' {
  const text: string;
  export default text;
}

/** A node as the editor holds it: its properties, and the translator of its catalogue. */
interface EditorNode {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  name?: string;
  credentials?: Record<string, unknown>;
  _: (key: string, replacements?: Record<string, unknown>) => string;
  [property: string]: unknown;
}

/** `true`, or why the value is refused. Two parameters, so that Node-RED takes the text as a reason. */
type EditorValidator = (this: EditorNode, value: unknown, options: object) => true | string;

interface EditorProperty {
  value: unknown;
  required?: boolean;
  type?: string;
  label?: string;
  validate?: EditorValidator;
}

/** A button at the node in the workspace; called with the node as `this`. */
interface EditorNodeButton {
  visible?: (this: EditorNode) => boolean;
  /** False: drawn as disabled; `onclick` is called all the same. */
  enabled?: (this: EditorNode) => boolean;
  onclick: (this: EditorNode) => void;
}

interface EditorNodeDefinition {
  category: string;
  color?: string;
  defaults: Record<string, EditorProperty>;
  credentials?: Record<string, { type: 'text' | 'password' }>;
  inputs?: 0 | 1;
  outputs?: number;
  icon?: string;
  paletteLabel?: string | ((this: EditorNode) => string);
  label?: (this: EditorNode) => string;
  labelStyle?: (this: EditorNode) => string;
  inputLabels?: string | ((this: EditorNode) => string);
  outputLabels?: (this: EditorNode, index: number) => string;
  button?: EditorNodeButton;
  oneditprepare?: (this: EditorNode) => void;
  /** `true`: the node was changed. */
  oneditsave?: (this: EditorNode) => boolean | undefined;
  oneditcancel?: (this: EditorNode) => void;
  oneditdelete?: (this: EditorNode) => void;
  oneditresize?: (this: EditorNode, size: { width: number; height: number }) => void;
}

interface EditorPanel {
  readonly container: JQuery;
  show(options: {
    target: JQuery;
    align?: 'left' | 'right';
    offset?: [number, number];
    onclose?: () => void;
    dispose?: boolean;
    closeButton?: JQuery;
  }): void;
  hide(dispose?: boolean): void;
}

/** A definition that is registered; it has got the translator of its node's catalogue. */
interface RegisteredDefinition extends EditorNodeDefinition {
  _: EditorNode['_'];
}

interface EditorNotification {
  close(): void;
}

interface EditorPlugin {
  type: string;
  onadd?: (this: { _: EditorNode['_'] }) => void;
}

interface EditorSidebarTab {
  id: string;
  name: string;
  label: string;
  iconClass?: string;
  content: JQuery;
  pinned?: boolean;
  /** Usable while a dialog is open. */
  enableOnEdit?: boolean;
  /** Of the entry in the view menu. */
  action?: string;
  /** It is shown. */
  onchange?: () => void;
}

/** A tab with a flow. */
interface EditorWorkspace {
  readonly id: string;
  readonly label: string;
  readonly [property: string]: unknown;
}

interface EditorLink {
  readonly source: EditorNode;
  readonly sourcePort: number;
  readonly target: EditorNode;
}

/** What an import has made. */
interface EditorImport {
  readonly nodes: EditorNode[];
  readonly links: EditorLink[];
  readonly groups: unknown[];
  readonly junctions: unknown[];
  readonly workspaces: unknown[];
  readonly subflows: unknown[];
}

/** What undo takes back. */
type EditorHistoryEvent =
  | {
      t: 'add';
      /** Ids */
      nodes: string[];
      links: EditorLink[];
      removedLinks: EditorLink[];
      groups: unknown[];
      junctions: unknown[];
      workspaces: unknown[];
      subflows: unknown[];
    }
  /** `changes`: what the properties were before; `changed`: whether the node was marked so. */
  | { t: 'edit'; node: EditorNode; changes: Record<string, unknown>; changed: boolean }
  /** `dirty`: whether there was anything to deploy. */
  | { t: 'multi'; dirty: boolean; events: EditorHistoryEvent[] };

interface EditorTray {
  title: string;
  width?: number | string;
  buttons: { id?: string; text: string; class?: string; click: () => void }[];
  open?: (tray: JQuery) => void;
  /** Called again when a tray on top of it is closed. */
  show?: () => void;
  close?: () => void;
  /** What gets the focus when it has slid in; `false`: whatever has it keeps it. */
  focusElement?: JQuery | false;
  resize?: (size?: { width: number; height: number }) => void;
}

type EditorEvent =
  'nodes:add' | 'nodes:remove' | 'nodes:change' | 'flows:loaded' | 'workspace:dirty' | 'deploy' | 'login';

declare const RED: {
  readonly _: (key: string, replacements?: Record<string, unknown>) => string;
  readonly settings: {
    /** What relative URLs of the editor begin with: '' or something that ends with a slash. */
    readonly apiRootUrl: string;
  };
  readonly nodes: {
    registerType(type: string, definition: EditorNodeDefinition): void;
    getType(type: string): RegisteredDefinition | undefined;
    node(id: string): EditorNode | null | undefined;
    eachNode(callback: (node: EditorNode) => void): void;
    eachConfig(callback: (node: EditorNode) => void): void;
    eachLink(callback: (link: EditorLink) => void): void;
    eachWorkspace(callback: (workspace: EditorWorkspace) => void): void;
    /** A template, by its id. */
    subflow(id: string): EditorNode | null | undefined;
    workspace(id: string): EditorWorkspace | null | undefined;
    /** A new id. */
    id(): string;
    /** Whether there is something to deploy. */
    dirty(): boolean;
    dirty(value: boolean): void;
    import(
      nodes: readonly object[],
      options: { generateIds: false; reimport: true; markChanged: true; applyNodeDefaults: true },
    ): EditorImport;
    filterNodes(filter: { z: string }): EditorNode[];
    filterLinks(filter: { source: EditorNode }): EditorLink[];
    groups(tab: string): { y: number; h: number }[];
    addLink(link: EditorLink): void;
    removeLink(link: EditorLink): void;
    updateConfigNodeUsers(node: EditorNode, options: { action: 'add' | 'remove' }): void;
  };
  readonly history: { push(event: EditorHistoryEvent): void };
  readonly editor: {
    validateNode(node: EditorNode): boolean;
    edit(node: EditorNode): void;
    editConfig(name: string, type: string, id: string): void;
  };
  readonly view: {
    redraw(updateActive?: boolean): void;
    reveal(id: string, triggerHighlight?: boolean): void;
    select(selection: { nodes: EditorNode[] }): void;
  };
  readonly workspaces: {
    show(id: string): void;
    isLocked(id?: string): boolean;
    /** Of the tab, or the subflow, that is shown. */
    active(): string;
  };
  readonly tray: { show(tray: EditorTray): void; close(done?: () => void): void };
  readonly menu: { addItem(menu: string, item: { id: string; label: string; onselect: string }): void };
  readonly events: {
    emit(event: 'nodes:change', node: EditorNode): void;
    on(event: EditorEvent, listener: () => void): void;
    off(event: EditorEvent, listener: () => void): void;
  };
  readonly comms: {
    subscribe(topic: string, callback: (topic: string, data: unknown) => void): void;
    on?(event: 'connect', listener: () => void): void;
  };
  readonly user: { hasPermission(name: string): boolean };
  readonly actions: { add(id: string, handler: () => void): void; invoke(id: string): void };
  readonly plugins: { registerPlugin(id: string, plugin: EditorPlugin): void };
  readonly sidebar: { addTab(tab: EditorSidebarTab): void; show(id: string): void };
  /** `message` is HTML. */
  notify(
    message: string,
    options: {
      type: 'error' | 'warning' | 'success';
      fixed?: boolean;
      /** Milliseconds */
      timeout?: number;
      buttons?: { text: string; class?: string; click: () => void }[];
    },
  ): EditorNotification;
  readonly utils: {
    /** `true`, or with `options` the reason as a text. */
    validateTypedProperty(value: unknown, type: string, options?: object): true | string;
    getNodeLabel(node: EditorNode, fallback?: string): string;
  };
  readonly popover: {
    panel(content: JQuery): EditorPanel;
    tooltip(target: JQuery, content: string): unknown;
  };
  readonly clipboard: { copyText(text: string, target: JQuery, message?: string): boolean };
};

/** A type of a typedInput that Node-RED does not know by itself. */
interface TypedInputType {
  value: string;
  label?: string;
  icon?: string;
  hasValue?: boolean;
  showLabel?: boolean;
  options?: { value: string; label: string }[];
  validate?: (value: string, options: object) => true | string;
}

interface EditableListOptions<T> {
  addButton?: boolean | string;
  buttons?: {
    id?: string;
    label?: string;
    icon?: string;
    title?: string;
    click: (event: JQuery.TriggeredEvent) => void;
  }[];
  header?: JQuery;
  height?: number | 'auto';
  sortable?: boolean | string;
  removable?: boolean;
  scrollOnAdd?: boolean;
  addItem?: (row: JQuery, index: number, data: T) => void;
  removeItem?: (data: T) => void;
  sortItems?: (items: JQuery[]) => void;
  resizeItem?: (row: JQuery, index: number) => void;
}

interface TreeListItem {
  id?: string;
  label?: string;
  icon?: string;
  /** In place of label and icon. */
  element?: JQuery;
  /** Of the row. */
  class?: string;
  /** Whether there is one; `selected` is its state. */
  checkbox?: boolean;
  radio?: string;
  selected?: boolean;
  expanded?: boolean;
  collapsible?: boolean;
  /** A function is called when they are to be seen for the first time; it leaves to the item what it hands over. */
  children?: TreeListItem[] | ((done: (children: TreeListItem[]) => void, item: TreeListItem) => void);
  /** Once the tree has it. */
  treeList?: TreeListHandle;
}

interface TreeListHandle {
  /** Once it is built. */
  readonly label?: JQuery;
  readonly container?: JQuery;
  readonly checkbox?: JQuery;
  readonly radio?: JQuery;
  remove(): void;
  addChild(item: TreeListItem): void;
  expand(): void;
}

interface AutoCompleteItem {
  value: string;
  label: string | JQuery;
}

interface JQuery {
  typedInput(options: {
    type?: string;
    types?: (string | TypedInputType)[];
    default?: string;
    typeField?: string;
  }): this;
  typedInput(method: 'value' | 'type'): string;
  typedInput(method: 'value' | 'type', value: string): void;
  typedInput(method: 'width', value: string): void;

  editableList<T>(options: EditableListOptions<T>): this;
  editableList(method: 'addItem', data: unknown): void;
  editableList(method: 'removeItem', data: unknown): void;
  editableList(method: 'items'): JQuery;
  editableList(method: 'empty' | 'destroy'): void;

  treeList(options: { data: TreeListItem[]; multi?: boolean; autoSelect?: boolean; selectable?: boolean }): this;

  autoComplete(options: { search: (value: string) => AutoCompleteItem[]; minLength?: number }): this;
  autoComplete(method: 'destroy'): void;

  searchBox(options: { style?: 'compact'; delay?: number; change: () => void }): this;

  i18n(): this;
}
