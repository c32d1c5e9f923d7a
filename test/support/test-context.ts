// A job's context for one run of the engine, which remembers what came out of it.
import type { EventInput } from '../../src/base/events';
import type { RunContext } from '../../src/base/run-context';

export class TestContext<Result extends object> implements RunContext {
  readonly jobId = 'job-1';
  readonly task = 'test';
  readonly events: EventInput[] = [];
  /** The result as far as the run got; empty when it did not begin. */
  last = {} as Result;

  constructor(
    readonly now: () => Date = () => new Date(),
    readonly signal: AbortSignal = new AbortController().signal,
  ) {}

  emit(event: EventInput): void {
    this.events.push(event);
  }

  partial(result: object): void {
    this.last = result as Result;
  }

  onSpeedLimit(): void {
    // Nothing is transferred.
  }

  warnings(): string[] {
    return this.events.filter(({ event }) => event === 'warning').map(({ message }) => message);
  }
}
