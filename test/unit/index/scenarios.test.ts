// An index, not a proof: the ways to lose data or to get stuck that were collected from other tools (C1 of the design's
// study of peers), and whether the title of some test has the number of each. What is shown of them is in those tests.
// Numbers that are missing here are of later issues.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const TESTS = path.resolve(__dirname, '../..');

const SCENARIOS: Readonly<Record<number, string>> = {
  1: 'a renamed source snapshot stays the base',
  2: 'the same name with another GUID is no base',
  3: 'a bookmark is the base where the snapshot is gone',
  4: 'after a bookmark a single -i, then -I',
  5: 'a bookmark newer than the newest common snapshot',
  6: 'runs as -I, gaps hopped over with -i',
  7: 'a base that the filter leaves out',
  8: 'a newer snapshot on the target alone is refused',
  9: 'bytes written to the target are refused, or rolled back when allowed',
  10: 'unrelated data is refused',
  11: 'rotate loses nothing',
  12: 'nothing to do starts no transfer',
  13: 'a clock that goes back or stands still',
  14: 'odd names',
  15: 'GUIDs above 2^53 and 2^63',
  16: 'names that begin alike',
  17: 'a target that was destroyed between runs',
  18: 'a source dataset that goes during the run',
  19: 'a bookmark name that is taken',
  20: 'clones',
  21: 'a controller that dies at each step',
  22: 'a stream cut five times',
  23: "a pending token while the source's retention works",
  24: 'a token whose snapshot is gone',
  25: 'a token of another dataset or kind',
  26: 'a token and a plan',
  27: 'a receive that is still dying',
  28: 'no orphans when the receiver dies',
  29: 'a sender that fails while the receiver succeeds',
  30: 'a garbled stream',
  31: 'a result that was lost after the receive',
  32: 'transient failures are retried, others are not',
  33: 'a token that stays the same',
  34: 'a redeploy in mid-transfer',
  35: 'two flows for one pair',
  36: 'plain and encrypted, source and target, raw and not',
  37: 'a chain that changes its kind',
  38: 'a locked source',
  39: 'a snapshot of its own on a raw target',
  40: 'a placeholder below an encrypted parent',
  41: 'a mount point that is in use',
  42: 'properties excluded, overridden, received',
  43: 'volumes',
  44: 'read-only required and set',
  45: 'large blocks switched off in a chain',
  46: 'atomic with excludes',
  47: 'hooks: "after" runs once, whatever fails',
  48: 'nothing written, nothing taken',
  49: 'a repeated hour',
  50: 'a name that is taken',
  51: 'missing rights are named',
  52: 'without a rule nothing goes',
  53: 'one kept on each side, and the newest common one',
  54: 'a destination that is away',
  55: 'a listing that fails',
  56: 'held, cloned and busy ones in a batch',
  57: 'snapshots of others',
  58: 'a clock that jumps',
  59: 'a year of hourly runs',
  60: 'a destination far behind',
  61: 'a name used again between plan and execution',
  62: 'an approved plan that is no longer true',
  63: 'a plan changes nothing',
  64: 'a source that is gone',
  65: 'ten thousand in a hundred commands',
  66: 'only below so much free space',
  67: 'one snapshot for two tiers',
  68: 'the base of a partial receive',
  69: 'many datasets, few commands',
  70: 'very many snapshots',
  71: 'ways to log in, and host keys',
  72: 'hostile names and values',
  73: 'secrets',
  74: 'login shells',
  75: 'progress',
  76: 'speed limit',
};

/** Decided without ZFS: what it would say is given. */
const PURE: ReadonlySet<string> = new Set(['59', '67', '70']);

/** The list's last number. */
const LAST = 77;

function covered(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const file of readdirSync(TESTS, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.test.ts') || file === 'unit/index/scenarios.test.ts') continue;
    for (const [line] of readFileSync(path.join(TESTS, file), 'utf8').matchAll(/^\s*it\((?:.|\n)*?[`'"], /gm)) {
      for (const [, number] of line.matchAll(/\[C1 (\d+)\]/g)) {
        found.set(Number(number), [...(found.get(Number(number)) ?? []), file]);
      }
    }
  }
  return found;
}

describe('index of the scenarios of other tools', () => {
  const tests = covered();

  it('finds a test for each', () => {
    const missing = Object.entries(SCENARIOS).filter(([number]) => !tests.has(Number(number)));
    assert.deepEqual(missing, []);
  });

  it('finds one on real ZFS for each that needs it', () => {
    const pure = Object.keys(SCENARIOS).filter(
      (number) => !PURE.has(number) && !tests.get(Number(number))?.some((file) => file.startsWith('zfs/')),
    );
    assert.deepEqual(pure, []);
  });

  it('knows every number that a title has', () => {
    const unknown = [...tests.keys()].filter((number) => number < 1 || number > LAST);
    assert.deepEqual(unknown, []);
  });
});
