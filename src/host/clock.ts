// The clock of a machine, as it says it itself.
import { toZfsFlowError } from '../base/errors';
import type { CommandResult, Host } from './host';

/** A machine without the program says nothing. Throws connection errors. */
async function answerOf(host: Host, signal: AbortSignal): Promise<Pick<CommandResult, 'code' | 'stdout'>> {
  try {
    return await host.run(['date', '-u', '+%s'], { signal });
  } catch (thrown) {
    if (toZfsFlowError(thrown).code !== 'COMMAND_NOT_FOUND') throw thrown;
    return { code: null, stdout: '' };
  }
}

/** Whole seconds since 1970, null where it has no `date` that says so. Throws connection errors. */
export async function clockOf(host: Host, signal: AbortSignal): Promise<number | null> {
  const { code, stdout } = await answerOf(host, signal);
  return code === 0 && /^\d+\s*$/.test(stdout) ? Number(stdout) : null;
}
