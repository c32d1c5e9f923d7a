// Validators for `defaults`: they run for every node when the editor loads, and for the open dialog on each change. Pure
// and cheap; the form is looked at only for the node that is being edited.
import type { Field, FieldTable } from '../../src/options/field';
import { FIELDS } from '../fields';
import type { NodeType } from '../node-options';
import { inputPrefix, isBeingEdited, textOf } from './dialog';
import { ZfsFlowError } from '../../src/base/errors';
import { parseSchedule } from '../../src/time/schedule';
import { datasetProblem, regexProblem, schemaProblem, timeZoneProblem } from './checks';
import type { Check } from './rows';

/** `${NAME}` is replaced by the runtime before a node sees its configuration. */
const ENV_REFERENCE = /\$\{[^}]+\}/;

/** A check that leaves texts with a reference to an environment variable alone. */
function withoutReferences(check: Check): Check {
  return (text) => (ENV_REFERENCE.test(text) ? null : check(text));
}

function literalProblem(node: EditorNode, field: Field, value: unknown, check: Check | undefined): string | null {
  switch (field.type) {
    case 'num':
      return numberProblem(node, field, value);
    case 'list':
      return listProblem(node, value, check);
    case 'str':
      if (typeof value !== 'string') return node._('common.invalid.text');
      if (field.choices !== undefined && !field.choices.includes(value)) {
        return node._('common.invalid.choice', { choices: field.choices.join(', ') });
      }
      return check === undefined ? null : withoutReferences(check)(value);
    case 'bool':
    case 'json':
    default:
      return null;
  }
}

function numberProblem(node: EditorNode, field: Field, value: unknown): string | null {
  const text = String(value).trim();
  const number = Number(text);
  if (ENV_REFERENCE.test(text)) return null;
  if (text === '' || !Number.isFinite(number)) return node._('common.invalid.number');
  if (field.integer === true && !Number.isInteger(number)) return node._('common.invalid.integer');
  if (field.min !== undefined && number < field.min) return node._('common.invalid.min', { min: field.min });
  if (field.max !== undefined && number > field.max) return node._('common.invalid.max', { max: field.max });
  return null;
}

/** `value`: an array as it is stored, or its JSON text as the dialog's input holds it. */
function listProblem(node: EditorNode, value: unknown, check: Check | undefined): string | null {
  let items = value;
  if (typeof value === 'string') {
    try {
      items = value === '' ? [] : JSON.parse(value);
    } catch {
      return node._('common.invalid.list');
    }
  }
  if (!Array.isArray(items)) return node._('common.invalid.list');
  for (const item of items as unknown[]) {
    if (typeof item !== 'string' || item === '') return node._('common.invalid.list');
    const problem = check === undefined ? null : withoutReferences(check)(item);
    if (problem !== null) return problem;
  }
  return null;
}

/** Whether a list in the form or the stored one is empty. */
function isEmptyList(value: unknown): boolean {
  return value === '' || value === '[]' || (Array.isArray(value) && value.length === 0);
}

function typeOf(node: EditorNode, type: NodeType, property: string, literal: string): string {
  if (isBeingEdited(node)) {
    const shown = textOf($(`#${inputPrefix(type)}${property}Type`));
    if (shown !== '') return shown;
  }
  const stored = node[`${property}Type`];
  return typeof stored === 'string' && stored !== '' ? stored : literal;
}

export type PropertyCheck = (node: EditorNode, value: string) => string | null;

export interface ValidatorOptions {
  /** Checks a literal text, or each text of a list. */
  check?: PropertyCheck;
  /** Why an empty list or text is refused; without it empty is accepted as it is. */
  required?: (node: EditorNode) => string | null;
}

/** A validator for `property` of `type`: what the field table says, and `options` for literals. */
export function validator(type: NodeType, property: string, options: ValidatorOptions = {}): EditorValidator {
  const field = (FIELDS[type] as FieldTable)[property];
  if (field === undefined) throw new Error(`${type} has no property ${property}`);
  const { check, required } = options;
  return function (value, _nodeRed) {
    if (value === undefined) value = field.default;
    const source = field.typed ? typeOf(this, type, property, field.type) : field.type;
    if (source !== field.type) {
      if (value === '') return this._('common.invalid.expression');
      return RED.utils.validateTypedProperty(value, source, {});
    }
    const empty = value === '' || isEmptyList(value);
    if (empty && required !== undefined) return required(this) ?? true;
    if (empty && field.type !== 'num' && field.choices === undefined) return true;
    return literalProblem(this, field, value, check === undefined ? undefined : (text) => check(this, text)) ?? true;
  };
}

/** What the dialog shows if it is open for this node, else what is stored or meant. */
export function current(node: EditorNode, type: NodeType, property: string): unknown {
  if (isBeingEdited(node)) {
    const input = $(`#${inputPrefix(type)}${property}`);
    if (input.length > 0) return textOf(input);
  }
  return node[property] ?? (FIELDS[type] as FieldTable)[property]?.default;
}

const SCHEDULE_PROPERTIES = ['schedule', 'scheduleTimeZone', 'scheduleBegin', 'scheduleEnd'] as const;

/** The four properties of a schedule are judged together; the complaint is shown at the one it is about. */
export function scheduleValidator(type: NodeType, property: (typeof SCHEDULE_PROPERTIES)[number]): EditorValidator {
  return function (value, _nodeRed) {
    const options: Record<string, unknown> = {};
    for (const name of SCHEDULE_PROPERTIES) options[name] = current(this, type, name);
    options[property] = value;
    if (Object.values(options).some((text) => typeof text === 'string' && ENV_REFERENCE.test(text))) return true;
    try {
      parseSchedule(options);
      return true;
    } catch (error) {
      if (!(error instanceof ZfsFlowError)) throw error;
      return error.field === property ? error.message : true;
    }
  };
}

export const DATASETS: ValidatorOptions = {
  check: (_node, text) => datasetProblem(text),
  required: (node) => node._('common.invalid.datasets'),
};
export const ANY_DATASETS: ValidatorOptions = { check: (_node, text) => datasetProblem(text) };
export const DATASET: ValidatorOptions = {
  check: (_node, text) => datasetProblem(text),
  required: (node) => node._('common.invalid.dataset'),
};
export const SCHEMA: ValidatorOptions = { check: (_node, text) => schemaProblem(text) };
export const REGEX: ValidatorOptions = { check: (_node, text) => regexProblem(text) };
export const TIME_ZONE: ValidatorOptions = { check: (_node, text) => timeZoneProblem(text) };
