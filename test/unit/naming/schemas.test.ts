// Several schemas on one name, and the presets for other tools.
import assert from 'node:assert/strict';
import { NAMING_PRESETS, legacyTrueNasSchema, namingPreset } from '../../../src/naming/presets';
import { formatSnapshotName, parseNamingSchema } from '../../../src/naming/schema';
import { parseNamingSchemas, readSnapshotName } from '../../../src/naming/schemas';

describe('readSnapshotName', () => {
  it('says which schema a name belongs to', () => {
    const schemas = parseNamingSchemas(['auto-%Y-%m-%d_%H-%M', 'x-%Y%m%d%H%M']);
    const reading = readSnapshotName(schemas, 'x-202401020304', 'UTC');
    assert.ok(reading.kind === 'read');
    assert.equal(reading.schema.text, 'x-%Y%m%d%H%M');
    assert.equal(reading.date.toISOString(), '2024-01-02T03:04:00.000Z');
    assert.deepEqual(readSnapshotName(schemas, 'y-202401020304', 'UTC'), { kind: 'none' });
    assert.deepEqual(readSnapshotName([], 'y-202401020304', 'UTC'), { kind: 'none' });
  });

  it('takes the first of two schemas that read the same time', () => {
    const schemas = parseNamingSchemas(['%Y%m%d%H%M%S', '%Y%d%m%H%M%S']);
    const reading = readSnapshotName(schemas, '20240505010101', 'UTC');
    assert.ok(reading.kind === 'read');
    assert.equal(reading.schema.text, '%Y%m%d%H%M%S');
  });

  it('calls a name ambiguous that two schemas read as different times', () => {
    const schemas = parseNamingSchemas(['%Y%m%d%H%M%S', '%Y%d%m%H%M%S']);
    const reading = readSnapshotName(schemas, '20240506010101', 'UTC');
    assert.ok(reading.kind === 'ambiguous');
    assert.deepEqual(
      reading.dates.map((date) => date.toISOString().slice(0, 10)),
      ['2024-05-06', '2024-06-05'],
    );
  });

  it('refuses a bad schema in the list, naming the property', () => {
    assert.throws(() => parseNamingSchemas(['auto-%Y-%m-%d_%H-%M', 'x'], 'scope'), { field: 'scope' });
  });
});

describe('naming presets', () => {
  const real: [string, string, string][] = [
    ['truenas', 'auto-2024-01-02_03-04', '2024-01-02T03:04:00.000Z'],
    ['truenas-legacy', 'auto-20200203.000000-2w', '2020-02-03T00:00:00.000Z'],
    ['truenas-legacy', 'auto-20170827.0900-2w', '2017-08-27T09:00:00.000Z'],
    ['sanoid', 'autosnap_2024-01-01_00:00:00_hourly', '2024-01-01T00:00:00.000Z'],
    ['sanoid', 'autosnap_2024-01-01_00:00:31_frequently', '2024-01-01T00:00:31.000Z'],
    ['zfs-auto-snapshot', 'zfs-auto-snap_hourly-2024-01-01-0017', '2024-01-01T00:17:00.000Z'],
    ['zfs-auto-snapshot-utc', 'zfs-auto-snap_monthly-2024-01-01-0052', '2024-01-01T00:52:00.000Z'],
    ['zrepl', 'zrepl_20240101_000000_000', '2024-01-01T00:00:00.000Z'],
    ['zrepl', 'zrepl_20220920_092503_000', '2022-09-20T09:25:03.000Z'],
    ['zrepl-human', 'zrepl_2024-01-01_00:00:01', '2024-01-01T00:00:01.000Z'],
    ['zrepl-iso-8601', 'zrepl_2024-01-01T00:00:01.250Z', '2024-01-01T00:00:01.250Z'],
    ['zrepl-unix-seconds', 'zrepl_1704067201', '2024-01-01T00:00:01.000Z'],
    ['bzfs', 'prod_onsite_2024-11-06_08:30:05_daily', '2024-11-06T08:30:05.000Z'],
  ];
  for (const [id, name, date] of real) {
    it(`reads ${name}`, () => {
      const preset = namingPreset(id);
      assert.ok(preset);
      const reading = readSnapshotName(parseNamingSchemas(preset.schemas), name, 'UTC');
      assert.ok(reading.kind === 'read');
      assert.equal(reading.date.toISOString(), date);
      assert.match(name, new RegExp(preset.nameRegex));
    });
  }

  for (const preset of NAMING_PRESETS) {
    it(`${preset.id}: every schema is valid and its names match the preset's expression`, () => {
      for (const text of preset.schemas) {
        const name = formatSnapshotName(parseNamingSchema(text), new Date('2024-02-29T12:34:56.789Z'), 'UTC');
        assert.match(name, new RegExp(preset.nameRegex));
      }
    });
  }

  it('knows zrepl, zfs-auto-snapshot --utc as writing in UTC', () => {
    assert.equal(namingPreset('zrepl')?.timeZone, 'UTC');
    assert.equal(namingPreset('zfs-auto-snapshot-utc')?.timeZone, 'UTC');
    assert.equal(namingPreset('sanoid')?.timeZone, '');
    assert.equal(namingPreset('none'), undefined);
  });

  it('makes the schema of an old TrueNAS task from its lifetime', () => {
    assert.equal(legacyTrueNasSchema(3, 'month'), 'auto-%Y%m%d.%H%M%S-3m');
    assert.equal(legacyTrueNasSchema(1, 'hour', false), 'auto-%Y%m%d.%H%M-1h');
  });
});
