// What was answered so far, and who wants to know of each change.
import { type Answers, defaultAnswers } from '../../../src/wizard/answers';

/** Names of answers that are one text. */
export type TextName = {
  [Name in keyof Answers]: Answers[Name] extends string ? Name : never;
}[keyof Answers];

export class Store {
  answers: Answers;
  private first: string;
  private readonly listeners: (() => void)[] = [];

  constructor(tab: string) {
    this.answers = defaultAnswers(tab);
    this.first = JSON.stringify(this.answers);
  }

  set(changes: Partial<Answers>): void {
    this.answers = { ...this.answers, ...changes };
    for (const listener of this.listeners) listener();
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Something would be lost. */
  get isTouched(): boolean {
    return JSON.stringify(this.answers) !== this.first;
  }

  /** What the answers are now is nothing that a person has entered. */
  untouched(): void {
    this.first = JSON.stringify(this.answers);
  }
}
