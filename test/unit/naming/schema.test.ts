// Naming schemas: what is refused and how it is said, what is written, what is read back, and what is not.
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { ZfsFlowError } from '../../../src/base/errors';
import { formatSnapshotName, isRepeatedName, parseNamingSchema, parseSnapshotName } from '../../../src/naming/schema';
import { TOKENS } from '../../../src/naming/tokens';

const DEFAULT = 'auto-%Y-%m-%d_%H-%M';

function refusal(text: string): ZfsFlowError {
  try {
    parseNamingSchema(text);
  } catch (error) {
    assert.ok(error instanceof ZfsFlowError);
    return error;
  }
  return assert.fail(`${JSON.stringify(text)} was accepted`);
}

const write = (schema: string, iso: string, zone = 'UTC'): string =>
  formatSnapshotName(parseNamingSchema(schema), new Date(iso), zone);

const read = (schema: string, name: string, zone = 'UTC'): string | null =>
  parseSnapshotName(parseNamingSchema(schema), name, zone)?.date.toISOString() ?? null;

const repeated = (schema: string, iso: string): boolean =>
  isRepeatedName(parseNamingSchema(schema), new Date(iso), 'Europe/Berlin');

describe('parseNamingSchema', () => {
  const refused: [string, RegExp][] = [
    ['', /empty/],
    ['auto-%Y-%m-%d_%H-%M%%', /%% is not allowed/],
    ['auto/%Y-%m-%d_%H-%M', /the character "\/" is not allowed/],
    ['auto@%Y+%m-%d_%H-%M', /the characters "@", "\+" are not allowed/],
    ['äuto-%Y-%m-%d_%H-%M', /the character "ä" is not allowed/],
    ['a\n%Y-%m-%d_%H-%M', /the character "\\n" is not allowed/],
    ['auto-%Y-%m-%d_%H-%M$(x)', /the characters "\$", "\(", "\)"/],
    ['snap_%s_%Y', /%s .* cannot be combined/],
    ['%s%s', /%s is used twice/],
    ['auto', /%Y is missing/],
    ['auto-%Y-%m-%d', /%H is missing/],
    ['auto-%m-%d_%H-%M', /%Y is missing/],
    ['%Y%m%d%I%M', /%H is missing/],
    ['%Y%m%d%H%M%', /single %/],
    ['%Y%m%d%H%M%Y', /%Y is used twice/],
    ['%Y%m%d%H%M%b%b', /%b is used twice/],
    ['%Y%m%d%H%M_%L%f', /%f and %L/],
    ['--%Y-%m-%d_%H-%M%z', /"--"/],
    ...['%Z', '%e', '%k', '%n', '%c', '%-d', '%D', '%F', '%T', '%Ey'].map((token): [string, RegExp] => [
      `${DEFAULT}${token}`,
      new RegExp(`${token.slice(0, 2)} is not supported`),
    ]),
    [`${'x'.repeat(250)}%Y%m%d%H%M`, /longer than/],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      const error = refusal(text);
      assert.equal(error.code, 'INVALID_OPTIONS');
      assert.equal(error.field, 'namingSchema');
      assert.match(error.message, message);
    });
  }

  it('names the property it was given', () => {
    assert.throws(() => parseNamingSchema('x', 'namingSchemas'), { field: 'namingSchemas' });
  });

  const accepted = [
    DEFAULT,
    'snap_%s',
    '%s',
    '%Y%m%d%H%M',
    'my snap: %Y.%m.%d %H:%M:%S',
    '%Y-%m-%d_%H-%M%z',
    ...['%S', '%j', '%b', '%B', '%p', '%I', '%f', '%L', '%y', '%a', '%A', '%U', '%W', '%G', '%V', '%u', '%w', '%z'].map(
      (token) => `${DEFAULT}_${token}`,
    ),
  ];
  for (const text of accepted) {
    it(`accepts ${text}`, () => {
      assert.equal(parseNamingSchema(text).text, text);
    });
  }
});

describe('formatSnapshotName', () => {
  // Written by Python's strftime with zoneinfo, '+' as '--'.
  const ALL = '%Y %m %d %H %M %S %y %j %b %B %a %A %p %I %u %w %G %V %U %W %z';
  const vectors: [string, string, string][] = [
    [
      '2024-02-29T18:40:05Z',
      'Europe/Berlin',
      '2024 02 29 19 40 05 24 060 Feb February Thu Thursday PM 07 4 4 2024 09 08 09 --0100',
    ],
    [
      '2021-01-03T05:07:09Z',
      'America/New_York',
      '2021 01 03 00 07 09 21 003 Jan January Sun Sunday AM 12 7 0 2020 53 01 00 -0500',
    ],
    [
      '2020-12-31T18:29:59Z',
      'Asia/Kolkata',
      '2020 12 31 23 59 59 20 366 Dec December Thu Thursday PM 11 4 4 2020 53 52 52 --0530',
    ],
    [
      '2016-01-01T01:00:00Z',
      'Australia/Lord_Howe',
      '2016 01 01 12 00 00 16 001 Jan January Fri Friday PM 12 5 5 2015 53 00 00 --1100',
    ],
    ['2023-01-01T00:00:00Z', 'UTC', '2023 01 01 00 00 00 23 001 Jan January Sun Sunday AM 12 7 0 2022 52 01 00 --0000'],
    [
      '2018-12-31T14:35:00Z',
      'America/St_Johns',
      '2018 12 31 11 05 00 18 365 Dec December Mon Monday AM 11 1 1 2019 01 52 53 -0330',
    ],
  ];
  for (const [instant, zone, name] of vectors) {
    it(`writes ${instant} in ${zone}`, () => {
      assert.equal(write(ALL, instant, zone), name);
      assert.equal(read(ALL, name, zone), new Date(instant).toISOString());
    });
  }

  it('writes fractions and epoch seconds', () => {
    assert.equal(write('%Y%m%d%H%M%S.%f', '2024-01-02T03:04:05.067Z'), '20240102030405.067000');
    assert.equal(write('%Y%m%d%H%M%S.%L', '2024-01-02T03:04:05.067Z'), '20240102030405.067');
    assert.equal(write('snap_%s', '2018-09-06T09:57:40.999Z'), 'snap_1536227860');
  });

  it('refuses an unknown zone, naming the property', () => {
    for (const zone of ['Mars/Olympus', '+01:00', ' ', 'Europe/Berlin;id']) {
      assert.throws(() => write(DEFAULT, '2024-01-01T00:00:00Z', zone), { code: 'INVALID_OPTIONS', field: 'timeZone' });
    }
  });

  it("takes '' as the zone of the machine", () => {
    const before = process.env['TZ'];
    try {
      process.env['TZ'] = 'Asia/Kolkata';
      assert.equal(write(DEFAULT, '2024-01-01T00:00:00Z', ''), 'auto-2024-01-01_05-30');
      process.env['TZ'] = 'America/New_York';
      assert.equal(write(DEFAULT, '2024-01-01T00:00:00Z', ''), 'auto-2023-12-31_19-00');
    } finally {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    }
  });
});

describe('parseSnapshotName', () => {
  it('reads a name', () => {
    assert.equal(read(DEFAULT, 'auto-2018-09-02_01-05'), '2018-09-02T01:05:00.000Z');
    assert.equal(read(DEFAULT, 'auto-2018-09-02_01-05', 'Europe/Berlin'), '2018-09-01T23:05:00.000Z');
    assert.equal(read('snap_%s', 'snap_1536226260', 'Asia/Kolkata'), '2018-09-06T09:31:00.000Z');
  });

  const strangers: [string, string][] = [
    [DEFAULT, 'auto-2018-9-2_1-5'],
    [DEFAULT, 'AUTO-2018-09-02_01-05'],
    [DEFAULT, 'auto-2018-09-02_01-05 '],
    [DEFAULT, 'auto-2018-09-02_01-05\n'],
    [DEFAULT, 'xauto-2018-09-02_01-05'],
    [DEFAULT, 'auto-2018-09-02_01-05-1'],
    [DEFAULT, 'auto-2018-09-02_24-00'],
    [DEFAULT, 'auto-2018-09-02_23-60'],
    [DEFAULT, 'auto-2018-02-30_01-05'],
    [DEFAULT, 'auto-2023-02-29_01-05'],
    [DEFAULT, 'auto-2018-00-02_01-05'],
    [DEFAULT, 'auto-2018-13-02_01-05'],
    [DEFAULT, 'auto-2018-09-00_01-05'],
    [DEFAULT, 'auto-1969-12-31_01-05'],
    [DEFAULT, 'auto-٢٠١٨-09-02_01-05'],
    ['%Y%m%d%H%M', '2018090201'],
    ['%Y%m%d%H%M', '20180902105'],
    ['%Y.%m.%d.%H.%M', '2018x09x02x01x05'],
    ['snap_%s', 'snap_01536226260'],
    ['snap_%s', 'snap_-1'],
    ['snap_%s', 'snap_999999999999'],
    [`${DEFAULT}_%a`, 'auto-2018-09-02_01-05_Mon'],
    [`${DEFAULT}_%a`, 'auto-2018-09-02_01-05_sun'],
    [`${DEFAULT}_%j`, 'auto-2018-09-02_01-05_001'],
    [`${DEFAULT}_%p`, 'auto-2018-09-02_01-05_PM'],
    [`${DEFAULT}%z`, 'auto-2018-09-02_01-05'],
    [`${DEFAULT}%z`, 'auto-2018-09-02_01-05--2400'],
    [`${DEFAULT}%z`, 'auto-2018-09-02_01-05--0160'],
  ];
  for (const [schema, name] of strangers) {
    it(`does not take ${JSON.stringify(name)} for a ${schema}`, () => {
      assert.equal(read(schema, name), null);
    });
  }

  it('reads every way that an offset is written', () => {
    const schema = `${DEFAULT}%z`;
    for (const [offset, hour] of [
      ['--0200', '10'],
      [':0200', '10'],
      ['-0200', '14'],
      ['Z', '12'],
      ['--0000', '12'],
    ]) {
      assert.equal(read(schema, `auto-2018-09-02_12-00${offset}`, 'Asia/Kolkata'), `2018-09-02T${hour}:00:00.000Z`);
    }
    assert.equal(parseSnapshotName(parseNamingSchema(schema), 'auto-2018-09-02_12-00-0330', '')?.offsetMinutes, -210);
  });

  it('keeps the microseconds that other tools write apart, to the millisecond', () => {
    assert.equal(read('%Y%m%d%H%M%S.%f', '20240102030405.067891'), '2024-01-02T03:04:05.067Z');
  });

  it('reads a repeated hour as its first occurrence, and both with %z', () => {
    assert.equal(read(DEFAULT, 'auto-2024-10-27_02-30', 'Europe/Berlin'), '2024-10-27T00:30:00.000Z');
    assert.equal(read(DEFAULT, 'auto-2024-11-03_01-30', 'America/New_York'), '2024-11-03T05:30:00.000Z');
    assert.equal(read(DEFAULT, 'auto-2024-04-07_01-45', 'Australia/Lord_Howe'), '2024-04-06T14:45:00.000Z');
    const both = ['2024-10-27T00:30:00.000Z', '2024-10-27T01:30:00.000Z'];
    for (const instant of both) {
      assert.equal(read(`${DEFAULT}%z`, write(`${DEFAULT}%z`, instant, 'Europe/Berlin'), 'Europe/Berlin'), instant);
    }
  });

  it('knows that a name is written for the second time', () => {
    assert.equal(repeated(DEFAULT, '2024-10-27T00:30:00Z'), false);
    assert.equal(repeated(DEFAULT, '2024-10-27T01:30:00Z'), true);
    assert.equal(repeated(`${DEFAULT}%z`, '2024-10-27T01:30:00Z'), false);
    assert.equal(repeated('%s', '2024-10-27T01:30:00Z'), false);
    assert.equal(repeated(DEFAULT, '2024-10-27T02:30:00Z'), false);
  });

  it('does not read a time that the clocks skip', () => {
    assert.equal(read(DEFAULT, 'auto-2024-03-31_02-30', 'Europe/Berlin'), null);
    assert.equal(read(DEFAULT, 'auto-2024-03-31_02-30', 'UTC'), '2024-03-31T02:30:00.000Z');
    assert.equal(read(DEFAULT, 'auto-2011-12-30_12-00', 'Pacific/Apia'), null);
  });
});

// A schema with the required tokens in any order, some more, and literals between them.
const literal = fc.stringMatching(/^[0-9A-Za-z _.:]{0,4}$/);
const extras = [...TOKENS.keys()].filter((token) => !'YmdHMf'.includes(token));
const schemas = fc
  .tuple(
    fc.subarray([...extras, 'z']),
    fc.array(literal, { minLength: 30, maxLength: 30 }),
    fc.array(fc.nat({ max: 1000 }), { minLength: 30, maxLength: 30 }),
  )
  .map(([more, literals, order]) =>
    ['Y', 'm', 'd', 'H', 'M', ...more]
      .map((token, index) => ({ token, key: order[index] ?? 0 }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ token }, index) => `${literals[index] ?? ''}%${token}`)
      .join(''),
  )
  .filter((text) => text.length < 120);
const zones = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Pacific/Apia',
  'America/St_Johns',
  'Africa/Casablanca',
  'Pacific/Chatham',
);
const dates = fc.date({
  min: new Date('1980-01-01T00:00:00Z'),
  max: new Date('2099-12-31T00:00:00Z'),
  noInvalidDate: true,
});

describe('naming schemas, properties', () => {
  it('reads back what was written, as exactly as the schema says it, and writes it again', () => {
    fc.assert(
      fc.property(schemas, dates, zones, (text, date, zone) => {
        const schema = parseNamingSchema(text);
        const name = formatSnapshotName(schema, date, zone);
        const parsed = parseSnapshotName(schema, name, zone);
        assert.ok(parsed, `${text}: ${name} in ${zone} was not read back`);
        assert.equal(formatSnapshotName(schema, parsed.date, zone), name);
        const exact = text.includes('%L') ? 1 : 1000;
        const step = text.includes('%S') ? exact : 60_000;
        const lost = date.getTime() - parsed.date.getTime();
        if (!isRepeatedName(schema, date, zone)) assert.ok(lost >= 0 && lost < step, `${lost} ms lost by ${text}`);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads only what it would write itself', () => {
    const digitsAndMarks = fc.stringMatching(/^auto-[0-9]{4}-[0-3][0-9]-[0-3][0-9]_[0-2][0-9]-[0-6][0-9]$/);
    const schema = parseNamingSchema(DEFAULT);
    let hits = 0;
    fc.assert(
      fc.property(digitsAndMarks, zones, (name, zone) => {
        const parsed = parseSnapshotName(schema, name, zone);
        if (parsed === null) return;
        hits += 1;
        assert.equal(formatSnapshotName(schema, parsed.date, zone), name);
      }),
      { numRuns: 2000 },
    );
    assert.ok(hits > 20, 'too few names were dates for this test to mean anything');
  });

  it('gives names that ZFS accepts', () => {
    fc.assert(
      fc.property(schemas, dates, zones, (text, date, zone) => {
        assert.match(formatSnapshotName(parseNamingSchema(text), date, zone), /^[0-9A-Za-z _.:-]{1,253}$/);
      }),
    );
  });

  it('never throws anything but INVALID_OPTIONS for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[%YmdHMSzs a-]{0,30}$/)), (text) => {
        try {
          parseNamingSchema(text);
        } catch (error) {
          assert.ok(error instanceof ZfsFlowError && error.code === 'INVALID_OPTIONS');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
