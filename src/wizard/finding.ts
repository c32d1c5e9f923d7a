// What a check of the answers finds, and what it may look at. Pure.
import { ZfsFlowError } from '../base/errors';
import type { Step } from './answers';
import type { WizardTables } from './flow';

export interface Problem {
  /** Name of the field that it is shown at. */
  field: string;
  step: Step;
  /** `warn`: it can be made all the same. */
  level: 'error' | 'warn';
  /** Of the words, below `wizard.problem`. */
  key: string;
  values: Readonly<Record<string, string | number>>;
}

/** What a check finds; where it is shown follows from the field. */
export interface Finding {
  field: string;
  key: string;
  values?: Problem['values'];
  level?: Problem['level'];
}

/** What there is in the editor, as far as it is known. */
export interface Surroundings {
  tables: WizardTables;
  /** Connections that there are, deployed or not, by id. */
  connections?: ReadonlyMap<string, { jumpConnection?: unknown }>;
  /** Every `zfs-snapshot` that there is: how it is called, and its properties. */
  snapshots?: readonly { name: string; values: Readonly<Record<string, unknown>> }[];
  /** Tabs by id. */
  tabs?: ReadonlyMap<string, { locked?: boolean; disabled?: boolean }>;
}

/** What `run` throws for a property, in words; null when it does not. */
export function refusalOf(run: () => unknown): { field: string; why: string } | null {
  try {
    run();
    return null;
  } catch (error) {
    if (!(error instanceof ZfsFlowError)) throw error;
    const field = error.field ?? '';
    return {
      field,
      why: error.message.startsWith(`${field}: `) ? error.message.slice(field.length + 2) : error.message,
    };
  }
}
