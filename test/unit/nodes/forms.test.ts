// What a form lets a person enter is what the engine takes: limits of numbers, choices of selects, and each property in
// the part of the dialog that its field says.
import assert from 'node:assert/strict';
import { FIELDS } from '../../../nodes/fields';
import type { NodeType } from '../../../nodes/node-options';
import { assembleForm, registeredNodes } from '../../../scripts/build/assemble';
import type { Field, FieldTable } from '../../../src/options/field';
import { MAX_HOOK_TIMEOUT } from '../../../src/snapshots/kinds';

type Attributes = Record<string, string>;

interface Element {
  attributes: Attributes;
  /** The section it stands in, '' = none. */
  section: string;
  /** Of a select: its values, and those that cannot be chosen. */
  options: string[];
  disabled: string[];
}

function attributesOf(tag: string): Attributes {
  return Object.fromEntries(
    [...tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

/** Every element with an id, by id. */
function elementsOf(form: string): Map<string, Element> {
  const elements = new Map<string, Element>();
  let section = '';
  for (const [, close, name = '', rest = ''] of form.matchAll(/<(\/?)([a-z]+)((?:"[^"]*"|[^">])*)>/g)) {
    const attributes = attributesOf(rest);
    if (name === 'details') section = close === '/' ? '' : (attributes['data-section'] ?? '');
    else if (name === 'option' && close === '') {
      const select = [...elements.values()].at(-1);
      select?.options.push(attributes['value'] ?? '');
      if ('disabled' in attributes) select?.disabled.push(attributes['value'] ?? '');
    } else if (attributes['id'] !== undefined) {
      elements.set(attributes['id'], { attributes, section, options: [], disabled: [] });
    }
  }
  return elements;
}

/** What an input of numbers says of a field; a share is shown as a percentage. */
function limitsOf({ kind, min, max, integer }: Field): Attributes {
  const shown = (limit: number): string => String(kind === 'share' ? limit * 100 : limit);
  return {
    ...(min === undefined ? {} : { min: shown(min) }),
    ...(max === undefined ? {} : { max: shown(max) }),
    step: integer === true ? '1' : 'any',
  };
}

function limitsIn({ attributes }: Element): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => ['min', 'max', 'step'].includes(name)));
}

describe('forms', () => {
  let forms = new Map<NodeType, Map<string, Element>>();
  before(async () => {
    const nodes = [...(await registeredNodes())] as [NodeType, string][];
    forms = new Map(
      await Promise.all(nodes.map(async ([type, folder]) => [type, elementsOf(await assembleForm(folder))] as const)),
    );
  });

  /** Each property with the input that shows it; lists and tables are built by code. */
  function* inputs(): Generator<[where: string, name: string, field: Field, element: Element]> {
    for (const [type, elements] of forms) {
      const prefix = type === 'zfs-ssh-connection' ? 'node-config-input-' : 'node-input-';
      for (const [name, field] of Object.entries(FIELDS[type] as FieldTable)) {
        const element = elements.get(field.kind === 'share' ? 'zfs-max-share' : `${prefix}${name}`);
        if (element !== undefined) yield [`${type}.${name}`, name, field, element];
      }
    }
  }

  it('have the limits of the engine', () => {
    let numbers = 0;
    for (const [where, , field, element] of inputs()) {
      if (field.type !== 'num') continue;
      numbers++;
      assert.equal(element.attributes['type'], 'number', where);
      assert.deepEqual(limitsIn(element), limitsOf(field), where);
    }
    assert.ok(numbers >= 15);
    const timeout = forms.get('zfs-snapshot')?.get('zfs-hook-timeout');
    assert.ok(timeout);
    assert.deepEqual(limitsIn(timeout), { min: '0', max: String(MAX_HOOK_TIMEOUT), step: 'any' });
  });

  it('have the choices of the engine, and let nobody choose what it cannot do yet', () => {
    let selects = 0;
    for (const [where, , field, element] of inputs()) {
      if (field.kind !== 'choice' || field.typed) continue;
      selects++;
      assert.deepEqual(element.options.toSorted(), [...(field.choices ?? [])].toSorted(), where);
      assert.deepEqual(element.disabled, [...(field.later ?? [])], where);
    }
    assert.ok(selects >= 24);
    for (const kind of FIELDS['zfs-list-snapshots'].kinds.choices ?? []) {
      assert.ok(forms.get('zfs-list-snapshots')?.has(`zfs-kind-${kind}`), kind);
    }
  });

  it('have a switch for each flag', () => {
    for (const [where, , field, element] of inputs()) {
      assert.equal(element.attributes['type'] === 'checkbox', field.type === 'bool', where);
    }
  });

  it('show each property in the section that its field names, and have no others', () => {
    for (const [where, , field, element] of inputs()) assert.equal(element.section, field.section, where);
  });
});
