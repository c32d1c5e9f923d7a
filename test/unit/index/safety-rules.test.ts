// Every safety rule of the design (retention.md, 1 to 23) has a test that is named after it, wherever it is shown.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const TESTS = path.resolve(__dirname, '../..');

describe('the safety rules of retention', () => {
  it('each have a test named after them', () => {
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
