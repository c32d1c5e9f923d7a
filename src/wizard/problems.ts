// What is wrong with the answers, field by field, before anything is made of them: what passes here is accepted by the engine.
// Each value is judged by the tables of the nodes, as the engine judges it; what concerns two of them is together.ts. Told as
// keys with values for the locales; `why` among them is a sentence of the engine. Pure.
import type { FieldTable } from '../options/field';
import { readRegExp, type RawOptions } from '../options/read';
import { checkSchedule } from '../time/check-schedule';
import {
  KEY_DIGITS,
  isScheduled,
  LIFETIME_UNITS,
  STEP_OF,
  scheduleOf,
  storesKey,
  takesSnapshots,
  type Answers,
} from './answers';
import { refusalOf, type Finding, type Problem, type Surroundings } from './finding';
import { usedConnections } from './flow';
import { isDynamic, replicateValues, snapshotValues } from './node-values';
import { togetherProblems } from './together';
import { twinProblems } from './twins';

/** In the order of the steps; the first of a field is what is to be shown at it. */
export function problemsOf(answers: Answers, around: Surroundings): Problem[] {
  const own = [
    ...sourceProblems(answers, around),
    ...targetProblems(answers, around),
    ...keyProblems(answers),
    ...scheduleProblems(answers, around),
    ...twinProblems(answers, around),
    ...lifetimeProblems(answers),
    ...placeProblems(answers, around),
  ];
  const said = new Set(own.filter(({ level }) => level !== 'warn').map(({ field }) => field));
  const together = togetherProblems(answers, around).filter(({ field }) => !said.has(field));
  const rest = said.size > 0 ? [] : carriedProblems(answers, around);
  return [...own, ...together, ...rest].map(({ field, key, values = {}, level = 'error' }) => ({
    field,
    step: STEP_OF[field] ?? 'source',
    level,
    key,
    values,
  }));
}

/** Nothing keeps the flow from being made. */
export const isComplete = (problems: readonly Problem[]): boolean => problems.every(({ level }) => level === 'warn');

/** Each text of a list, or a text, by the check of its property. */
function badItems(table: FieldTable, property: string, field: string, items: readonly string[]): Finding[] {
  const check = table[property]?.check;
  return items.flatMap((value) => refused(field, value, () => check?.(value, property))).slice(0, 1);
}

function refused(field: string, value: string, run: () => unknown): Finding[] {
  const refusal = refusalOf(run);
  return refusal === null ? [] : [{ field, key: 'invalid', values: { value, why: refusal.why } }];
}

function sourceProblems(answers: Answers, { tables, ...around }: Surroundings): Finding[] {
  const { sourceDatasets, exclude, snapshotSelection, namingSchemas, nameRegex, carried } = answers;
  const table = tables['zfs-replicate'];
  const lacks = (name: string, value: readonly string[] | string): boolean =>
    value.length === 0 && !isDynamic(carried.replicate, name);
  return [
    ...connectionProblems(answers, 'sourceConnection', around),
    ...(lacks('sourceDatasets', sourceDatasets) ? [{ field: 'sourceDatasets', key: 'datasets' }] : []),
    ...badItems(table, 'sourceDatasets', 'sourceDatasets', sourceDatasets),
    ...missingDatasets(answers),
    ...badItems(table, 'exclude', 'exclude', exclude),
    ...(snapshotSelection === 'schema'
      ? [
          ...(lacks('namingSchemas', namingSchemas) ? [{ field: 'namingSchemas', key: 'schemas' }] : []),
          ...badItems(table, 'namingSchemas', 'namingSchemas', namingSchemas),
        ]
      : []),
    ...(snapshotSelection === 'regex' ? regexProblems(nameRegex, lacks('nameRegex', nameRegex)) : []),
  ];
}

/** They may come to be before the first run. */
function missingDatasets({ sourceDatasets, sourceMissing }: Answers): Finding[] {
  const missing = sourceMissing.filter((name) => sourceDatasets.includes(name));
  const values = { names: missing.join(', '), count: missing.length };
  return missing.length === 0 ? [] : [{ field: 'sourceDatasets', key: 'notThere', values, level: 'warn' }];
}

function regexProblems(nameRegex: string, isLacking: boolean): Finding[] {
  if (isLacking) return [{ field: 'nameRegex', key: 'regex' }];
  return refused('nameRegex', nameRegex, () => readRegExp(nameRegex, 'nameRegex'));
}

function targetProblems(answers: Answers, { tables, ...around }: Surroundings): Finding[] {
  const { targetDataset, carried } = answers;
  const field = 'targetDataset';
  const isLacking = targetDataset === '' && !isDynamic(carried.replicate, field);
  return [
    ...connectionProblems(answers, 'targetConnection', around),
    ...(isLacking ? [{ field, key: 'dataset' }] : []),
    ...(targetDataset === '' ? [] : badItems(tables['zfs-replicate'], field, field, [targetDataset])),
  ];
}

function connectionProblems(
  answers: Answers,
  field: 'sourceConnection' | 'targetConnection',
  { connections }: Omit<Surroundings, 'tables'>,
): Finding[] {
  const id = answers[field];
  const isNew = answers.connections.some((one) => one.id === id);
  if (id === '' || isNew || connections === undefined || connections.has(id)) return [];
  return [{ field, key: 'connection', values: { value: id } }];
}

/** A key that ZFS takes, as the engine will ask for it at the first run. */
function keyProblems(answers: Answers): Finding[] {
  const { encryption, encryptionKey: key, encryptionKeyFormat, encryptionKeyLocation: place } = answers;
  if (encryption !== 'key') return [];
  if (!storesKey(answers)) return place === '' ? [{ field: 'encryptionKeyLocation', key: 'keyLocation' }] : [];
  const field = 'encryptionKey';
  if (key === '') return [{ field, key: 'key' }];
  if (encryptionKeyFormat === 'hex') {
    const isKey = new RegExp(`^[0-9a-f]{${KEY_DIGITS}}$`, 'i').test(key);
    return isKey ? [] : [{ field, key: 'hexKey', values: { digits: KEY_DIGITS } }];
  }
  const bytes = new TextEncoder().encode(key).length;
  return bytes < 8 || bytes > 512 || /[\n\0]/.test(key) ? [{ field, key: 'passphrase' }] : [];
}

function scheduleProblems(answers: Answers, { tables }: Surroundings): Finding[] {
  const { carried, scheduleTimeZone, alertAfter } = answers;
  const alert = badItems(tables['zfs-replicate'], 'alertAfter', 'alertAfter', alertAfter ? [alertAfter] : []);
  if (!isScheduled(answers)) return alert;
  const schedule = scheduleOf(answers);
  const cronField = answers.schedule === 'custom' ? 'scheduleCron' : 'schedule';
  if (schedule === '') return [{ field: cronField, key: 'cron' }, ...alert];
  const refusal = refusalOf(() => checkSchedule({ ...carried.schedule, schedule, scheduleTimeZone }));
  if (refusal === null) return alert;
  const field = refusal.field === 'scheduleTimeZone' ? 'scheduleTimeZone' : cronField;
  const value = refusal.field === 'scheduleTimeZone' ? scheduleTimeZone : schedule;
  return [{ field, key: 'invalid', values: { value, why: refusal.why } }, ...alert];
}

const isCount = (text: string): boolean =>
  /^\s*[0-9]+\s*$/.test(text) && Number.isSafeInteger(Number(text)) && Number(text) > 0;

function lifetimeProblems(answers: Answers): Finding[] {
  const { sourceLifetime, targetRetention, targetLifetime, carried } = answers;
  const found: Finding[] = [];
  if (sourceLifetime !== '' && takesSnapshots(answers)) {
    if (!isCount(sourceLifetime)) found.push({ field: 'sourceLifetime', key: 'lifetime' });
  } else if (sourceLifetime !== '') found.push({ field: 'sourceLifetime', key: 'nobodyPrunes', level: 'warn' });
  if (targetRetention === 'custom') {
    const isCarried = targetLifetime === '' && carried.replicate['targetRetentionPolicy'] !== undefined;
    if (!isCarried && !isCount(targetLifetime)) found.push({ field: 'targetLifetime', key: 'lifetime' });
  }
  for (const field of ['sourceLifetimeUnit', 'targetLifetimeUnit'] as const) {
    if (!LIFETIME_UNITS.includes(answers[field]))
      found.push({ field, key: 'choice', values: { value: answers[field] } });
  }
  return found;
}

function placeProblems({ tab }: Answers, { tabs }: Surroundings): Finding[] {
  if (tab === '') return [{ field: 'tab', key: 'tab' }];
  if (tab === 'new' || tabs === undefined) return [];
  const found = tabs.get(tab);
  if (found === undefined) return [{ field: 'tab', key: 'tab' }];
  if (found.locked === true) return [{ field: 'tab', key: 'tabLocked' }];
  return found.disabled === true ? [{ field: 'tab', key: 'tabDisabled', level: 'warn' }] : [];
}

/** What is left: properties that the task has from another one, and values that no field can hold. */
function carriedProblems(answers: Answers, { tables }: Surroundings): Finding[] {
  const nodes: [FieldTable, RawOptions][] = [[tables['zfs-replicate'], replicateValues(answers)]];
  const snapshot = snapshotValues(answers);
  if (snapshot !== null) nodes.push([tables['zfs-snapshot'], snapshot]);
  for (const { values } of usedConnections(answers)) nodes.push([tables['zfs-ssh-connection'], values]);
  return nodes.flatMap(([table, values]) =>
    Object.entries(table).flatMap(([name, field]): Finding[] => {
      if (isDynamic(values, name)) return [];
      const refusal = refusalOf(() => field.read(values, name));
      if (refusal === null) return [];
      const shown = STEP_OF[name] === undefined ? 'startFrom' : name;
      return [{ field: shown, key: 'carried', values: { property: name, why: refusal.why } }];
    }),
  );
}
