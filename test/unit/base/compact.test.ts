// Text that is kept for long has nothing of the listing behind it.
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { compact, Recurring } from '../../../src/base/compact';

describe('text that is kept', () => {
  it('is the same text, whatever is in it, and however long it is', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ maxLength: 1_200 }),
      fc.constant('é'.repeat(300)),
    );
    fc.assert(fc.property(texts, (text) => compact(text) === text));
    for (let length = 0; length < 1_100; length++) {
      for (const odd of ['', 'é', '€', '€é', '\u{1f600}']) {
        const text = odd + 'a'.repeat(length);
        assert.equal(compact(text), text, String(length));
      }
    }
    const kept = new Recurring();
    fc.assert(fc.property(texts, (text) => kept.of(text) === text && kept.of(text) === text));
    for (let number = 0; number < 10_000; number++) assert.equal(kept.of(`name${number}`), `name${number}`);
  });

  it('keeps nothing alive of what it was a part of', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const long = (): string => 'x'.repeat(100_000) + String(Math.random()).padEnd(40, '0');
    const heapOf = (make: (text: string) => string): number => {
      collect();
      const before = process.memoryUsage().heapUsed;
      const kept = Array.from({ length: 300 }, () => make(long().slice(-30)));
      collect();
      assert.equal(kept.length, 300);
      return process.memoryUsage().heapUsed - before;
    };
    assert.ok(heapOf((text) => text) > 20e6, 'there is nothing to be spared');
    assert.ok(heapOf(compact) < 2e6);
    const recurring = new Recurring();
    assert.ok(heapOf((text) => recurring.of(text)) < 2e6);
  });
});
