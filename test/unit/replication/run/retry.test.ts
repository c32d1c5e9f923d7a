// How often an attempt is made, what is told in between, and what comes of it in the end.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../../src/base/errors';
import { AttemptFailure, failureOf } from '../../../../src/replication/execute/attempt-failure';
import { Tries, type Attempted } from '../../../../src/replication/run/retry';
import { TestContext } from '../../../support/test-context';

const lost = (): AttemptFailure => failureOf(new ZfsFlowError('CONNECTION_LOST', 'lost'));
const again = (): AttemptFailure => new AttemptFailure(new ZfsFlowError('TRANSFER_FAILED', 'slower'), 'again');
const refused = (): AttemptFailure => failureOf(new ZfsFlowError('TARGET_DIVERGED', 'refused'));

describe('tries', () => {
  /** Plays these attempts (a failure is thrown, or beside a result), the last for ever; the attempts' numbers and the end. */
  async function play(
    attempts: readonly (AttemptFailure | Attempted<string>)[],
    { retries = 3, movesOn = false, signal = new AbortController().signal } = {},
  ): Promise<{ numbers: number[]; told: unknown[]; end: string }> {
    const ctx = new TestContext(undefined, signal);
    const tries = new Tries({ retries, retryDelay: 0 }, ctx);
    const numbers: number[] = [];
    const running = tries.run(async () => {
      numbers.push(tries.attempt);
      if (movesOn) tries.movedOn();
      const next = attempts[Math.min(numbers.length, attempts.length) - 1];
      if (next instanceof AttemptFailure) throw next;
      return Promise.resolve(next ?? { result: '', failure: null });
    });
    const end = await running.catch((error: unknown) => (error instanceof ZfsFlowError ? error.code : String(error)));
    return { numbers, told: ctx.events.map(({ event, attempt, code }) => [event, attempt, code]), end };
  }

  it('go on until one succeeds, and tell of each', async () => {
    assert.deepEqual(await play([lost(), lost(), { result: 'done', failure: null }]), {
      numbers: [1, 2, 3],
      told: [
        ['retry', 2, 'CONNECTION_LOST'],
        ['retry', 3, 'CONNECTION_LOST'],
      ],
      end: 'done',
    });
  });

  it('are used up after as many as there may be, one at least', async () => {
    assert.deepEqual((await play([lost()])).numbers, [1, 2, 3]);
    const once = await play([lost()], { retries: 0 });
    assert.deepEqual([once.numbers, once.told, once.end], [[1], [], 'CONNECTION_LOST']);
  });

  it('return what there is when some of it failed to the end', async () => {
    const { numbers, end } = await play([{ result: 'some', failure: lost() }]);
    assert.deepEqual([numbers.length, end], [3, 'some']);
  });

  it('do not count a new start, and neither wait for it nor tell of it', async () => {
    const starts = [again(), { result: '', failure: again() }, again(), again(), { result: 'done', failure: null }];
    const { numbers, told, end } = await play(starts, { retries: 1 });
    assert.deepEqual([numbers, told, end], [[1, 2, 3, 4, 5], [], 'done']);
  });

  it('count from the beginning where something moved on', async () => {
    const failing = Array.from({ length: 8 }, lost);
    const { numbers, end } = await play([...failing, { result: 'done', failure: null }], { movesOn: true, retries: 2 });
    assert.deepEqual([numbers.length, end], [9, 'done']);
  });

  it('end with what another one would not mend, and with a cancelled job', async () => {
    assert.deepEqual(await play([refused()]), { numbers: [1], told: [], end: 'TARGET_DIVERGED' });
    const signal = AbortSignal.abort(new ZfsFlowError('CANCELLED', 'by hand'));
    assert.deepEqual(await play([lost()], { signal }), { numbers: [1], told: [], end: 'CANCELLED' });
    assert.equal((await play([{ result: 'some', failure: lost() }], { signal })).end, 'CANCELLED');
  });
});
