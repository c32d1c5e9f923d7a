// A stand-in for Node-RED's editor that only takes registrations, so that definitions and validators can be looked at
// without a browser. The dialogs themselves are tested in a real one (test/e2e).
import vm from 'node:vm';
import { type Catalogue, assembleCatalogue, bundleEditor, registeredNodes } from '../../../../scripts/build/assemble';

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

/** The editor half of every node. */
export async function editorHalves(): Promise<EditorHalf[]> {
  const halves: EditorHalf[] = [];
  for (const [type, folder] of await registeredNodes()) {
    const script = await bundleEditor(folder);
    const registered: [string, Definition][] = [];
    const RED = {
      nodes: { registerType: (name: string, definition: Definition) => registered.push([name, definition]) },
      utils: { validateTypedProperty: (): true => true },
    };
    vm.runInNewContext(script, { RED, Intl, TextEncoder });
    const [first] = registered;
    if (registered.length !== 1 || first?.[0] !== type) throw new Error(`${folder} does not register ${type} alone`);
    halves.push({ type, folder, definition: first[1], script, catalogue: await assembleCatalogue(folder, 'en-US') });
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
