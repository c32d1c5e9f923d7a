// Property values of the replicate node: defaults, what is read, and what is refused by which name.
import assert from 'node:assert/strict';
import { parseReplicateOptions, replicateUses } from '../../../../src/replication/setup/check-options';

const parse = (raw: object = {}): ReturnType<typeof parseReplicateOptions> =>
  parseReplicateOptions({ sourceDatasets: ['tank/data'], targetDataset: 'backup/data', ...raw });

describe('parseReplicateOptions', () => {
  it('fills in the defaults of the contract', () => {
    assert.deepEqual(parse(), {
      name: '',
      sourceConnection: '',
      sourceDatasets: ['tank/data'],
      targetConnection: '',
      targetDataset: 'backup/data',
      recursive: false,
      exclude: [],
      snapshotSelection: 'all',
      namingSchemas: [],
      nameRegex: '',
      firstCopy: 'all',
      restrictSchedule: '',
      restrictBegin: '',
      restrictEnd: '',
      onlyMatchingSchedule: false,
      schedule: { schedule: '', scheduleTimeZone: '', scheduleBegin: '', scheduleEnd: '' },
      createSnapshot: 'ifNone',
      timeZone: '',
      whenDiverged: 'refuse',
      includeProperties: true,
      propertiesExclude: ['mountpoint', 'sharenfs', 'sharesmb'],
      propertiesOverride: {},
      fullFilesystem: false,
      raw: 'auto',
      largeBlocks: true,
      compressedBlocks: true,
      embeddedBlocks: false,
      encryption: 'none',
      encryptionKeyFormat: 'hex',
      encryptionKeyLocation: 'stored',
      readonly: 'set',
      mount: false,
      transport: 'auto',
      netcatActiveSide: 'auto',
      netcatListenAddress: '',
      netcatPortMin: null,
      netcatPortMax: null,
      netcatConnectAddress: '',
      streamCompression: 'none',
      speedLimit: 0,
      resumable: true,
      holdPending: true,
      parallelDatasets: 2,
      retries: 5,
      retryDelay: 1000,
      stallTimeout: 3_600_000,
      partialReceive: 'own',
      targetRetention: 'none',
      targetRetentionPolicy: null,
      targetRetentionScope: null,
      maxDestroyFraction: 0.5,
      mode: 'execute',
    });
  });

  it('reads what a message brings: numbers as texts, lists and objects as JSON texts, one dataset as a text', () => {
    const options = parse({
      name: 'nightly',
      sourceDatasets: 'tank/a',
      exclude: '["tank/a/tmp"]',
      retries: '3',
      retryDelay: 0.5,
      speedLimit: '10M',
      largeBlocks: 'false',
      propertiesOverride: '{"compression": "zstd", "com.example:n": 1}',
      targetRetention: 'custom',
      targetRetentionPolicy: '{"keep": [{"type": "last", "count": 3}]}',
      schedule: '@daily',
    });
    assert.deepEqual(
      [options.name, options.sourceDatasets, options.exclude, options.retries, options.retryDelay],
      ['nightly', ['tank/a'], ['tank/a/tmp'], 3, 500],
    );
    assert.deepEqual([options.speedLimit, options.largeBlocks], [10 * 2 ** 20, false]);
    assert.deepEqual(options.propertiesOverride, { compression: 'zstd', 'com.example:n': '1' });
    assert.deepEqual(options.targetRetentionPolicy, { keep: [{ type: 'last', count: 3 }] });
    assert.equal(options.schedule.schedule, '@daily');
  });

  it('takes everything below for a full copy', () => {
    assert.equal(parse({ fullFilesystem: true }).recursive, true);
  });

  const refused: [field: string, raw: object][] = [
    ['sourceDatasets', { sourceDatasets: [] }],
    ['sourceDatasets', { sourceDatasets: ['tank/a@x'] }],
    ['sourceDatasets', { sourceDatasets: ['-r'] }],
    ['targetDataset', { targetDataset: '' }],
    ['targetDataset', { targetDataset: undefined }],
    ['targetDataset', { targetDataset: ['backup'] }],
    ['sourceConnection', { sourceConnection: 5 }],
    ['exclude', { exclude: ['tank@x'] }],
    ['exclude', { exclude: ['tank/*'] }],
    ['exclude', { exclude: ['tank/data'] }],
    ['namingSchemas', { namingSchemas: ['daily'] }],
    ['namingSchemas', { snapshotSelection: 'schema' }],
    ['nameRegex', { snapshotSelection: 'regex' }],
    ['nameRegex', { snapshotSelection: 'regex', nameRegex: '(' }],
    ['nameRegex', { nameRegex: 5 }],
    ['restrictSchedule', { restrictSchedule: '* * *' }],
    ['restrictBegin', { restrictSchedule: '@hourly', restrictBegin: '25:00' }],
    ['restrictEnd', { restrictSchedule: '@hourly', restrictBegin: '08:00', restrictEnd: '08:00' }],
    ['restrictBegin', { restrictSchedule: '0 9 * * *', restrictBegin: '10:00', restrictEnd: '11:00' }],
    ['onlyMatchingSchedule', { onlyMatchingSchedule: true }],
    ['schedule', { onlyMatchingSchedule: true, schedule: 'often' }],
    ['timeZone', { timeZone: 'Mars/Olympus' }],
    ['whenDiverged', { whenDiverged: 'force' }],
    ['propertiesExclude', { propertiesExclude: ['mount point'] }],
    ['propertiesExclude', { propertiesExclude: ['-x'] }],
    ['propertiesOverride', { propertiesOverride: { 'no good': 'x' } }],
    ['propertiesOverride', { propertiesOverride: { compression: null } }],
    ['propertiesOverride', { propertiesOverride: { encryption: 'on' } }],
    ['encryptionKeyLocation', { encryptionKeyLocation: '' }],
    ['encryptionKeyLocation', { encryptionKeyLocation: 'etc/key' }],
    ['encryptionKeyLocation', { encryptionKeyLocation: '/etc/k\ney' }],
    ['raw', { raw: 'always', encryption: 'inherit' }],
    ['transport', { transport: 'carrier pigeon' }],
    ['netcatActiveSide', { netcatActiveSide: 'nobody' }],
    ['netcatPortMin', { netcatPortMin: '80' }],
    ['netcatPortMin', { netcatPortMin: 'any' }],
    ['netcatPortMax', { netcatPortMax: 70_000 }],
    ['netcatPortMax', { netcatPortMin: 6010, netcatPortMax: 6000 }],
    ['netcatListenAddress', { netcatListenAddress: '-e sh' }],
    ['netcatConnectAddress', { netcatConnectAddress: 'a b' }],
    ['streamCompression', { streamCompression: 'rar' }],
    ['speedLimit', { speedLimit: 'fast' }],
    ['speedLimit', { speedLimit: -1 }],
    ['parallelDatasets', { parallelDatasets: 65 }],
    ['retries', { retries: 1001 }],
    ['retryDelay', { retryDelay: -0.1 }],
    ['stallTimeout', { stallTimeout: 0 }],
    ['targetRetentionPolicy', { targetRetention: 'custom' }],
    ['targetRetentionPolicy', { targetRetentionPolicy: { keep: [{ type: 'never' }] } }],
    ['targetRetentionScope', { targetRetentionScope: { all: 'yes' } }],
    ['maxDestroyFraction', { maxDestroyFraction: 1.1 }],
    ['exclude', { fullFilesystem: true, exclude: ['tank/data/x'] }],
    ['snapshotSelection', { fullFilesystem: true, snapshotSelection: 'regex', nameRegex: 'x' }],
    ['sourceDatasets', { fullFilesystem: true, sourceDatasets: ['tank/a', 'tank/a/b'] }],
  ];
  for (const [field, raw] of refused) {
    it(`refuses ${JSON.stringify(raw)}`, () => {
      assert.throws(() => parse(raw), { code: 'INVALID_OPTIONS', field });
    });
  }

  it('reads ports, and what an earlier version stored for them', () => {
    assert.deepEqual(parse({ netcatActiveSide: null, netcatPortMin: null, netcatConnectAddress: null }), parse());
    const { netcatPortMin, netcatPortMax } = parse({ netcatPortMin: '6000', netcatPortMax: 6010 });
    assert.deepEqual([netcatPortMin, netcatPortMax], [6000, 6010]);
  });

  it('takes a local or remote side only where one end is this machine, and looks at it only where it counts', () => {
    const mixed = { transport: 'ssh+tls', netcatActiveSide: 'local', targetConnection: 'b' };
    assert.equal(parse(mixed).netcatActiveSide, 'local');
    const relay = { ...mixed, sourceConnection: 'a' };
    assert.throws(() => parse(relay), { code: 'INVALID_OPTIONS', field: 'netcatActiveSide' });
    assert.equal(parse({ ...relay, transport: 'ssh' }).netcatActiveSide, 'local');
  });

  it('does not look at a regular expression or a window that selects nothing', () => {
    const options = parse({ nameRegex: '(', restrictBegin: 'noon' });
    assert.deepEqual([options.nameRegex, options.restrictBegin], ['(', 'noon']);
  });

  it('says what a run reads and writes', () => {
    const options = parse({ sourceConnection: 'a', sourceDatasets: ['tank/a', 'tank/b'], targetConnection: 'b' });
    assert.deepEqual(replicateUses(options), [
      { connection: 'a', dataset: 'tank/a', access: 'read' },
      { connection: 'a', dataset: 'tank/b', access: 'read' },
      { connection: 'b', dataset: 'backup/data', access: 'write' },
    ]);
  });
});
