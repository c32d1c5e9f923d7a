// Every row of every table: its default is accepted, its limits and choices are, what lies beyond is refused by the
// property's name. What the engine gets of a value is in the tests of each capability's check-options.
import assert from 'node:assert/strict';
import { FIELDS } from '../../../nodes/fields';
import { ZfsFlowError } from '../../../src/base/errors';
import { pick, readOptions, section, typed, type Field, type FieldTable } from '../../../src/options/field';
import { count, json } from '../../../src/options/kinds';

/** Code and property of the refusal, '' when the value is accepted. */
function refusal(field: Field, name: string, value: unknown): string {
  try {
    field.read({ [name]: value }, name);
    return '';
  } catch (error) {
    assert.ok(error instanceof ZfsFlowError, String(error));
    assert.ok(error.message.length > 10);
    return `${error.code} ${error.field ?? ''}`;
  }
}

const ROWS = Object.entries(FIELDS as Record<string, FieldTable>).flatMap(([type, table]) =>
  Object.entries(table).map(([name, field]) => [`${type}.${name}`, name, field] as const),
);

describe('the tables of properties', () => {
  it('have defaults that are accepted, unless something has to be given', () => {
    for (const [where, name, field] of ROWS) {
      const { default: value, required } = field;
      const empty = value === '' || (Array.isArray(value) && value.length === 0);
      const expected = required && empty ? `INVALID_OPTIONS ${name}` : '';
      assert.equal(refusal(field, name, value), expected, where);
      assert.equal(refusal(field, name, undefined), expected, where);
      if (expected === '') {
        assert.deepEqual(field.read({}, name), field.read({ [name]: value }, name), where);
      }
    }
  });

  it('accept numbers up to their limits and none beyond', () => {
    let seen = 0;
    for (const [where, name, field] of ROWS) {
      const { min, max, integer } = field;
      if (field.type !== 'num') continue;
      seen++;
      const invalid = `INVALID_OPTIONS ${name}`;
      for (const limit of [min, max]) if (limit !== undefined) assert.equal(refusal(field, name, limit), '', where);
      if (min !== undefined) assert.equal(refusal(field, name, min - 1), invalid, where);
      assert.equal(refusal(field, name, max === undefined ? 1e12 : max + 1), max === undefined ? '' : invalid, where);
      assert.equal(refusal(field, name, (min ?? 0) + 0.5), integer === true ? invalid : '', where);
      for (const nonsense of ['many', NaN, true, {}, []]) assert.equal(refusal(field, name, nonsense), invalid, where);
    }
    assert.ok(seen > 15);
  });

  it('accept each of their choices, nothing else, and say what this version cannot do yet', () => {
    let seen = 0;
    for (const [where, name, field] of ROWS) {
      if (field.choices === undefined) continue;
      seen++;
      const given = (value: string): unknown => (field.type === 'list' ? [value] : value);
      for (const value of field.choices) {
        const expected = field.later?.includes(value) === true ? `UNSUPPORTED ${name}` : '';
        assert.equal(refusal(field, name, given(value)), expected, `${where} ${value}`);
      }
      for (const nonsense of ['nonsense', 7, null, {}]) {
        const expected = nonsense === null && field.mayBeNull === true ? '' : `INVALID_OPTIONS ${name}`;
        assert.equal(refusal(field, name, nonsense), expected, where);
      }
    }
    assert.ok(seen > 25);
  });

  it('take true, false and their texts for flags, and refuse any other word', () => {
    for (const [where, name, field] of ROWS) {
      if (field.type !== 'bool') continue;
      assert.deepEqual([true, 'true', false, 'false'].map((value) => field.read({ [name]: value }, name)), [true, true, false, false]); // prettier-ignore
      for (const nonsense of ['yes', 1, null, '']) {
        assert.equal(refusal(field, name, nonsense), `INVALID_OPTIONS ${name}`, where);
      }
    }
  });

  it('store typed properties as text, list or number, so that what stands beside them can say the source', () => {
    for (const [where, , field] of ROWS) assert.ok(!field.typed || ['str', 'list', 'num'].includes(field.type), where);
  });

  it('can be put together of parts', () => {
    const parts = { ...section('one', { a: typed(count(1, { min: 0 })) }), b: json('text', null, () => 7) };
    assert.deepEqual([parts.a.section, parts.a.typed, parts.b.section, parts.b.typed], ['one', true, '', false]);
    assert.deepEqual(readOptions(pick(parts, 'b'), {}), { b: 7 });
  });
});
