// For what must go on when something is wrong with a value: what came of it, or why nothing did.
import { toZfsFlowError, type ZfsFlowError } from '../../src/base/errors';

export type Attempt<T> = { value: T; error?: undefined } | { value?: undefined; error: ZfsFlowError };

export function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() };
  } catch (thrown) {
    return { error: toZfsFlowError(thrown) };
  }
}
