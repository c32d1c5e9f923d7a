// Parts of the editor's half that are plugins: what each shows is a file of its own, loaded when it is needed for the first
// time, and the html of the plugin has what leads there and knows that file.
import { build } from 'esbuild';
import { NODES } from './assemble';
import { EDITOR_CODE, type Resource, bundleResource } from './resource';

interface Part {
  /** Of its folder in nodes/, and of its file. */
  name: string;
  /** What its editor.ts gives, and what its stub.ts gives for the html. */
  open: string;
  register: string;
}

/** By plugin, as package.json has them. */
export const PARTS: Readonly<Record<string, Part>> = {
  'zfs-sidebar': { name: 'sidebar', open: 'openPanel', register: 'registerSidebar' },
  'zfs-wizard': { name: 'wizard', open: 'openWizard', register: 'registerWizard' },
  'zfs-import': { name: 'import', open: 'openImport', register: 'registerImport' },
};

export const partFile = ({ name }: Part): string => `resources/${name}.js`;

export function bundlePart(part: Part): Promise<Resource> {
  const { name, open } = part;
  return bundleResource(partFile(part), (stamp) => [
    `import { ${open} } from './${name}/editor';`,
    `window.ZfsFlowsParts?.[${JSON.stringify(name)}]?.deliver(${stamp}, ${open});`,
  ]);
}

export async function pluginHtml(plugin: string, { name, register }: Part, resource: Resource): Promise<string> {
  const { url, build: stamp } = resource;
  const entry = [
    `import { ${register} } from './${name}/editor/stub';`,
    `${register}(${JSON.stringify({ url, build: stamp })});`,
  ];
  const { outputFiles } = await build({
    ...EDITOR_CODE,
    stdin: { contents: entry.join('\n'), resolveDir: NODES, sourcefile: `${plugin}.js` },
    // People read it too.
    minify: false,
  });
  return `<script type="text/javascript">\n${outputFiles[0]?.text ?? ''}</script>\n`;
}
