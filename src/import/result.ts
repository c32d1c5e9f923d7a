// What an import gives, whatever it comes from: nodes of a flow, the secrets that belong to some of them, and what a person
// should know. What each node may hold is handed in with `ImportTools`, because the tables of the nodes stand above src/.
import type { FieldTable } from '../options/field';
import type { RawOptions } from '../options/read';
import type { FlowNodeJson } from '../flow/flow';

/** `error`: it was not imported as it is, or stays disabled; `warn`: it will do something else than before. */
export type Level = 'info' | 'warn' | 'error';

export interface Finding {
  /** `<kind>-<old id>`; `import` = all of it. */
  item: string;
  level: Level;
  message: string;
}

export const WHOLE = 'import';

export type TaskType = 'zfs-snapshot' | 'zfs-replicate' | 'zfs-retention-prune';
export type ImportedType = TaskType | 'zfs-ssh-connection';

export interface ImportTools {
  /** The properties of the node types. */
  fields: Readonly<Record<ImportedType, FieldTable>>;
  /** The engine's own reader. Throws INVALID_OPTIONS or UNSUPPORTED with the property in `field`. */
  check(type: ImportedType, values: RawOptions): unknown;
}

/** A connection to the machine that was imported, where Node-RED runs elsewhere and has none yet. */
export interface SelfConnection {
  host: string;
  port?: number;
  username?: string;
  hostKeys?: string;
  sudo?: string;
}

export interface ImportChoices {
  /** What the imported machine is for this Node-RED: the id of a connection, '' = this very machine. */
  here: string | SelfConnection;
  /** Items that are not to be disabled; what was disabled before stays so. */
  enable: ReadonlySet<string>;
  /** Connections that there are already: what brings no key of its own uses the one to the same account. */
  deployed?: readonly DeployedConnection[];
}

export interface DeployedConnection {
  id: string;
  name: string;
  host: string;
  port: number;
  username: string;
  /** Path of its key, '' = it logs in otherwise. */
  keyFile: string;
}

/** Something with a node of its own that a person may want or not. */
export interface ImportedItem {
  item: string;
  /** Of its node. */
  id: string;
  /** Properties that come from what was imported; what else the node has are defaults. */
  decides: string[];
  /** Why a task cannot be enabled from the start; '' where it can, and of what is no task. */
  whyDisabled: string;
}

export interface Imported {
  /** For people: `CORE 13.3-U1.2`, `sanoid`. */
  version: string;
  nodes: FlowNodeJson[];
  items: ImportedItem[];
  /** By node id: credentials that are put into none of the nodes. */
  secrets: ReadonlyMap<string, Readonly<Record<string, string>>>;
  findings: Finding[];
}

/** Collects findings; one sentence is said once of an item. */
export class Findings {
  readonly all: Finding[] = [];
  private readonly said = new Set<string>();
  private readonly failed = new Set<string>();
  private readonly lacking = new Set<string>();

  add(item: string, level: Level, message: string): void {
    if (level === 'error') this.failed.add(item);
    const key = JSON.stringify([item, message]);
    if (this.said.has(key)) return;
    this.said.add(key);
    this.all.push({ item, level, message });
  }

  info(item: string, message: string): void {
    this.add(item, 'info', message);
  }

  warn(item: string, message: string): void {
    this.add(item, 'warn', message);
  }

  /** `field`: the property that it is about, where the engine would refuse the same. */
  error(item: string, message: string, field?: string): void {
    this.add(item, 'error', message);
    if (field !== undefined) this.lacking.add(JSON.stringify([item, field]));
  }

  /** An error of the item says what is wrong with this property. */
  isToldOf(item: string, field: string): boolean {
    return this.lacking.has(JSON.stringify([item, field]));
  }

  /** An error was found of it. */
  hasError(item: string): boolean {
    return this.failed.has(item);
  }
}
