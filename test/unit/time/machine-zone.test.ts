// The zone of the machine as the environment variable TZ gives it: always what `Date` has, and a word where that is not what
// TZ asks for.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

interface Seen {
  dates: string[];
  names: string[];
  noons: number[];
  problem: string | null;
}

function seen(tz: string | undefined): Seen {
  const env = { PATH: process.env['PATH'], ...(tz === undefined ? {} : { TZ: tz }) };
  const file = join(__dirname, 'machine-zone.fixture.ts');
  const said = execFileSync(process.execPath, ['--require', require.resolve('tsx/cjs'), file], {
    env,
    encoding: 'utf8',
  });
  return JSON.parse(said) as Seen;
}

describe('the time zone of the machine', function () {
  this.timeout(120_000);

  const right: [tz: string | undefined, first: string | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['UTC', '2026-01-15_03-30'],
    ['UTC0', '2026-01-15_03-30'],
    ['Europe/Berlin', '2026-01-15_04-30'],
    [':Europe/Berlin', '2026-01-15_04-30'],
    ['posix/Europe/Berlin', '2026-01-15_04-30'],
    ['Africa/Abidjan', '2026-01-15_03-30'],
    ['JST-9', '2026-01-15_12-30'],
    ['UTC-3', '2026-01-15_06-30'],
    ['GMT+5', '2026-01-14_22-30'],
    ['EST5EDT', '2026-01-14_22-30'],
    ['Asia/Kolkata', '2026-01-15_09-00'],
  ];
  for (const [tz, first] of right) {
    it(`is what TZ=${tz ?? '(unset)'} says, in names and schedules [B14]`, () => {
      const { dates, names, noons, problem } = seen(tz);
      assert.deepEqual(names, dates);
      assert.deepEqual(noons, [12, 12, 12]);
      if (first !== undefined) assert.equal(names[0], first);
      assert.equal(problem, null);
    });
  }

  const misread = [
    '<+03>-3',
    'CET-1CEST,M3.5.0,M10.5.0/3',
    'AEST-10AEDT',
    'IST-5:30',
    '<-03>3',
    '/usr/share/zoneinfo/Europe/Berlin',
    ':/usr/share/zoneinfo/Europe/Berlin',
    '/no/such/file',
    'Berlin/Europe',
    ' Europe/Berlin',
    '"Europe/Berlin"',
    'GMT+02:00 Berlin',
  ];
  for (const tz of misread) {
    it(`is never UTC without a word: TZ=${tz} [B14]`, () => {
      const { dates, names, noons, problem } = seen(tz);
      // The same as everything else in this process.
      assert.deepEqual(names, dates);
      assert.deepEqual(noons, [12, 12, 12]);
      assert.match(problem ?? '', /does not understand the time zone TZ=.*go by UTC[+-]\d\d:\d\d.*IANA name/);
    });
  }
});
