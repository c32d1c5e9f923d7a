// All dialogs as one file, which Node-RED serves once for the package, and what it defines: run here as a browser runs it.
import vm from 'node:vm';
import { registeredNodes } from './assemble';
import { type Resource, bundleResource } from './resource';

/** What editor.ts gives: values that JSON has, and functions. */
export type Definition = Readonly<Record<string, unknown>>;

export interface DialogBundle extends Resource {
  /** By node type. */
  readonly definitions: ReadonlyMap<string, Definition>;
}

export const DIALOG_FILE = 'resources/dialog.js';

export async function bundleDialogs(): Promise<DialogBundle> {
  const nodes = await registeredNodes();
  const types = [...nodes.keys()];
  const resource = await bundleResource(DIALOG_FILE, (build) => [
    ...[...nodes.values()].map((folder, index) => `import { definition as d${index} } from './${folder}/editor';`),
    `const definitions = { ${types.map((type, index) => `${JSON.stringify(type)}: d${index}`).join(', ')} };`,
    `window.ZfsFlows?.deliver(${build}, definitions);`,
  ]);
  return { ...resource, definitions: definitionsIn(resource.code) };
}

/** What a browser gets from the file. Nothing of the page is looked at before a dialog opens. */
function definitionsIn(code: string): Map<string, Definition> {
  const delivered = new Map<string, Definition>();
  const deliver = (_build: string, definitions: Record<string, Definition>): void => {
    for (const [type, definition] of Object.entries(definitions)) delivered.set(type, definition);
  };
  vm.runInNewContext(code, { window: { ZfsFlows: { deliver } }, Intl });
  return delivered;
}
