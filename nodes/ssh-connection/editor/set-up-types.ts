// What the ways of setting up a connection have in common: what they are given, and what comes of them.
import type { Pane, Translate } from './set-up-pane';

/** What is seen now; '' = nothing. */
export type Step = '' | 'choose' | 'password' | 'hostKey' | 'truenas' | 'certificate' | 'plain' | 'done';

/** What the person has entered already. */
export interface Known {
  host: string;
  port: string;
  username: string;
  /** Keys that are trusted, as the property has them. */
  hostKeys: string;
  /** Other properties of the connection, which decide how the machine is reached. */
  more: Readonly<Record<string, unknown>>;
}

/** Properties of a connection that was set up. Its private key waits on the server under the connection's id. */
export interface SetUpConnection {
  /** What the machine calls itself, where `host` is only an address. */
  name?: string;
  host: string;
  port: number;
  username: string;
  hostKeys: string;
  sudo?: string;
}

/** The answer of both endpoints (face.md §5); those of TrueNAS tell the account too. */
export interface SetUpAnswer {
  ok: true;
  hostKeys: string;
  publicKey: string;
  /** What was changed on the other machine, one thing each. */
  changed: string[];
  warnings?: string[];
  facts?: { notes?: string[]; hostname?: string };
  host?: string;
  port?: number;
  username?: string;
  sudo?: string;
}

/** What a way is given by the set-up that shows it. */
export interface Stage {
  readonly t: Translate;
  readonly known: Known;
  /** What every request begins with. */
  readonly request: { id: string; replace?: true };
  /** Called before a request that may leave a key on the server. */
  begin(): void;
  show(step: Step, pane: Pane): void;
  back(): void;
  done(connection: SetUpConnection, answer: SetUpAnswer): void;
}

export interface Way {
  readonly pane: Pane;
  /** What was typed so far, for who goes on by hand. */
  typed(): Partial<Known>;
}
