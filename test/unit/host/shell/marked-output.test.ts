// Results of several commands in one shell, kept apart by markers: the script in a real `sh`, the parser against any
// chunking.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { MarkedOutput, markedScript, newMarker } from '../../../../src/host/shell/marked-output';
import { remoteCommand } from '../../../../src/host/shell/quote';

const setup = { zfsPath: '', privilege: 'none' as const };

interface Expected {
  text: string;
  code: number;
}

function parse(
  marker: string,
  chunks: readonly Buffer[],
  onLine?: (line: string, index: number) => void,
): MarkedOutput {
  const output = new MarkedOutput({ marker, maxBytes: 1e6, onLine });
  for (const chunk of chunks) output.push(chunk);
  return output;
}

function print(text: string, code: number): string[] {
  return ['/bin/sh', '-c', 'printf %s "$1"; printf %s "$1" >&2; exit "$2"', 'sh', text, String(code)];
}

describe('marked output', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((s) => s.replaceAll('\0', ''));
  const command = fc.record({ text, code: fc.nat({ max: 255 }) }, { noNullPrototype: true });
  const commands = fc.array(command, { minLength: 1, maxLength: 5 });

  it('gives each command what it printed and its exit code, after any noise and however the bytes are cut', () => {
    const property = fc.property(
      commands,
      text,
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      (expected, noise, sizes) => {
        const marker = newMarker();
        const lines = expected.map(({ text, code }) => `${text}${marker} ${code}\n`).join('');
        const bytes = Buffer.from(`${noise}${marker} 4711\n${lines}`);
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length;) {
          const size = Number(sizes.next().value);
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        const output = parse(marker, chunks);
        assert.deepEqual(output.results, expected);
        assert.equal(output.pid, 4711);
        assert.equal(output.noisy, noise !== '');
      },
    );
    fc.assert(property);
  });

  it('gives lines as they come, the unterminated last one too', () => {
    const seen: [string, number][] = [];
    const marker = newMarker();
    const bytes = Buffer.from(`${marker} 1\na\nb${marker} 0\n${marker} 0\n\nc\n${marker} 3\n`);
    const output = parse(marker, [bytes], (line, index) => seen.push([line, index]));
    assert.deepEqual(seen, [['a', 0], ['b', 0], ['', 2], ['c', 2]]); // prettier-ignore
    assert.deepEqual(output.results.map(({ code }) => code), [0, 0, 3]); // prettier-ignore
  });

  it('limits what is collected, but not what is streamed', () => {
    const marker = newMarker();
    const start = Buffer.from(`${marker} 1\n`);
    const line = Buffer.from(`${'x'.repeat(999)}\n`);
    const collecting = new MarkedOutput({ marker, maxBytes: 5000 });
    collecting.push(start);
    for (let count = 0; count < 5; count++) collecting.push(line);
    assert.throws(() => collecting.push(line), { code: 'ZFS_ERROR' });
    const streaming = new MarkedOutput({ marker, maxBytes: 5000, onLine: () => undefined });
    streaming.push(start);
    for (let count = 0; count < 50; count++) streaming.push(line);
    assert.throws(() => streaming.push(Buffer.from('y'.repeat(5001))), { code: 'ZFS_ERROR' });
  });

  it('agrees with the script in a real shell', () => {
    fc.assert(
      fc.property(commands, (expected: Expected[]) => {
        const marker = newMarker();
        const script = markedScript(
          expected.map(({ text, code }) => print(text, code)),
          marker,
          setup,
          false,
        );
        const result = spawnSync('sh', ['-c', `echo noise; ${remoteCommand(script)}`]);
        assert.deepEqual(parse(marker, [result.stdout]).results, expected);
        const stderr = parse(marker, [result.stderr]);
        assert.deepEqual(stderr.results.map((one) => one.text), expected.map((one) => one.text)); // prettier-ignore
        assert.equal(stderr.noisy, false);
      }),
      { numRuns: 30 },
    );
  });

  it('never has the marker in the arguments that ps shows', () => {
    const marker = newMarker();
    assert.ok(!markedScript([['ps', '-A', '-o', 'args=']], marker, setup, false).includes(marker));
  });

  it('elevates zfs and zpool only', () => {
    const script = (program: string, zfsPath = ''): string =>
      markedScript([[program, 'list']], 'm', { zfsPath, privilege: 'sudo' }, false);
    assert.match(script('zfs'), /; sudo -n 'zfs' 'list'; m/);
    assert.match(script('zpool'), /; sudo -n 'zpool' 'list'; m/);
    assert.match(script('ps'), /; 'ps' 'list'; m/);
    assert.match(script('zfs', '/opt/zfs'), /; sudo -n "\$\(command -v zfs \|\| echo zfs\)" 'list'; m/);
  });
});
