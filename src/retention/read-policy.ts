// Reads a policy and a scope as flows give them (JSON of any shape) and refuses what is not exactly one: a rule that
// cannot be read stops everything, it is never ignored (retention.md, rule 2). The same shape serves all nodes.
import { invalidOption } from '../base/errors';
import { parseNamingSchemas } from '../naming/schemas';
import { readBoolean, readList, readObject, readRegExp, type RawOptions } from '../options/read';
import { checkCronSchedule } from '../time/check-schedule';
import { checkDatasetName, compileExcludes } from '../zfs/names';
import type { BucketPeriod, KeepRule, LifetimeUnit, RetentionPolicy, RetentionScope } from './plan/policy';

const UNITS: readonly LifetimeUnit[] = ['hour', 'day', 'week', 'month', 'year'];
const PERIODS: readonly BucketPeriod[] = ['hour', 'day', 'week', 'month', 'year'];

const KEYS = {
  last: ['count'],
  age: ['value', 'unit'],
  every: ['period', 'count'],
  schedule: ['cron', 'value', 'unit', 'begin', 'end'],
  regex: ['pattern'],
  source: ['connection', 'dataset', 'recursive', 'exclude'],
} as const satisfies Record<KeepRule['type'], readonly string[]>;

const EXAMPLE =
  'a policy looks like {"keep": [{"type": "last", "count": 10}, {"type": "age", "value": 14, "unit": "day"}]}';

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isType(value: unknown): value is KeepRule['type'] {
  return typeof value === 'string' && Object.hasOwn(KEYS, value);
}

function refuseUnknown(given: RawOptions, known: readonly string[], field: string, where: string): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw invalidOption(field, `${where} has no ${JSON.stringify(unknown)}; it knows ${known.join(', ')}`);
  }
}

/** One rule of a policy under examination; every refusal names the rule by its place. */
class RuleReader {
  constructor(
    private readonly rule: RawOptions,
    private readonly field: string,
    private readonly where: string,
  ) {}

  private wrong(key: string, wanted: string): Error {
    const given = this.rule[key] === undefined ? 'it is missing' : `not ${JSON.stringify(this.rule[key])}`;
    return invalidOption(this.field, `${this.where}: ${key} must be ${wanted}; ${given}`, EXAMPLE);
  }

  count(key: string): number {
    const value = this.rule[key];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
    throw this.wrong(key, 'a whole number of at least 1');
  }

  choice<T extends string>(key: string, choices: readonly T[]): T {
    const found = choices.find((choice) => choice === this.rule[key]);
    if (found === undefined) throw this.wrong(key, `one of ${choices.join(', ')}`);
    return found;
  }

  text(key: string, fallback?: string): string {
    const value = this.rule[key] ?? fallback;
    if (typeof value === 'string' && (value !== '' || fallback !== undefined)) return value;
    throw this.wrong(key, 'a text');
  }

  source(): KeepRule {
    return {
      type: 'source',
      connection: this.text('connection', ''),
      dataset: checkDatasetName(this.rule['dataset'], this.field),
      ...(this.rule['recursive'] === undefined ? {} : { recursive: readBoolean(this.rule, 'recursive', true) }),
      exclude: readList(this.rule, 'exclude'),
    };
  }

  read(type: KeepRule['type']): KeepRule {
    switch (type) {
      case 'last':
        return { type, count: this.count('count') };
      case 'age':
        return { type, value: this.count('value'), unit: this.choice('unit', UNITS) };
      case 'every':
        return { type, period: this.choice('period', PERIODS), count: this.count('count') };
      case 'regex':
        return { type, pattern: this.text('pattern') };
      case 'schedule': {
        const window = { begin: this.text('begin', ''), end: this.text('end', '') };
        return {
          type,
          cron: this.text('cron'),
          value: this.count('value'),
          unit: this.choice('unit', UNITS),
          ...window,
        };
      }
      case 'source':
        break;
    }
    return this.source();
  }
}

function parseRule(value: unknown, index: number, field: string): KeepRule {
  const where = `rule ${index + 1} of ${field}`;
  if (!isRecord(value)) throw invalidOption(field, `${where} must be an object`, EXAMPLE);
  const { type } = value;
  if (!isType(type)) {
    const given = type === undefined ? 'it is missing' : `not ${JSON.stringify(type)}`;
    throw invalidOption(field, `${where}: type must be one of ${Object.keys(KEYS).join(', ')}; ${given}`, EXAMPLE);
  }
  refuseUnknown(value, ['type', ...KEYS[type]], field, where);
  const rule = new RuleReader(value, field, where).read(type);
  if (rule.type === 'source') compileExcludes(rule.exclude ?? [], field);
  return rule;
}

/** The texts of a rule that `plan/compile.ts` will read, looked at here without what reads them. */
function checkTexts(rule: KeepRule, field: string): void {
  if (rule.type === 'regex') readRegExp(rule.pattern, field);
  if (rule.type !== 'schedule') return;
  const { cron, begin = '', end = '' } = rule;
  // Whether it can be used does not depend on the zone, which is an option of its own.
  checkCronSchedule(cron, {
    timeZone: '',
    begin,
    end,
    fields: { cron: field, timeZone: 'timeZone', begin: field, end: field },
  });
}

/**
 * The policy in property `field` of `raw`; a missing one has no rules, so that nothing is deleted.
 * Throws INVALID_OPTIONS for `field` when any part of it cannot be read.
 */
export function parsePolicy(raw: RawOptions, field = 'policy'): RetentionPolicy {
  const policy = readObject(raw, field);
  refuseUnknown(policy, ['keep'], field, field);
  const { keep = [] } = policy;
  if (!Array.isArray(keep)) throw invalidOption(field, `${field}.keep must be a list of rules`, EXAMPLE);
  const parsed: RetentionPolicy = { keep: keep.map((rule: unknown, index) => parseRule(rule, index, field)) };
  for (const rule of parsed.keep) checkTexts(rule, field);
  return parsed;
}

/** The scope in property `field` of `raw`; a missing one names nothing. Throws INVALID_OPTIONS for `field`. */
export function parseScope(raw: RawOptions, field = 'scope'): RetentionScope {
  const scope = readObject(raw, field);
  refuseUnknown(scope, ['namingSchemas', 'nameRegex', 'all'], field, field);
  const { nameRegex = '', all } = scope;
  if (typeof nameRegex !== 'string') throw invalidOption(field, `${field}.nameRegex must be a text`);
  if (all !== undefined && typeof all !== 'boolean') throw invalidOption(field, `${field}.all must be true or false`);
  const schemas = scope['namingSchemas'] ?? [];
  if (!Array.isArray(schemas) || schemas.some((schema) => typeof schema !== 'string')) {
    throw invalidOption(field, `${field}.namingSchemas must be a list of texts`);
  }
  const parsed: RetentionScope = { namingSchemas: schemas as string[], nameRegex, ...(all === true ? { all } : {}) };
  parseNamingSchemas(parsed.namingSchemas, field);
  readRegExp(nameRegex, field);
  return parsed;
}
