// What is to be imported, from whichever way it came, to the tool that knows it. Recognised by content, since people do not know
// the names of formats. Pure.
import { invalidOption } from '../base/errors';
import type { ImportChoices, Imported, ImportTools } from './result';
import { assemble } from './assemble';
import { addSnapshots } from './sanoid/snapshots';
import { addSyncoid, hasSyncoid } from './sanoid/syncoid';
import { TextDraft } from './text-draft';
import { isConfiguration, readConfiguration } from './truenas/configuration';
import { readDocuments } from './truenas/documents';
import { importTrueNas } from './truenas/map';
import { addZrepl } from './zrepl/jobs';

export type ImportSource =
  /** Text, or JSON that is parsed already; `field` for errors. */
  | { kind: 'document'; document: unknown; field: string }
  | { kind: 'file'; file: Uint8Array }
  /** Of a TrueNAS, by method; `notes`: what it did not tell. */
  | { kind: 'answers'; answers: unknown; host: string; notes: readonly string[] };

/** Throws INVALID_OPTIONS for what is nothing that is known; never for what is in it. No error repeats it. */
export function importFrom(source: ImportSource, choices: ImportChoices, tools: ImportTools): Imported {
  switch (source.kind) {
    case 'document':
      return fromDocument(source.document, source.field, choices, tools);
    case 'file':
      return fromFile(source.file, choices, tools);
    case 'answers':
      break;
  }
  const { answers, host, notes } = source;
  const imported = importTrueNas({ dump: readDocuments(answers, 'live'), fallbackName: host }, choices, tools);
  const told = notes.map((message) => ({ item: 'import', level: 'warn', message }) as const);
  return { ...imported, findings: [...told, ...imported.findings] };
}

function fromFile(file: Uint8Array, choices: ImportChoices, tools: ImportTools): Imported {
  if (isConfiguration(file)) {
    const { dump, secrets } = readConfiguration(file);
    return importTrueNas({ dump, secrets, fallbackName: nameOf(choices) }, choices, tools);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch {
    const hint = 'What is compressed has to be unpacked first.';
    throw invalidOption('file', 'this is neither a saved configuration (.db, .tar) nor a text', hint);
  }
  return fromDocument(text, 'file', choices, tools);
}

/** A section of sanoid.conf; JSON begins with brackets too, but has more in them. */
const SANOID = /^\s*\[[\w][^\][{},"]*\]\s*(?:[#;].*)?$/m;
const ZREPL = /^jobs:/m;

function fromDocument(document: unknown, field: string, choices: ImportChoices, tools: ImportTools): Imported {
  if (typeof document === 'string' && !isJson(document)) {
    if (ZREPL.test(document)) {
      const draft = new TextDraft('zrepl', choices);
      addZrepl(document, draft, field);
      return assemble(draft.done(), tools, choices);
    }
    if (SANOID.test(document) || hasSyncoid(document)) {
      const draft = new TextDraft('sanoid', choices);
      if (SANOID.test(document)) addSnapshots(document, draft);
      addSyncoid(document, draft);
      return assemble(draft.done(), tools, choices);
    }
  }
  return importTrueNas({ dump: readDocuments(document, field), fallbackName: nameOf(choices) }, choices, tools);
}

/** By its first character: what is damaged is told as JSON. */
const isJson = (text: string): boolean => /^\s*(?:\{|\[\s*[\]{["]|")/.test(text);

/** Where the machine does not say its name: what it is for this Node-RED. */
const nameOf = ({ here }: ImportChoices): string => (typeof here === 'string' ? here : here.host);
