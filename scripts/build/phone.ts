// The page for a phone as one file for each language: script, styles and words inside it (nodes/phone).
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { NODES } from './assemble';
import { EDITOR_CODE } from './resource';

const FOLDER = path.join(NODES, 'phone');

export async function phonePage(language: string): Promise<string> {
  const [html, style, text, { outputFiles }] = await Promise.all([
    readFile(path.join(FOLDER, 'page.html'), 'utf8'),
    readFile(path.join(FOLDER, 'page.css'), 'utf8'),
    readFile(path.join(FOLDER, 'locales', language, 'phone.json'), 'utf8'),
    build({ ...EDITOR_CODE, target: 'es2022', entryPoints: [path.join(FOLDER, 'editor', 'page.ts')], minify: true }),
  ]);
  const parts: Readonly<Record<string, string>> = {
    LANGUAGE: language,
    STYLE: style.trim(),
    // Nothing in it can end the element that it stands in.
    TEXT: JSON.stringify(JSON.parse(text)).replaceAll('<', String.raw`\u003c`),
    SCRIPT: (outputFiles[0]?.text ?? '').trim().replaceAll('</script', String.raw`<\/script`),
  };
  return html.replaceAll(/%([A-Z]+)%/g, (whole, name: string) => parts[name] ?? whole);
}
