// A page like Node-RED's editor that only takes registrations and loads the dialogs, so that definitions and validators can
// be looked at without a browser. The dialogs themselves are tested in a real one (test/e2e).
import vm from 'node:vm';
import { type Catalogue, assembleCatalogue, registeredNodes } from '../../../../scripts/build/assemble';
import { type DialogBundle, bundleDialogs } from '../../../../scripts/build/dialogs';
import { registrationScript } from '../../../../scripts/build/registration';

export type Problem = true | string;

export interface Definition {
  category: string;
  defaults: Record<string, { value: unknown; type?: string; validate?: (value: unknown, options: object) => Problem }>;
  credentials?: Record<string, { type: string }>;
  outputs?: number;
  icon?: string;
  label: (this: object) => string;
  outputLabels?: (this: object, index: number) => string;
}

export interface EditorHalf {
  type: string;
  folder: string;
  definition: Definition;
  script: string;
  catalogue: Catalogue;
}

export function lookUp(catalogue: Catalogue, key: string): string | undefined {
  let found: string | Catalogue | undefined = catalogue;
  for (const part of key.split('.')) {
    if (typeof found !== 'object') return undefined;
    const level: Catalogue = found;
    found = level[part] ?? level[`${part}_other`];
  }
  return typeof found === 'string' ? found : undefined;
}

/** A `<script>` that the page was given. */
export interface PageScript {
  src: string;
  addEventListener(event: 'load' | 'error', listener: () => void): void;
  /** The browser has got it, and has run `code`; or it has not got it. */
  arrive(code: string): void;
  fail(): void;
}

interface Notice {
  text: string;
  buttons: { text: string; click: () => void }[];
  closed: boolean;
}

/** A page of the editor in a world of its own. */
export class EditorPage {
  readonly definitions = new Map<string, Definition>();
  readonly scripts: PageScript[] = [];
  readonly notices: Notice[] = [];
  /** Nodes that the editor holds, connections first. */
  nodes: { type: string; valid?: boolean }[] = [];
  /** Nodes that were drawn again. */
  readonly drawn: unknown[] = [];
  private readonly world: vm.Context;

  constructor() {
    const each = (callback: (node: object) => void): void => this.nodes.forEach(callback);
    const RED = {
      settings: { apiRootUrl: 'root/' },
      nodes: {
        registerType: (type: string, definition: Definition) => this.definitions.set(type, definition),
        getType: () => ({ _: (key: string, values?: object) => `${key} ${JSON.stringify(values ?? {})}` }),
        eachConfig: () => undefined,
        // Whatever a property names is there.
        node: () => ({}),
        eachNode: each,
      },
      editor: { validateNode: (node: { type: string; valid?: boolean }) => (node.valid = this.judge(node)) },
      events: { emit: (_event: string, node: object) => this.drawn.push(node) },
      view: { redraw: () => undefined },
      utils: { validateTypedProperty: (): true => true },
      notify: (text: string, { buttons }: Notice) => {
        const notice = { text, buttons, closed: false };
        this.notices.push(notice);
        return { close: () => (notice.closed = true) };
      },
    };
    const document = { createElement: () => this.script(), head: { append: () => undefined } };
    this.world = vm.createContext({ RED, document, window: {}, Intl, TextEncoder });
  }

  run(code: string): void {
    vm.runInContext(code, this.world);
  }

  private script(): PageScript {
    const listeners = new Map<string, () => void>();
    const script: PageScript = {
      src: '',
      addEventListener: (event, listener) => listeners.set(event, listener),
      arrive: (code) => {
        this.run(code);
        listeners.get('load')?.();
      },
      fail: () => listeners.get('error')?.(),
    };
    this.scripts.push(script);
    return script;
  }

  private judge(node: { type: string; [property: string]: unknown }): boolean {
    const properties = Object.entries(this.definitions.get(node.type)?.defaults ?? {});
    return properties.every(([name, { validate }]) => (validate?.call(node, node[name], {}) ?? true) === true);
  }
}

/** The script of every node's html: type → text. */
export async function registrationScripts(dialogs: DialogBundle): Promise<Map<string, string>> {
  const scripts = new Map<string, string>();
  for (const type of (await registeredNodes()).keys()) scripts.set(type, await registrationScript(type, dialogs));
  return scripts;
}

/** The editor half of every node, in a page that has got the dialogs. */
export async function editorHalves(): Promise<EditorHalf[]> {
  const dialogs = await bundleDialogs();
  const scripts = await registrationScripts(dialogs);
  const page = new EditorPage();
  for (const script of scripts.values()) page.run(script);
  page.scripts[0]?.arrive(dialogs.code);
  const halves: EditorHalf[] = [];
  for (const [type, folder] of await registeredNodes()) {
    const definition = page.definitions.get(type);
    if (definition === undefined) throw new Error(`${folder} does not register ${type}`);
    const catalogue = await assembleCatalogue(folder, 'en-US');
    halves.push({ type, folder, definition, script: scripts.get(type) ?? '', catalogue });
  }
  return halves;
}

/** A stored node of this half: its defaults, changed by `properties`. */
export function storedNode(half: EditorHalf, properties: Record<string, unknown> = {}): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [name, { value }] of Object.entries(half.definition.defaults)) defaults[name] = value;
  return {
    ...defaults,
    id: 'n1',
    type: half.type,
    _: (key: string) => lookUp(half.catalogue, key) ?? key,
    ...properties,
  };
}

/** What each validator says of the stored node: property → reason, for those that refuse. */
export function refusals(half: EditorHalf, properties: Record<string, unknown> = {}): Record<string, string> {
  const node = storedNode(half, properties);
  const found: Record<string, string> = {};
  for (const [name, { validate }] of Object.entries(half.definition.defaults)) {
    const answer = validate?.call(node, node[name], {});
    if (typeof answer === 'string') found[name] = answer;
  }
  return found;
}
