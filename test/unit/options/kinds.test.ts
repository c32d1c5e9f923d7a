// What each kind of property makes of a value, and what it refuses.
import assert from 'node:assert/strict';
import { readOptions } from '../../../src/options/field';
import {
  bytes,
  choice,
  choices,
  flag,
  hours,
  later,
  list,
  orNull,
  port,
  seconds,
  text,
} from '../../../src/options/kinds';

describe('kinds', () => {
  it('hand on times in milliseconds, sizes in bytes, and lists without what stands there twice', () => {
    const table = {
      wait: seconds(2, { min: 0 }),
      life: hours(1, { min: 0 }),
      limit: bytes(),
      names: list(['b', 'a', 'b'], { once: true }),
      which: choices('x', 'y'),
    };
    const none = { wait: 2000, life: 3_600_000, limit: 0, names: ['b', 'a'], which: ['x'] };
    assert.deepEqual(readOptions(table, {}), none);
    const raw = { wait: '0.5', life: '90m', limit: '1.5K', names: '["c"]', which: ['y', 'x', 'y'] };
    assert.deepEqual(readOptions(table, raw), {
      wait: 500,
      life: 5_400_000,
      limit: 1536,
      names: ['c'],
      which: ['y', 'x'],
    });
  });

  it('do not check an empty text, but each text of a list', () => {
    const check = (item: string, name: string): void => assert.equal(item, 'good', name);
    assert.equal(text('', { check }).read({ a: '' }, 'a'), '');
    assert.throws(() => text('', { check }).read({ a: 'bad' }, 'a'));
    assert.throws(() => list([], { check }).read({ a: [''] }, 'a'));
    const needed = { required: true, hint: 'name one' };
    for (const field of [text('', needed), list([], needed)]) {
      assert.throws(() => field.read({ a: '' }, 'a'), { code: 'INVALID_OPTIONS', field: 'a', hint: 'name one' });
    }
  });

  it('say what nothing reads yet, and take null where it was stored once', () => {
    const table = { kept: flag(true), port: orNull(port()), way: later(choice('a', 'b'), 'c') };
    assert.deepEqual(readOptions(table, { port: null }), { kept: true, port: null, way: 'a' });
    assert.deepEqual(port().read({ a: ' 6000 ' }, 'a'), 6000);
    for (const wrong of ['80', 0, 'any', 70_000, '6000.5']) {
      assert.throws(() => port().read({ a: wrong }, 'a'), { code: 'INVALID_OPTIONS', field: 'a' });
    }
    assert.throws(() => readOptions(table, { way: 'c' }), { code: 'UNSUPPORTED', field: 'way' });
    assert.deepEqual(table.way.choices, ['a', 'b', 'c']);
  });
});
