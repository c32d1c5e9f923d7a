// Checks of single values, shared by validators and rows: the engine's own functions where they are pure, so that dialog
// and runtime refuse the same. Each returns why a value is refused, or null.
import { parseNamingSchema } from '../../src/naming/schema';
import { readRegExp } from '../../src/options/read';
import { checkOverride, checkLeftOut } from '../../src/replication/setup/kinds';
import { checkCron } from '../../src/time/cron-guard';
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

export const regexProblem = (text: string): string | null => complaint(() => readRegExp(text, 'nameRegex'));

export const userPropertyNameProblem = (text: string): string | null => userPropertyProblem(text);

/** A property that a receive leaves out, or sets. */
export const leftOutProblem = (text: string): string | null => complaint(() => checkLeftOut(text, 'propertiesExclude'));
export const overrideProblem = (text: string): string | null =>
  complaint(() => checkOverride(text, 'propertiesOverride'));
