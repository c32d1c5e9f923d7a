// Validators for the JSON properties that have editors of their own (policy, scope, protected destinations, property
// tables): run on what is stored, so that a node with a broken rule is marked in the workspace.
import { parsePolicy, parseScope } from '../../src/retention/read-policy';
import { complaint, excludeProblem } from './checks';

/** `problem` gets the stored value; missing and null are left to the runtime's defaults. */
export function jsonValidator(problem: (node: EditorNode, value: unknown) => string | null): EditorValidator {
  return function (value, _nodeRed) {
    if (value === undefined || value === null) return true;
    return problem(this, value) ?? true;
  };
}

/** The first complaint about an entry of a stored list. */
export function listValidator(problem: (node: EditorNode, entry: unknown) => string | null): EditorValidator {
  return jsonValidator((node, value) => {
    if (!Array.isArray(value)) return node._('common.invalid.list');
    for (const entry of value as unknown[]) {
      const found = problem(node, entry);
      if (found !== null) return found;
    }
    return null;
  });
}

export const POLICY = jsonValidator((_node, policy) => complaint(() => parsePolicy({ policy })));

export const SCOPE = jsonValidator((_node, scope) => complaint(() => parseScope({ scope })));

export const EXCLUDE = listValidator((_node, pattern) => excludeProblem(String(pattern)));

/** The names in a property table. */
export function propertyNames(problem: (node: EditorNode, name: string) => string | null): EditorValidator {
  return jsonValidator((node, table) => {
    if (typeof table !== 'object' || table === null) return node._('common.invalid.text');
    return (
      Object.keys(table)
        .map((name) => problem(node, name))
        .find((found) => found !== null) ?? null
    );
  });
}
