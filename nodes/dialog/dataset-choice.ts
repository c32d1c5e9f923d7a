// What ticking a dataset in a tree does, and how each one looks then (pure). With `recursive` a ticked dataset stands for
// everything below it, which is locked then.

export interface ChoiceRules {
  multiple: boolean;
  recursive: boolean;
}

/** `implied`: by one above it. `part`: something below it is chosen. */
export type ChoiceMark = 'on' | 'implied' | 'part' | 'off';

export const isBelow = (name: string, other: string): boolean => name.startsWith(`${other}/`);

/** The choice after one dataset was ticked, or not any more. What it stands for from now on is not in it twice. */
export function toggled(chosen: readonly string[], name: string, on: boolean, rules: ChoiceRules): string[] {
  const others = chosen.filter((other) => other !== name);
  if (!on) return others;
  if (!rules.multiple) return [name];
  if (!rules.recursive) return [...others, name];
  if (others.some((other) => isBelow(name, other))) return [...others];
  return [...others.filter((other) => !isBelow(other, name)), name];
}

export function markOf(name: string, chosen: readonly string[], rules: ChoiceRules): ChoiceMark {
  if (rules.multiple && rules.recursive && chosen.some((other) => isBelow(name, other))) return 'implied';
  if (chosen.includes(name)) return 'on';
  return chosen.some((other) => isBelow(other, name)) ? 'part' : 'off';
}

/** The datasets above one, the pool first. */
export function above(name: string): string[] {
  const parts = name.split('/');
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
