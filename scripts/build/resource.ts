// A file of the package that Node-RED serves to browsers as it is (`resources/<package>/…`), loaded by code when it is needed:
// bundled and minified, with a name for each build of it.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { NODES, ROOT } from './assemble';

export interface Resource {
  /** Below the package's root, where Node-RED looks for what it serves. */
  readonly file: string;
  /** Its text, and its source map. */
  readonly code: string;
  readonly map: string;
  /** Version and content: `0.1.0-1a2b3c4d`. Another text is another build, also in the middle of development. */
  readonly build: string;
  /** Where a browser finds this build, relative to the editor's page. */
  readonly url: string;
}

interface Manifest {
  name: string;
  version: string;
}

const UNKNOWN_BUILD = '<build>';

/** What all of the editor's code has in common. */
export const EDITOR_CODE = {
  bundle: true,
  write: false,
  format: 'iife',
  platform: 'browser',
  target: 'es2020',
  charset: 'utf8',
  loader: { '.css': 'text' },
  tsconfig: path.join(ROOT, 'tsconfig.editor.json'),
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** `entry`: lines of a module in nodes/, which may name the build of the file they get into. */
export async function bundleResource(file: string, entry: (build: string) => string[]): Promise<Resource> {
  const { outputFiles } = await build({
    ...EDITOR_CODE,
    stdin: { contents: entry(JSON.stringify(UNKNOWN_BUILD)).join('\n'), resolveDir: NODES },
    outfile: path.join(ROOT, file),
    minify: true,
    sourcemap: 'linked',
  });
  const textOf = (end: string): string => outputFiles.find((one) => one.path.endsWith(end))?.text ?? '';
  const text = textOf('.js');
  const { name, version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const stamp = `${version}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
  return {
    file,
    code: text.replace(UNKNOWN_BUILD, stamp),
    map: textOf('.js.map'),
    build: stamp,
    url: `${file.replace('/', `/${name}/`)}?v=${stamp}`,
  };
}
