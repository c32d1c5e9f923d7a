// Checks of single values, shared by validators and rows: the engine's own functions where they are pure, so that dialog
// and runtime refuse the same. Each returns why a value is refused, or null.
import { parseNamingSchema } from '../../src/naming/schema';
import { checkCron } from '../../src/time/cron-guard';
import { parseSize } from '../../src/options/read';
import { timeLimit } from '../../src/time/time-limit';
import { checkTimeZone } from '../../src/time/zone';
import { compileExcludes, datasetNameProblem, userPropertyProblem } from '../../src/zfs/names';

/** What `run` complains about, or null. */
export function complaint(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export const datasetProblem = (text: string): string | null => datasetNameProblem(text);

export const excludeProblem = (text: string): string | null => complaint(() => compileExcludes([text]));

export const schemaProblem = (text: string): string | null => complaint(() => parseNamingSchema(text));

export const cronProblem = (text: string): string | null => complaint(() => checkCron(text));

export const timeZoneProblem = (text: string): string | null => complaint(() => checkTimeZone(text, 'timeZone'));

export const regexProblem = (text: string): string | null => complaint(() => new RegExp(text));

export const userPropertyNameProblem = (text: string): string | null => userPropertyProblem(text);

/** A native or a user property, as `zfs receive -o` and `-x` take them. */
export function propertyNameProblem(node: EditorNode, text: string): string | null {
  if (text.includes(':')) return userPropertyProblem(text);
  return /^[a-z0-9_]+$/.test(text) ? null : node._('common.invalid.property');
}

/** `10%` or `500G`. */
export function minFreeProblem(node: EditorNode, text: string): string | null {
  const percent = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text)?.[1];
  const fits = percent === undefined ? parseSize(text) !== null : Number(percent) <= 100;
  return fits ? null : node._('common.invalid.minFree');
}

/** An ISO date or a duration such as `7d`. */
export const timeLimitProblem = (text: string): string | null =>
  complaint(() => timeLimit(text, 'date', '', new Date()));
