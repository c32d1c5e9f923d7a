// Chains of real processes: every byte arrives, every exit code counts, nothing is left running.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessSpec } from '../../../../src/host/host';
import { LocalHost } from '../../../../src/host/local/local-host';
import { runPipeline } from '../../../../src/stream/ways/local-pipeline';
import { succeeded, type StageResult } from '../../../../src/stream/ways/way';

const host = new LocalHost();

function spec(script: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  const args = ['-c', script];
  return { file: '/bin/sh', args, env: process.env, release: () => undefined, ...more };
}

/** The processes whose command line has this word. */
async function alive(word: string): Promise<string[]> {
  const { stdout } = await host.run(['ps', '-A', '-o', 'stat=', '-o', 'args=']);
  return stdout.split('\n').filter((line) => line.includes(word) && !line.startsWith('Z'));
}

async function assertGone(word: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await alive(word)).length === 0) return;
    await sleep(20);
  }
  assert.deepEqual(await alive(word), []);
}

function codes(results: readonly StageResult[]): (number | string | null)[] {
  return results.map(({ code, signal }) => signal ?? code);
}

describe('pipelines', function () {
  this.timeout(30_000);

  it('carry every byte, also when the writer begins late and when it begins at once', async () => {
    for (const delay of ['', 'sleep 0.3;']) {
      const bytes = 30_000_000;
      const script = `${delay} head -c ${bytes} /dev/zero | tr '\\0' x`;
      const results = await runPipeline([spec(script), spec('cat'), spec(`${delay} sha256sum; echo err >&2`)]);
      assert.ok(succeeded(results));
      const expected = createHash('sha256').update('x'.repeat(bytes)).digest('hex');
      assert.deepEqual(results.at(-1)?.stderr.split('\n').toSorted(), ['', `${expected}  -`, 'err'].toSorted());
    }
  });

  it('succeed only when every stage does', async () => {
    const good = spec('cat');
    for (const [stages, expected] of [
      [
        [spec('exit 3'), good, good],
        [3, 0, 0],
      ],
      [
        [spec('echo x'), spec('cat >/dev/null; exit 4'), good],
        [0, 4, 0],
      ],
      [
        [spec('echo x'), good, spec('cat >/dev/null; exit 5')],
        [0, 0, 5],
      ],
      [
        [spec('kill -KILL $$'), good],
        ['SIGKILL', 0],
      ],
    ] as const) {
      const results = await runPipeline(stages);
      assert.deepEqual(codes(results), expected);
      assert.equal(succeeded(results), false);
    }
  });

  it('count the filters that a command of this machine has before or after it', async () => {
    const tag = 'zfsflow.filters';
    const of = async (first: string, second: string): Promise<(number | string | null)[]> => {
      const sender = await host.pipeCommand(['echo', 'x'], { tag, after: [['sh', '-c', first]] });
      const receiver = await host.pipeCommand(['cat'], { tag, before: [['sh', '-c', second]] });
      return codes(await runPipeline([sender, receiver]));
    };
    assert.deepEqual(await of('cat', 'cat'), [0, 0]);
    assert.deepEqual(await of('cat; exit 3', 'cat; exit 4'), [3, 4]);
  });

  it('give the first stage no input and collect what each says', async () => {
    const lines: string[] = [];
    const results = await runPipeline(
      [spec('cat; echo one >&2; printf half >&2'), spec('cat; echo two; echo skip >&2')],
      {
        onLine: (stage, line) => {
          lines.push(`${stage} ${line}`);
          return line === 'skip';
        },
      },
    );
    assert.deepEqual(codes(results), [0, 0]);
    assert.deepEqual(
      results.map(({ stderr }) => stderr),
      ['one\nhalf\n', 'two\n'],
    );
    assert.deepEqual(lines.toSorted(), ['0 half', '0 one', '1 skip', '1 two']);
  });

  it('keep only the end of what a stage says', async () => {
    const [result] = await runPipeline([spec('yes 0123456789 | head -n 100000 >&2; echo last >&2')]);
    assert.ok((result?.stderr.length ?? 0) <= 65_536);
    assert.match(result?.stderr ?? '', /^0123456789\n[^]*\nlast\n$/);
  });

  it('end the other stages within five seconds when one fails, even those that ignore TERM', async () => {
    const stubborn = 'trap "" TERM; sleep 601.1 & wait; sleep 601.1';
    for (const stages of [
      [spec(stubborn), spec('exit 1')],
      [spec('exit 1'), spec(stubborn)],
      [spec(stubborn), spec('exit 1'), spec(stubborn)],
    ]) {
      const start = performance.now();
      const results = await runPipeline(stages);
      assert.ok(performance.now() - start < 5_500, `took ${performance.now() - start} ms`);
      assert.deepEqual(
        results.map(({ ended, code }) => [ended, code]),
        results.map(({ code }) => (code === 1 ? [false, 1] : [true, null])),
      );
      await assertGone('sleep 601.1');
    }
  });

  it('let a receiver finish its work after the sender has failed', async () => {
    const results = await runPipeline([spec('echo x; exit 1'), spec('cat >/dev/null; sleep 1; echo saved')]);
    assert.deepEqual(codes(results), [1, 0]);
    assert.deepEqual([results[1]?.ended, results[1]?.stderr], [false, 'saved\n']);
  });

  it('are ended by their signal', async () => {
    const results = await runPipeline([spec('exec sleep 602.1'), spec('sleep 602.1')], {
      signal: AbortSignal.timeout(200),
    });
    assert.deepEqual(codes(results), ['SIGTERM', 'SIGTERM']);
    await assertGone('sleep 602.1');
    const early = await runPipeline([spec('sleep 602.1'), spec('cat')], { signal: AbortSignal.abort() });
    assert.equal(succeeded(early), false);
    await assertGone('sleep 602.1');
  });

  it('fail when a program cannot be started, wherever it stands, and leave nothing', async () => {
    const missing = spec('', { file: '/no/such/program' });
    for (const at of [0, 1, 2]) {
      const stages = [spec('sleep 603.1'), spec('sleep 603.1'), spec('sleep 603.1')].with(at, missing);
      const results = await runPipeline(stages);
      assert.equal(results[at]?.spawnError?.code, 'ENOENT');
      assert.equal(succeeded(results), false);
      await assertGone('sleep 603.1');
    }
  });

  it('release every stage exactly once', async () => {
    const released: string[] = [];
    const stage = (name: string, more: Partial<ProcessSpec>): ProcessSpec =>
      spec('cat', { release: () => released.push(name), ...more });
    await runPipeline([stage('a', {}), stage('b', { file: '/no/such/program' }), stage('c', {})]);
    assert.deepEqual(released.toSorted(), ['a', 'b', 'c']);
  });

  it('end and fail when their listener throws', async () => {
    const onLine = (): never => {
      throw new Error('mine');
    };
    await assert.rejects(runPipeline([spec('echo x >&2; sleep 604.1'), spec('cat')], { onLine }), /mine/);
    await assertGone('sleep 604.1');
  });

  it('give a secret on descriptor 3 and nowhere else', async () => {
    const [result] = await runPipeline([spec('cat <&3; ps -o args= -p $$; env', { secretInput: 'geheim' })]);
    assert.equal(result?.stderr.split('geheim').length, 2);
  });

  it('do not wait for a grandchild that keeps standard error open', async () => {
    const start = performance.now();
    const results = await runPipeline([spec('setsid sleep 8.125 & echo done >&2; exit 0')]);
    assert.ok(performance.now() - start < 5_000);
    assert.deepEqual([codes(results), results[0]?.stderr], [[0], 'done\n']);
  });

  it('skip what a noisy login shell prints before the marker, binary data after it untouched', async () => {
    const noisy = spec(`printf 'Welcome!\\nno newline'; echo; echo MARK; printf 'a\\0b\\nMARK\\n'`, {
      outputMarker: 'MARK',
    });
    const [, reader] = await runPipeline([noisy, spec('od -An -c | tr -d " \\n"')]);
    assert.equal(reader?.stderr, 'a\\0b\\nMARK\\n\n');
    const silent = spec('echo "This account is not available."', { outputMarker: 'MARK' });
    const results = await runPipeline([silent, spec('cat')]);
    assert.deepEqual(codes(results), [0, 1]);
  });
});
