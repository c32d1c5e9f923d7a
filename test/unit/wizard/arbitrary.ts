// Answers of any kind, most of them good, for property tests.
import fc from 'fast-check';
import { LIFETIME_UNITS, NOTHING_CARRIED, SCHEDULES, type Answers } from '../../../src/wizard/answers';

const dataset = fc
  .array(fc.stringMatching(/^p[a-z0-9_.:-]{0,6}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const texts = (...some: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...some) }, { weight: 1, arbitrary: fc.string({ maxLength: 12 }) });
const schemas = fc.array(texts('auto-%Y-%m-%d_%H-%M', 'x-%s', 'daily-%Y%m%d-%H%M'), { maxLength: 3 });
const connection = fc.constantFrom('', 'a', 'b');
const count = texts('', '1', '2', '36', '0');

export const anyAnswers: fc.Arbitrary<Answers> = fc.record({
  startFrom: fc.constant(''),
  sourceConnection: connection,
  sourceDatasets: fc.array(fc.oneof({ weight: 9, arbitrary: dataset }, { weight: 1, arbitrary: fc.string() }), {
    maxLength: 4,
  }),
  recursive: fc.boolean(),
  exclude: fc.array(texts('tank/tmp', '*/cache', 'tank/[ab]'), { maxLength: 2 }),
  snapshotSelection: fc.constantFrom('all', 'schema', 'regex'),
  namingSchemas: schemas,
  nameRegex: texts('', '^auto-', '^(auto|weekly)-.*$', 'x'),
  sourceIdle: fc.constantFrom(null, 3_600_000, 5 * 86_400_000, Number.POSITIVE_INFINITY),
  sourceMissing: fc.constantFrom([], ['tank/data']),
  takeSnapshots: fc.constantFrom(null, true, false),
  createSnapshot: fc.constantFrom('never', 'ifNone', 'always'),
  targetConnection: connection,
  targetDataset: fc.oneof({ weight: 9, arbitrary: dataset }, { weight: 1, arbitrary: fc.string() }),
  encryption: fc.constantFrom('none', 'inherit', 'key'),
  encryptionKeyFormat: fc.constantFrom('hex', 'passphrase'),
  encryptionKeyGenerate: fc.boolean(),
  encryptionKey: fc.constantFrom('', 'ab'.repeat(32), 'a good passphrase', 'short'),
  encryptionKeyLocation: fc.constantFrom('stored', '/root/key', '', 'key'),
  transport: fc.constantFrom('auto', 'ssh', 'ssh+tls', 'ssh+netcat'),
  schedule: fc.constantFrom(...SCHEDULES),
  scheduleCron: texts('30 2 * * *', '*/10 * * * 1-5', '0 0 30 2 *', ''),
  scheduleTimeZone: texts('', 'UTC', 'Europe/Vienna'),
  readonly: fc.constantFrom('set', 'require', 'ignore'),
  alertAfter: fc.constantFrom(null, '', '36h', 'soon'),
  sourceLifetime: count,
  sourceLifetimeUnit: fc.constantFrom(...LIFETIME_UNITS),
  targetRetention: fc.constantFrom('none', 'source', 'custom'),
  targetLifetime: count,
  targetLifetimeUnit: fc.constantFrom(...LIFETIME_UNITS),
  name: fc.string({ maxLength: 20 }),
  tab: fc.constantFrom('new', 'tab'),
  connections: fc.constantFrom([], [{ id: 'b', values: { name: 'b', host: 'b.lan', hostKeys: 'ssh-ed25519 AAAA' } }]),
  carried: fc.constant(NOTHING_CARRIED),
});

type Value = fc.Arbitrary<unknown>;

/** These properties, most of which may be missing. */
const some = (table: Record<string, Value>, requiredKeys: string[]): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(table, { requiredKeys }) as fc.Arbitrary<Record<string, unknown>>;

const schedule: Record<string, Value> = {
  schedule: fc.constantFrom('', '@daily', '15 * * * *'),
  scheduleTimeZone: fc.constantFrom('', 'UTC'),
  scheduleBegin: fc.constantFrom('', '00:00'),
  scheduleEnd: fc.constantFrom('', '20:00'),
  runOnDeploy: fc.boolean(),
  catchUp: fc.boolean(),
  alertAfter: fc.constantFrom('', '36h'),
};
const policy = fc.constantFrom(
  { keep: [{ type: 'age', value: 3, unit: 'month' }] },
  { keep: [{ type: 'last', count: 3 }] },
  {
    keep: [
      { type: 'age', value: 1, unit: 'day' },
      { type: 'every', period: 'day', count: 3 },
    ],
  },
  { keep: [] },
);

/** Properties of a `zfs-replicate` that somebody has made by hand. */
export const anyReplicate = some(
  {
    name: fc.string({ maxLength: 8 }),
    sourceConnection: connection,
    sourceDatasets: fc.array(dataset, { minLength: 1, maxLength: 3 }),
    recursive: fc.boolean(),
    fullFilesystem: fc.boolean(),
    exclude: fc.array(fc.constantFrom('tank/tmp', '*/cache'), { maxLength: 1 }),
    snapshotSelection: fc.constantFrom('all', 'schema', 'regex'),
    nameRegex: fc.constantFrom('', '^auto-'),
    createSnapshot: fc.constantFrom('never', 'ifNone', 'always'),
    namingSchemas: fc.array(fc.constantFrom('auto-%Y-%m-%d_%H-%M', 'x-%s'), { maxLength: 2 }),
    firstCopy: fc.constantFrom('all', 'newest'),
    restrictSchedule: fc.constantFrom('', '0 0 * * *'),
    restrictEnd: fc.constantFrom('', '12:00'),
    onlyMatchingSchedule: fc.boolean(),
    timeZone: fc.constantFrom('', 'UTC'),
    targetConnection: connection,
    targetDataset: dataset,
    encryption: fc.constantFrom('none', 'inherit', 'key'),
    encryptionKeyFormat: fc.constantFrom('hex', 'passphrase'),
    encryptionKeyLocation: fc.constantFrom('stored', '/root/key'),
    readonly: fc.constantFrom('set', 'require', 'ignore'),
    mount: fc.boolean(),
    propertiesOverride: fc.constantFrom({}, { compression: 'zstd' }),
    targetRetention: fc.constantFrom('none', 'source', 'custom'),
    targetRetentionPolicy: fc.oneof(fc.constant(null), policy),
    whenDiverged: fc.constantFrom('refuse', 'rollback', 'rotate'),
    transport: fc.constantFrom('auto', 'ssh', 'ssh+tls', 'ssh+netcat'),
    netcatActiveSide: fc.constantFrom('auto', 'source', 'local'),
    netcatPortMin: fc.constantFrom('', '2000'),
    netcatPortMax: fc.constantFrom('', '3000', '1500'),
    raw: fc.constantFrom('auto', 'always', 'never'),
    speedLimit: fc.constantFrom('', '10M'),
    parallelDatasets: fc.integer({ min: 1, max: 8 }),
    overlap: fc.constantFrom('skip', 'queue'),
    logLevel: fc.constantFrom('info', 'debug'),
    ...schedule,
  },
  ['sourceDatasets', 'targetDataset'],
);

/** Of a `zfs-snapshot`. */
export const anySnapshot = some(
  {
    name: fc.string({ maxLength: 8 }),
    connection,
    datasets: fc.array(dataset, { minLength: 1, maxLength: 3 }),
    recursive: fc.boolean(),
    namingSchema: fc.constantFrom('auto-%Y-%m-%d_%H-%M', 'y-%s'),
    timeZone: fc.constantFrom('', 'UTC'),
    allowEmpty: fc.boolean(),
    properties: fc.constantFrom({}, { 'a:b': 'c' }),
    hooks: fc.constantFrom({ before: '', after: '', timeout: 60 }, { before: 'sync', after: '', timeout: 5 }),
    retention: fc.oneof(fc.constant(null), policy),
    overlap: fc.constantFrom('skip', 'queue'),
    ...schedule,
  },
  ['datasets'],
);
