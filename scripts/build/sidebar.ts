// The sidebar tab: its panel as a file that is loaded when the tab is shown for the first time, and the html of the plugin,
// which adds the tab and knows that file.
import { build } from 'esbuild';
import { NODES } from './assemble';
import { EDITOR_CODE, type Resource, bundleResource } from './resource';

export const SIDEBAR_FILE = 'resources/sidebar.js';

export function bundleSidebar(): Promise<Resource> {
  return bundleResource(SIDEBAR_FILE, (stamp) => [
    `import { openPanel } from './sidebar/editor';`,
    `window.ZfsFlowsSidebar?.deliver(${stamp}, openPanel);`,
  ]);
}

export async function pluginHtml({ url, build: stamp }: Resource): Promise<string> {
  const entry = [
    `import { registerSidebar } from './sidebar/editor/stub';`,
    `registerSidebar(${JSON.stringify({ url, build: stamp })});`,
  ];
  const { outputFiles } = await build({
    ...EDITOR_CODE,
    stdin: { contents: entry.join('\n'), resolveDir: NODES, sourcefile: 'zfs-sidebar.js' },
    // People read it too.
    minify: false,
  });
  return `<script type="text/javascript">\n${outputFiles[0]?.text ?? ''}</script>\n`;
}
