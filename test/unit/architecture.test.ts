// The architecture's rules that a compiler does not check: dependencies point downwards, `src/` never knows Node-RED,
// planners are pure, every runtime dependency is really used.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '../..');

/** Layers from the lowest to the highest; a file may import from its own layer's folders as allowed, and from below. */
const LAYERS: readonly (readonly string[])[] = [
  ['src/base', 'src/options', 'src/time'],
  ['src/naming'],
  ['src/host'],
  ['src/stream'],
  ['src/zfs'],
  ['src/snapshots', 'src/replication', 'src/retention'],
  ['src/jobs'],
  ['nodes'],
];

/** `run-context.ts` is the vocabulary of all layers; it names the Host type and nothing else of a higher layer. */
const TYPES_ONLY: readonly [string, string][] = [['src/base/run-context', 'src/host/host']];

function sources(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.posix.join(folder, file));
}

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const found = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from '([^']+)';|require\('([^']+)'\)|^import '([^']+)';/gm,
  );
  return Array.from(found, ([, type, from, required, bare]) => {
    const to = from ?? required ?? bare ?? '';
    const resolved = to.startsWith('.') ? path.posix.normalize(path.posix.join(path.posix.dirname(file), to)) : to;
    return { from: file, to: resolved, typeOnly: type !== undefined };
  });
}

const layerOf = (file: string): number =>
  LAYERS.findIndex((folders) =>
    folders.some((folder) => file === folder || file === `${folder}.ts` || file.startsWith(`${folder}/`)),
  );

const engine = sources('src').flatMap(importsOf);
const adapters = sources('nodes').flatMap(importsOf);

describe('architecture', () => {
  it('has a layer for every file', () => {
    const homeless = [...sources('src'), ...sources('nodes')].filter((file) => layerOf(file) < 0);
    assert.deepEqual(homeless, []);
  });

  it('points dependencies downwards', () => {
    const upward = [...engine, ...adapters].filter(({ from, to, typeOnly }) => {
      if (!/^(src|nodes)\//.test(to)) return false;
      if (typeOnly && TYPES_ONLY.some(([a, b]) => from === `${a}.ts` && to === b)) return false;
      return layerOf(to) > layerOf(from);
    });
    assert.deepEqual(upward, []);
  });

  it('keeps Node-RED out of src/', () => {
    const known = engine.filter(({ to }) => /node-red|@node-red/.test(to));
    assert.deepEqual(known, []);
  });

  it('keeps planners pure: no I/O, no clock, no randomness', () => {
    const planners = sources('src').filter((file) =>
      /\/plan\.ts$|\/(target-state|steps|partial-receive|refusals|mapping|final-marks|buckets|rules|guards)\.ts$/.test(
        file,
      ),
    );
    assert.ok(planners.length >= 8);
    for (const file of planners) {
      const text = readFileSync(path.join(ROOT, file), 'utf8');
      assert.doesNotMatch(
        text,
        /\bDate\.now\(|new Date\(\)|Math\.random|\bawait\b|from 'node:|setTimeout|process\./,
        file,
      );
    }
  });

  it('starts processes only in host/ and stream/, and writes scripts only in host/shell/', () => {
    const offenders = sources('src').filter((file) => {
      const text = readFileSync(path.join(ROOT, file), 'utf8');
      const starts = !/^src\/(host|stream)\//.test(file) && /node:child_process|shell: true/.test(text);
      return starts || (!file.startsWith('src/host/shell/') && /\b(ScriptWriter|quoteArg)\b/.test(text));
    });
    assert.deepEqual(offenders, []);
  });

  it('declares exactly the runtime dependencies that it uses, at most six', () => {
    const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const runtime = [...engine, ...adapters.filter(({ from }) => !/editor|\/dialog\//.test(from))].filter(
      ({ typeOnly }) => !typeOnly,
    );
    const used = new Set(runtime.map(({ to }) => to).filter((to) => !/^(src|nodes)\/|^node:|^tsx/.test(to)));
    assert.deepEqual([...used].toSorted(), Object.keys(manifest.dependencies).toSorted());
    assert.ok(used.size <= 6);
  });
});
