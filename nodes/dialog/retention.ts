// Retention rules as rows, and what they mean in words, kept up to date while they are edited. What is really kept is
// decided by src/retention; here the policy is only written down.
import type { KeepRule, RetentionPolicy } from '../../src/retention/plan/policy';
import type { Dialog } from './dialog';
import { textOf } from './dialog';
import { type Check, checkWhileTyping, rows } from './rows';
import { cronProblem, datasetProblem, regexProblem } from './checks';
import { connectionLabel } from './connection';

const RULE_TYPES = ['last', 'age', 'every', 'schedule', 'regex', 'source'] as const;
type RuleType = (typeof RULE_TYPES)[number];
const UNITS = ['hour', 'day', 'week', 'month', 'year'] as const;
type Unit = (typeof UNITS)[number];

const BLANK: { readonly [T in RuleType]: Extract<KeepRule, { type: T }> } = {
  last: { type: 'last', count: 10 },
  age: { type: 'age', value: 2, unit: 'week' },
  every: { type: 'every', period: 'day', count: 30 },
  schedule: { type: 'schedule', cron: '0 0 * * 0', value: 3, unit: 'month' },
  regex: { type: 'regex', pattern: '' },
  source: { type: 'source', connection: '', dataset: '' },
};

/** Builds the inputs of one rule into a row. */
class RuleRow {
  private rest = $('<span>').css('display', 'contents');
  private read: () => KeepRule = () => this.rule;

  constructor(
    private readonly dialog: Dialog,
    row: JQuery,
    private rule: KeepRule,
  ) {
    const type = this.select(
      row,
      RULE_TYPES.map((value) => [value, dialog.t(`common.rule.type.${value}`)]),
      rule.type,
      dialog.t('common.rule.kind'),
    );
    this.rest.appendTo(row);
    type.on('change', () => {
      this.rule = BLANK[textOf(type) as RuleType];
      this.fill();
      dialog.changed();
    });
    this.fill();
  }

  value(): KeepRule {
    return this.read();
  }

  private fill(): void {
    this.rest.empty();
    const rule = this.rule;
    switch (rule.type) {
      case 'last': {
        const count = this.count(rule.count);
        this.text('common.rule.last');
        this.read = () => ({ type: 'last', count: count() });
        return;
      }
      case 'age': {
        const value = this.count(rule.value);
        const unit = this.unit(rule.unit, 'common.rule.unit');
        this.read = () => ({ type: 'age', value: value(), unit: unit() });
        return;
      }
      case 'every': {
        const period = this.unit(rule.period, 'common.rule.period');
        this.text('common.rule.for');
        const count = this.count(rule.count);
        this.read = () => ({ type: 'every', period: period(), count: count() });
        return;
      }
      case 'schedule':
        this.fillSchedule(rule);
        return;
      case 'regex': {
        const pattern = this.entry(rule.pattern, 'common.rule.pattern', '^keep-', (text) =>
          text === '' ? this.dialog.t('common.invalid.empty') : regexProblem(text),
        );
        this.read = () => ({ type: 'regex', pattern: pattern() });
        return;
      }
      case 'source':
        this.fillSource(rule);
    }
  }

  private fillSchedule(rule: Extract<KeepRule, { type: 'schedule' }>): void {
    const cron = this.entry(rule.cron, 'common.rule.cron', '0 0 * * 0', cronProblem);
    this.text('common.rule.for');
    const value = this.count(rule.value);
    const unit = this.unit(rule.unit, 'common.rule.unit');
    // The window is not edited here, but must not be lost.
    const { begin, end } = rule;
    this.read = () => ({
      type: 'schedule',
      cron: cron(),
      value: value(),
      unit: unit(),
      ...(begin === undefined ? {} : { begin }),
      ...(end === undefined ? {} : { end }),
    });
  }

  private fillSource(rule: Extract<KeepRule, { type: 'source' }>): void {
    const connection = connectionChoice(this.dialog, this.rest, rule.connection);
    const dataset = this.entry(rule.dataset, 'common.rule.dataset', 'tank/data', datasetProblem);
    const label = $('<label>', { class: 'zfs-check' }).css('margin', '0').appendTo(this.rest);
    const recursive = $('<input>', { type: 'checkbox' })
      .prop('checked', rule.recursive === true)
      .appendTo(label);
    $('<span>').text(this.dialog.t('common.recursiveShort')).appendTo(label);
    const { exclude } = rule;
    this.read = () => ({
      type: 'source',
      connection: textOf(connection),
      dataset: dataset(),
      ...(recursive.prop('checked') === true ? { recursive: true } : {}),
      ...(exclude === undefined ? {} : { exclude }),
    });
  }

  private text(key: string): void {
    $('<span>', { class: 'zfs-row-text' }).text(this.dialog.t(key)).appendTo(this.rest);
  }

  private count(value: number): () => number {
    const input = $('<input>', {
      type: 'number',
      min: 1,
      step: 1,
      'aria-label': this.dialog.t('common.rule.count'),
    })
      .val(value)
      .appendTo(this.rest);
    checkWhileTyping(this.dialog, input, (text) =>
      /^\d+$/.test(text) && Number(text) >= 1 ? null : this.dialog.t('common.invalid.min', { min: 1 }),
    );
    return () => Number(textOf(input));
  }

  private entry(value: string, label: string, placeholder: string, check: Check): () => string {
    const input = $('<input>', {
      type: 'text',
      class: 'zfs-mono',
      placeholder,
      'aria-label': this.dialog.t(label),
    })
      .val(value)
      .appendTo(this.rest);
    checkWhileTyping(this.dialog, input, check);
    return () => textOf(input).trim();
  }

  private unit(value: Unit, labels: string): () => Unit {
    const select = this.select(
      this.rest,
      UNITS.map((unit) => [unit, this.dialog.t(`${labels}.${unit}`)]),
      value,
      this.dialog.t('common.rule.unitLabel'),
    );
    return () => textOf(select) as Unit;
  }

  private select(parent: JQuery, choices: [string, string][], value: string, label: string): JQuery {
    const select = $('<select>', { 'aria-label': label }).appendTo(parent);
    for (const [choice, text] of choices) $('<option>', { value: choice }).text(text).appendTo(select);
    return select.val(value);
  }
}

/** A select with every connection and the machine itself, for rows; its value is the connection's id. */
export function connectionChoice(dialog: Dialog, parent: JQuery, value: string): JQuery {
  const select = $('<select>', { 'aria-label': dialog.t('common.connection') }).appendTo(parent);
  const option = (id: string, label: string): void => {
    $('<option>', { value: id }).text(label).appendTo(select);
  };
  option('', dialog.t('common.thisMachine'));
  RED.nodes.eachConfig((node) => {
    if (node.type === 'zfs-ssh-connection') option(node.id, RED.utils.getNodeLabel(node, node.id));
  });
  if (value !== '' && select.find('option').filter((_, o) => $(o).val() === value).length === 0) option(value, value);
  return select.val(value);
}

/** A rule as half a sentence (`words`) or for a title (`brief`). */
function describeRule(dialog: Dialog, rule: KeepRule, form: 'words' | 'brief'): string {
  const age = (value: number, unit: Unit): string => dialog.t(`common.age.${unit}`, { count: value });
  switch (rule.type) {
    case 'last':
      return dialog.t(`common.${form}.last`, { count: rule.count });
    case 'age':
      return dialog.t(`common.${form}.age`, { age: age(rule.value, rule.unit) });
    case 'every':
      return dialog.t(`common.${form}.every.${rule.period}`, { count: rule.count });
    case 'schedule':
      return dialog.t(`common.${form}.schedule`, { cron: rule.cron, age: age(rule.value, rule.unit) });
    case 'regex':
      return dialog.t(`common.${form}.regex`, { pattern: rule.pattern });
    case 'source':
    default:
      return dialog.t(`common.${form}.source`, {
        dataset: rule.dataset || '…',
        host: connectionLabel(dialog, rule.connection),
      });
  }
}

/** A short form for section titles. */
export function summarizePolicy(dialog: Dialog, policy: RetentionPolicy): string {
  return policy.keep.length === 0
    ? dialog.t('common.words.nothingShort')
    : policy.keep.map((rule) => describeRule(dialog, rule, 'brief')).join(' · ');
}

/** Turns `element` (an `<ol>`) into the rules and `sentence` into their meaning. Returns how to read the policy. */
export function policyEditor(
  dialog: Dialog,
  element: JQuery,
  sentence: JQuery,
  initial: RetentionPolicy | null,
): () => RetentionPolicy {
  const list = rows<KeepRule>({
    dialog,
    element,
    initial: initial?.keep ?? [],
    addLabel: dialog.t('common.rule.add'),
    blank: () => BLANK.last,
    build: (row, rule) => {
      const built = new RuleRow(dialog, row, rule);
      return () => built.value();
    },
  });
  const read = (): RetentionPolicy => ({ keep: list.values() });
  sentence.addClass('zfs-sentence').attr('role', 'status');
  dialog.onChange(() => {
    const { keep } = read();
    sentence.empty().toggleClass('zfs-warning', keep.length === 0);
    if (keep.length === 0) {
      sentence.text(dialog.t('common.words.nothing'));
      return;
    }
    $('<div>')
      .text(dialog.t('common.words.intro', { count: keep.length }))
      .appendTo(sentence);
    const items = $('<ul>').appendTo(sentence);
    for (const rule of keep)
      $('<li>')
        .text(describeRule(dialog, rule, 'words'))
        .appendTo(items);
    $('<div>').text(dialog.t('common.words.rest')).appendTo(sentence);
  });
  return read;
}
