// What the stages may do, by folder: plan/ computes, discover/ reads, processes are started and scripts written in their
// own rooms only.
import assert from 'node:assert/strict';
import { importsOf, sources, textOf } from './source-files';

const engine = sources('src');
const stage = (name: string): string[] => engine.filter((file) => file.includes(`/${name}/`));

/** Source text without comments and texts, so that a word in them is no finding. */
function codeOf(file: string): string {
  return textOf(file)
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

describe('architecture: stages', () => {
  it('plan/ is pure: no waiting, no clock, no randomness, nothing of Node.js', () => {
    const planners = stage('plan');
    assert.ok(planners.length >= 27);
    for (const file of planners) {
      assert.doesNotMatch(
        codeOf(file),
        /\bawait\b|\basync\b|\bPromise\b|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\./,
        file,
      );
      const impure = importsOf(file).filter(
        ({ to, typeOnly }) => !typeOnly && (!to.startsWith('src/') || /\/(discover|execute|run|marks)\//.test(to)),
      );
      assert.deepEqual(impure, [], file);
    }
  });

  it('discover/ cannot change anything', () => {
    const readers = stage('discover');
    assert.ok(readers.length >= 6);
    const changing = /^src\/zfs\/(snapshot|destroy|destroy-program|receive|bookmark|set-marks|change)\.ts$|\/execute\//;
    for (const file of readers) {
      const changes = importsOf(file).filter(({ to, typeOnly }) => !typeOnly && changing.test(to));
      assert.deepEqual(changes, [], file);
    }
  });

  it('processes are started only in host/ and stream/, scripts written only in host/', () => {
    const offenders = engine.filter((file) => {
      const text = textOf(file);
      const starts = !/^src\/(host|stream)\//.test(file) && /node:child_process|shell: true/.test(text);
      return starts || (!file.startsWith('src/host/') && /\b(ScriptWriter|quoteArg)\b/.test(text));
    });
    assert.deepEqual(offenders, []);
  });

  it('command lines of zfs and zpool are written only in zfs/', () => {
    const offenders = engine.filter(
      (file) => !/^src\/(zfs|host)\//.test(file) && /\[\s*'(?:zfs|zpool)',|\bz(?:fs|pool)\([^)]*\[/.test(textOf(file)),
    );
    assert.deepEqual(offenders, []);
  });

  it('no file is longer than 400 lines', () => {
    const long = [...engine, ...sources('nodes'), ...sources('test'), ...sources('scripts')].filter(
      (file) => textOf(file).split('\n').length > 401,
    );
    assert.deepEqual(long, []);
  });
});
