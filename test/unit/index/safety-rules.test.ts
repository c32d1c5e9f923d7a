// An index, not a proof: it looks for the number of each safety rule (retention.md, 1 to 23) in the titles of tests,
// wherever they are, and says which rule none is named after. Whether a rule holds is shown by the tests it finds.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const TESTS = path.resolve(__dirname, '../..');

describe('index of the safety rules of retention', () => {
  it('finds a test named after each', () => {
    const titles = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts') && file !== path.relative(TESTS, __filename))
      .flatMap((file) => readFileSync(path.join(TESTS, file), 'utf8').split('\n'))
      .filter((line) => /^\s*(it|describe)\(/.test(line));
    const missing = Array.from({ length: 23 }, (_, index) => index + 1).filter(
      (rule) => !titles.some((title) => new RegExp(`\\brule ${rule}:`).test(title)),
    );
    assert.deepEqual(missing, []);
  });
});
