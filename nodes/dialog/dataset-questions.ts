// What a tree of datasets asks the runtime, level by level. Answers are kept for a moment, by connection and parent, so that
// opening a dialog again costs nothing; a failed one is asked again.
import type { LevelAnswer, PoolsAnswer, SearchAnswer } from '../admin/browse-answer';
import { isRefusal, type Refusal } from './admin';

/** With the words of the catalogue of any of our node types. */
export type Translate = (key: string, replacements?: Record<string, unknown>) => string;

/** An endpoint's answer, or a refusal; never rejects. `ask` of admin.ts, with the translator bound. */
export type Ask = (endpoint: string, question: object, signal?: AbortSignal) => Promise<object>;

/** Milliseconds that a level is believed. */
const KEPT = 30_000;
/** Answers; a machine with more levels than these is asked again. */
const MOST = 200;

interface Kept {
  at: number;
  answer: Promise<object>;
}

/** Of this page: every tree of it has the same. */
const kept = new Map<string, Kept>();

export interface Machine {
  connection: () => string;
  /** Connections that are not deployed yet, by id (nodes/admin/draft-connections.ts). */
  drafts: () => Readonly<Record<string, object>>;
}

export class DatasetQuestions {
  constructor(
    private readonly ask: Ask,
    private readonly machine: Machine,
  ) {}

  /** Other answers are about another machine. */
  get about(): string {
    return JSON.stringify([this.machine.connection(), this.machine.drafts()]);
  }

  pools(signal: AbortSignal): Promise<PoolsAnswer | Refusal> {
    return this.level('', signal) as Promise<PoolsAnswer | Refusal>;
  }

  below(parent: string, signal: AbortSignal): Promise<LevelAnswer | Refusal> {
    return this.level(parent, signal) as Promise<LevelAnswer | Refusal>;
  }

  search(text: string, signal: AbortSignal): Promise<SearchAnswer | Refusal> {
    return this.ask('dataset-search', this.question({ text }), signal) as Promise<SearchAnswer | Refusal>;
  }

  /** Everything that is known of the machine. */
  forget(): void {
    const { about } = this;
    for (const key of kept.keys()) if (key.startsWith(about)) kept.delete(key);
  }

  question(more: object): object {
    const drafts = this.machine.drafts();
    const connections = Object.keys(drafts).length === 0 ? {} : { connections: drafts };
    return { connection: this.machine.connection(), ...connections, ...more };
  }

  private level(parent: string, signal: AbortSignal): Promise<object> {
    const key = `${this.about} ${parent}`;
    const known = kept.get(key);
    if (known !== undefined && Date.now() - known.at < KEPT) {
      return known.answer.then((answer) => {
        // Somebody else has given up waiting for it.
        const isOurs = signal.aborted || !isRefusal(answer) || answer.code !== 'CANCELLED';
        return isOurs ? answer : this.level(parent, signal);
      });
    }
    const answer = this.ask('dataset-level', this.question(parent === '' ? {} : { parent }), signal);
    kept.set(key, { at: Date.now(), answer });
    const [first] = kept.keys();
    if (kept.size > MOST && first !== undefined) kept.delete(first);
    // Whoever comes later is not told that somebody else gave up.
    void answer.then((result) => {
      if (isRefusal(result) && kept.get(key)?.answer === answer) kept.delete(key);
    });
    signal.addEventListener('abort', () => {
      if (kept.get(key)?.answer === answer) kept.delete(key);
    });
    return answer;
  }
}
