// Validators for `defaults`: what a property's field says is wrong with a value, by the engine's own functions, and what an
// editor.ts adds about two properties. They run for every node when the editor loads, and for the open dialog on each
// change. Pure and cheap; the form is looked at only for the node that is being edited.
import { ZfsFlowError } from '../../src/base/errors';
import type { Field, FieldTable } from '../../src/options/field';
import { checkSchedule } from '../../src/time/check-schedule';
import { FIELDS } from '../fields';
import type { NodeType } from '../node-options';
import { complaint } from './checks';
import { inputPrefix, isBeingEdited, textOf } from './dialog';

/** `${NAME}` is replaced by the runtime before a node sees its configuration. */
const ENV_REFERENCE = /\$\{[^}]+\}/;

function isReference(value: unknown): boolean {
  return typeof value === 'string' && ENV_REFERENCE.test(value);
}

/** What an editor.ts knows of a property beyond its field: what concerns two of them, or only the dialog. */
export interface Rules {
  /** Asked of a literal text that is not empty, or of each text of a list. */
  check?: (node: EditorNode, text: string) => string | null;
  /** Why an empty text or list is refused. */
  required?: (node: EditorNode) => string | null;
  /** What is wrong with a literal beside other properties. */
  beside?: (node: EditorNode, value: unknown) => string | null;
}

/** One property of one node under examination. */
class Examination {
  constructor(
    private readonly node: EditorNode,
    private readonly property: string,
    private readonly field: Field,
    private readonly rules: Rules,
  ) {}

  /** Why a literal is refused, or null. */
  problem(value: unknown): string | null {
    return this.own(value) ?? this.rules.beside?.(this.node, value) ?? null;
  }

  private own(value: unknown): string | null {
    switch (this.field.type) {
      case 'num':
        return this.numberProblem(value);
      case 'bool':
        return this.flagProblem(value);
      case 'json':
        return this.jsonProblem(value);
      case 'list':
        return this.listProblem(value);
      case 'str':
        break;
    }
    return this.textProblem(value);
  }

  private say(key: string, replacements?: Record<string, unknown>): string {
    return this.node._(`common.invalid.${key}`, replacements);
  }

  private numberProblem(value: unknown): string | null {
    const { integer, min, max } = this.field;
    if (isReference(value)) return null;
    const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
    const number = Number(text);
    // The engine may take more than an input of numbers can hold: hours may have a unit.
    if (text === '' || (!Number.isFinite(number) && this.engineProblem(value) !== null)) return this.say('number');
    if (integer === true && !Number.isInteger(number)) return this.say('integer');
    if (min !== undefined && number < min) return this.say('min', { min });
    if (max !== undefined && number > max) return this.say('max', { max });
    return null;
  }

  private engineProblem(value: unknown): string | null {
    return complaint(() => this.field.read({ [this.property]: value }, this.property));
  }

  /** A checkbox cannot be wrong, but what was imported can. */
  private flagProblem(value: unknown): string | null {
    if (isBeingEdited(this.node) || isReference(value) || this.engineProblem(value) === null) return null;
    return this.say('flag');
  }

  /** null is left to the runtime's defaults. */
  private jsonProblem(value: unknown): string | null {
    return value === null ? null : this.engineProblem(value);
  }

  private textProblem(value: unknown): string | null {
    const { choices, later, mayBeNull } = this.field;
    if (value === null && mayBeNull === true) return null;
    if (typeof value !== 'string') return this.say('text');
    if (isReference(value)) return null;
    if (choices !== undefined && !choices.includes(value)) return this.say('choice', { choices: choices.join(', ') });
    if (later?.includes(value) === true) return this.say('later');
    return value === '' ? this.emptyProblem() : this.itemProblem(value);
  }

  /** `value`: an array as it is stored, or its JSON text as the dialog's input holds it. */
  private listProblem(value: unknown): string | null {
    let items = value;
    if (typeof value === 'string') {
      try {
        items = value === '' ? [] : JSON.parse(value);
      } catch {
        return this.say('list');
      }
    }
    if (!Array.isArray(items)) return this.say('list');
    if (items.length === 0) return this.emptyProblem();
    for (const item of items as unknown[]) {
      if (typeof item !== 'string' || item === '') return this.say('list');
      const problem = isReference(item) ? null : this.itemProblem(item);
      if (problem !== null) return problem;
    }
    return null;
  }

  private itemProblem(text: string): string | null {
    const { check } = this.field;
    const problem = check === undefined ? null : complaint(() => check(text, this.property));
    return problem ?? this.rules.check?.(this.node, text) ?? null;
  }

  private emptyProblem(): string | null {
    if (this.rules.required !== undefined) return this.rules.required(this.node);
    const { kind, required } = this.field;
    if (!required) return null;
    return this.say(kind === 'dataset' || kind === 'datasets' ? kind : 'empty');
  }
}

function typeOf(node: EditorNode, type: NodeType, property: string, literal: string): string {
  if (isBeingEdited(node)) {
    const shown = textOf($(`#${inputPrefix(type)}${property}Type`));
    if (shown !== '') return shown;
  }
  const stored = node[`${property}Type`];
  return typeof stored === 'string' && stored !== '' ? stored : literal;
}

/** A validator for `property` of `type`: what its field says, and `rules` for literals. */
export function validatorOf(type: NodeType, property: string, rules: Rules = {}): EditorValidator {
  const field = (FIELDS[type] as FieldTable)[property];
  if (field === undefined) throw new Error(`${type} has no property ${property}`);
  return function (value, _nodeRed) {
    if (value === undefined) value = field.default;
    const source = field.typed ? typeOf(this, type, property, field.type) : field.type;
    if (source !== field.type) {
      if (value === '') return this._('common.invalid.expression');
      return RED.utils.validateTypedProperty(value, source, {});
    }
    return new Examination(this, property, field, rules).problem(value) ?? true;
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

type ScheduleProperty = 'schedule' | 'scheduleTimeZone' | 'scheduleBegin' | 'scheduleEnd';
export const SCHEDULE_PROPERTIES: readonly ScheduleProperty[] = [
  'schedule',
  'scheduleTimeZone',
  'scheduleBegin',
  'scheduleEnd',
];

/** The four properties of a schedule are judged together; the complaint is shown at the one it is about. */
export function scheduleValidator(type: NodeType, property: ScheduleProperty): EditorValidator {
  return function (value, _nodeRed) {
    const options: Record<string, unknown> = {};
    for (const name of SCHEDULE_PROPERTIES) options[name] = current(this, type, name);
    options[property] = value;
    if (Object.values(options).some(isReference)) return true;
    try {
      checkSchedule(options);
      return true;
    } catch (error) {
      if (!(error instanceof ZfsFlowError)) throw error;
      return error.field === property ? error.message : true;
    }
  };
}
