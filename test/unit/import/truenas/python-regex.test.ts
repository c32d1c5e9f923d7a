// Regular expressions of Python in JavaScript: what each of them matches is what Python's `re.match(f"({regex})$")` matches.
import assert from 'node:assert/strict';
import { Unusable } from '../../../../src/import/truenas/records';
import { translated } from '../../../../src/import/truenas/python-regex';

describe('a regular expression of Python', () => {
  for (const [python, javascript, yes, no] of [
    ['(auto|weekly)-.*', '^(?:(auto|weekly)-.*)$', 'auto-1', 'x-auto-1'],
    ['a|b', '^(?:a|b)$', 'b', 'bc'],
    ['(?P<y>\\d{4})-(?P=y)', '^(?:(?<y>\\d{4})-\\k<y>)$', '2024-2024', '2024-2025'],
    ['\\Aauto-.*\\Z', '^(?:^auto-.*$)$', 'auto-1', 'xauto-1'],
    ['(?:x)[(?P<](?!a)(?<!b).', '^(?:(?:x)[(?P<](?!a)(?<!b).)$', 'x(c', 'x(a'],
    ['\\(?i\\)', '^(?:\\(?i\\))$', 'i)', 'x'],
  ] as const) {
    it(`is read: ${python}`, () => {
      const source = translated(python);
      assert.equal(source, javascript);
      const pattern = new RegExp(source);
      assert.deepEqual([pattern.test(yes), pattern.test(no)], [true, false]);
    });
  }

  for (const python of [
    '(?i)auto.*',
    '(?i:auto).*',
    '(?#x)a',
    '(a)?(?(1)b|c)',
    '(?>a)b',
    'a++',
    'a{1,2}+',
    '(',
    '\\N{DASH}',
  ]) {
    it(`is refused: ${python}`, () => {
      assert.throws(() => translated(python), Unusable);
    });
  }
});
