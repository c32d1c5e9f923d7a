// From a policy's words to what the planner applies: schemas, expressions and cron texts are parsed once, here, and
// anything that does not parse stops the run (retention.md, rule 2). Pure; nothing is decided here.
import { parseNamingSchemas } from '../../naming/schemas';
import { parseSnapshotName } from '../../naming/schema';
import { invalidOption } from '../../base/errors';
import { readRegExp } from '../../options/read';
import { parseCronSchedule } from '../../time/schedule';
import type { KeepRule, RetentionPolicy, RetentionScope } from './policy';
import type { CompiledRule } from './rules';
import type { CompiledScope } from './scope';

/** GUIDs that the source of a `source` rule has: local dataset → GUIDs, null where nothing can be relied on. */
export interface SourceEvidence {
  label: string;
  guids: ReadonlyMap<string, ReadonlySet<string> | null>;
}

/** The scope, its dates read in `timeZone`. `field` is the property's name, for INVALID_OPTIONS. */
export function compileScope(scope: RetentionScope, timeZone: string, field = 'scope'): CompiledScope {
  return {
    all: scope.all === true,
    schemas: parseNamingSchemas(scope.namingSchemas, field).map((schema) => ({
      text: schema.text,
      read: (name) => parseSnapshotName(schema, name, timeZone)?.date.getTime() ?? null,
    })),
    regex: readRegExp(scope.nameRegex, field),
  };
}

function compileRule(
  rule: KeepRule,
  timeZone: string,
  source: SourceEvidence | undefined,
  field: string,
): CompiledRule {
  switch (rule.type) {
    case 'schedule': {
      const schedule = parseCronSchedule(rule.cron, {
        timeZone,
        ...(rule.begin === undefined ? {} : { begin: rule.begin }),
        ...(rule.end === undefined ? {} : { end: rule.end }),
        fields: { cron: field, timeZone: 'timeZone', begin: field, end: field },
      });
      const { value, unit, cron: text } = rule;
      return { type: 'schedule', text, value, unit, matches: (date) => schedule.matches(date) };
    }
    case 'regex': {
      const pattern = readRegExp(rule.pattern, field);
      if (!pattern) throw invalidOption(field, 'a regex rule needs a pattern');
      return { type: 'regex', pattern };
    }
    case 'source':
      return { type: 'source', ...(source ?? { label: rule.dataset, guids: new Map() }) };
    case 'last':
    case 'age':
    case 'every':
      break;
  }
  return rule;
}

/** The rules. `sources` holds what was found out for each rule of type `source`, by its place in the policy. */
export function compileRules(
  policy: RetentionPolicy,
  timeZone: string,
  sources: ReadonlyMap<number, SourceEvidence> = new Map(),
  field = 'policy',
): CompiledRule[] {
  return policy.keep.map((rule, index) => compileRule(rule, timeZone, sources.get(index), field));
}
