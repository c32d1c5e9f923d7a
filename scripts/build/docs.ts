// `npm run docs`: writes the reference of the nodes' properties (node-docs.ts). A test says when it is not up to date.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { NodeType } from '../../nodes/node-options';
import { NODES, ROOT, registeredNodes } from './assemble';
import { helpText, nodePage } from './node-docs';

async function main(): Promise<void> {
  const pages = path.join(ROOT, 'docs', 'nodes');
  await mkdir(pages, { recursive: true });
  for (const [type, folder] of (await registeredNodes()) as Map<NodeType, string>) {
    await writeFile(path.join(pages, `${type}.md`), await nodePage(type, folder));
    for (const language of await readdir(path.join(NODES, folder, 'locales'))) {
      const text = await helpText(type, folder, language);
      await writeFile(path.join(NODES, folder, 'locales', language, `${folder}.html`), text);
    }
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
