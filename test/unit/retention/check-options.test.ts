// What a flow's raw property values become, and what is refused.
import assert from 'node:assert/strict';
import { parsePruneOptions, pruneUses } from '../../../src/retention/check-options';
import { parseMinFree } from '../../../src/retention/kinds';

const parse = (raw: object = {}): ReturnType<typeof parsePruneOptions> =>
  parsePruneOptions({ datasets: ['tank/data'], ...raw });

describe('prune options', () => {
  it('has the defaults of the contract', () => {
    assert.deepEqual(parse(), {
      connection: '',
      datasets: ['tank/data'],
      recursive: false,
      exclude: [],
      scope: { namingSchemas: [], nameRegex: '' },
      policy: { keep: [] },
      ageFrom: 'creation',
      timeZone: '',
      protectFor: [],
      mode: 'plan',
      planLifetime: 24 * 3_600_000,
      keepAtLeast: 1,
      maxDestroyFraction: 0.5,
      maxDestroyCount: 1000,
      minFree: '',
    });
  });

  it('reads every kind of rule and a whole scope', () => {
    const keep = [
      { type: 'last', count: 3 },
      { type: 'age', value: 2, unit: 'week' },
      { type: 'every', period: 'month', count: 12 },
      { type: 'schedule', cron: '@daily', value: 1, unit: 'year', begin: '', end: '' },
      { type: 'regex', pattern: '^keep' },
      { type: 'source', connection: 'nas', dataset: 'tank/x', exclude: ['tank/x/y'] },
    ];
    const scope = { namingSchemas: ['auto-%Y-%m-%d_%H-%M'], nameRegex: '^x', all: true };
    const options = parse({ policy: { keep }, scope });
    assert.deepEqual(options.policy.keep, keep);
    assert.deepEqual(options.scope, scope);
  });

  it('understands lifetimes in hours or with a unit, and free space in percent or bytes', () => {
    const hour = 3_600_000;
    for (const [given, ms] of [
      [1, hour],
      ['0.5', hour / 2],
      ['90m', 1.5 * hour],
      ['7d', 168 * hour],
      [0, 0],
    ] as const) {
      assert.equal(parse({ planLifetime: given }).planLifetime, ms, String(given));
    }
    assert.throws(() => parse({ planLifetime: 'soon' }), { code: 'INVALID_OPTIONS', field: 'planLifetime' });
    assert.deepEqual(parseMinFree(''), null);
    assert.deepEqual(parseMinFree('12.5%'), { percent: 12.5 });
    assert.deepEqual(parseMinFree('500G'), { bytes: 500 * 2 ** 30 });
    for (const bad of ['101%', '-1', 'x%', '10 %%', '5 bananas']) {
      assert.throws(() => parseMinFree(bad), { code: 'INVALID_OPTIONS', field: 'minFree' }, bad);
    }
  });

  it('refuses each wrong value by the name of its property', () => {
    const wrong: [string, unknown][] = [
      ['datasets', []],
      ['datasets', ['tank@x']],
      ['datasets', 5],
      ['connection', 5],
      ['recursive', 'perhaps'],
      ['exclude', ['bad name@']],
      ['timeZone', 'Nowhere'],
      ['ageFrom', 'birth'],
      ['mode', 'do it'],
      ['keepAtLeast', 0],
      ['keepAtLeast', 1.5],
      ['maxDestroyFraction', -0.1],
      ['maxDestroyFraction', 1.1],
      ['maxDestroyCount', 'many'],
      ['protectFor', {}],
      ['protectFor', ['tank']],
      ['protectFor', [{ connection: '', dataset: 'a b/@' }]],
      ['protectFor', [{ conection: '', dataset: 'tank' }]],
      ['scope', []],
      ['scope', { all: 'yes' }],
      ['scope', { nameRegex: '(' }],
      ['scope', { namingSchemas: 'auto-%Y' }],
      ['scope', { namingSchemas: ['%%'] }],
      ['scope', { schemas: [] }],
      ['policy', []],
      ['policy', { keep: {} }],
      ['policy', { rules: [] }],
      ['policy', { keep: [{ type: 'every', period: 'minute', count: 1 }] }],
      ['policy', { keep: [{ type: 'every', period: 'day', count: 0 }] }],
      ['policy', { keep: [{ type: 'age', value: 1.5, unit: 'day' }] }],
      ['policy', { keep: [{ type: 'age', value: 1 }] }],
      ['policy', { keep: [{ type: 'schedule', cron: '* * *', value: 1, unit: 'day' }] }],
      ['policy', { keep: [{ type: 'schedule', cron: '@daily', value: 1, unit: 'day', begin: '25:00' }] }],
      ['policy', { keep: [{ type: 'source', dataset: '' }] }],
    ];
    for (const [field, value] of wrong) {
      assert.throws(
        () => parse({ [field]: value }),
        { code: 'INVALID_OPTIONS', field },
        `${field} ${JSON.stringify(value)}`,
      );
    }
  });

  it('says what a run reads and writes', () => {
    const raw = {
      connection: 'nas',
      datasets: ['tank/a', 'tank/b', 'tank/a'],
      protectFor: [{ connection: '', dataset: 'vault' }],
      policy: { keep: [{ type: 'source', connection: 'src', dataset: 'pool' }] },
    };
    const others = [
      { connection: '', dataset: 'vault', access: 'read' },
      { connection: 'src', dataset: 'pool', access: 'read' },
    ];
    const own = (access: string): object[] =>
      ['tank/a', 'tank/b'].map((dataset) => ({ connection: 'nas', dataset, access }));
    assert.deepEqual(pruneUses(parse(raw)), [...own('read'), ...others]);
    assert.deepEqual(pruneUses(parse({ ...raw, mode: 'execute' })), [...own('write'), ...others]);
  });
});
