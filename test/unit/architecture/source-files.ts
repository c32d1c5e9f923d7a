// What the architecture tests read: the source files, and what each imports. Types count as imports.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(__dirname, '../../..');

export const textOf = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** TypeScript files below a folder of the repository, as paths relative to its root. */
export function sources(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.posix.join(folder, file))
    .toSorted();
}

export interface Import {
  from: string;
  /** A file of the repository with its `.ts`, or the name of a package. */
  to: string;
  typeOnly: boolean;
}

const STATIC = /^(?:import|export)\s+(type\s)?[^;]*?from '([^']+)';|^import '([^']+)';/gm;
/** `import x = require('…')`, `require('…')`, `import('…')` and `typeof import('…')`. */
const CALLED = /(typeof\s+|:\s*)?\b(?:require|import)\('([^']+)'\)/g;

function resolved(file: string, to: string): string {
  if (!to.startsWith('.')) return to;
  const base = path.posix.normalize(path.posix.join(path.posix.dirname(file), to));
  return existsSync(path.join(ROOT, `${base}.ts`)) ? `${base}.ts` : base;
}

export function importsOf(file: string): Import[] {
  const text = textOf(file);
  const found = [
    ...Array.from(text.matchAll(STATIC), ([, type, from, bare]) => ({ to: from ?? bare ?? '', type })),
    ...Array.from(text.matchAll(CALLED), ([, type, to = '']) => ({ to, type })),
  ];
  return found.map(({ to, type }) => ({ from: file, to: resolved(file, to), typeOnly: type !== undefined }));
}

/** The circles of a graph of imports, each as the files that lead back to the first. */
export function circles(imports: readonly Import[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const found: string[][] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) {
      found.push(trail.slice(at));
      return;
    }
    if (done.has(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return found;
}
