// What is sent raw, what is encrypted at the target and with whose key, and what may not be mixed (pure). A chain goes on
// as it began (openzfs issues 8758, 10275, 15314), and nothing is ever stored in the clear where encryption was asked
// for, or encrypted where nobody asked: both are refused before a byte is sent.
import type { ErrorCode } from '../../base/errors';
import { parseRawMark, RAW_PROPERTY } from '../../zfs/marks';
import { isWithin, type DatasetRecord } from '../../zfs/records';
import type { PairInput, PlanInput, Refusal, TargetEncryption } from './plan-types';

export interface RawDecision {
  raw: boolean;
  refusal: Refusal | null;
  warnings: string[];
}

/** Encryption of what is, or by then will be, above a target dataset. */
export interface ParentEncryption {
  encrypted: boolean;
  /** Its key is not loaded. */
  locked: boolean;
  encryptionRoot: string;
}

export interface EncryptionDecision {
  /** How the receive creates the dataset; 'none' where it exists. */
  encryption: TargetEncryption;
  /** Encryption root on the target whose key has to be loaded first; '' for none. */
  loadKey: string;
  refusal: Refusal | null;
  warnings: string[];
}

function refuse(code: ErrorCode, message: string, hint: string): Refusal {
  return { code, message, hint, details: {} };
}

/** Whether the chain on the target was begun raw; null where there is none, or nobody can tell. */
function begunRaw(pair: PairInput, hasBase: boolean): boolean | null {
  if (!hasBase) return null;
  // What a raw stream brings is encrypted, whatever a mark says.
  const { targetDataset } = pair;
  if (!targetDataset) return pair.sameIvset;
  if (targetDataset.encryption === 'off') return false;
  return parseRawMark(targetDataset.userProperties[RAW_PROPERTY], targetDataset.name) ?? pair.sameIvset;
}

/** Whether the stream is raw: as the properties say for a first copy, as the chain began afterwards. */
export function decideRaw(pair: PairInput, hasBase: boolean, options: PlanInput['options']): RawDecision {
  const { source } = pair;
  if (source.encryption === 'off') return { raw: false, refusal: null, warnings: [] };
  const begun = begunRaw(pair, hasBase);
  const wanted = options.encryption !== 'none';
  const wish = wanted ? false : options.raw === 'auto' ? (begun ?? true) : options.raw === 'always';
  if (begun !== null && begun !== wish) {
    const way = (raw: boolean): string => (raw ? 'raw' : 'not raw');
    const refusal = refuse(
      'ENCRYPTION_MISMATCH',
      `the copy "${pair.target}" was begun ${way(begun)} and cannot be continued ${way(wish)}`,
      wanted
        ? 'Set encryption to "none" to go on as it began, or replicate to a new target dataset.'
        : 'Set raw to "auto", or replicate to a new target dataset.',
    );
    return { raw: wish, refusal, warnings: [] };
  }
  if (!wish && source.keyStatus !== 'available') {
    const refusal = refuse(
      'KEY_NOT_LOADED',
      `the key of "${source.name}" is not loaded, so it cannot be sent decrypted`,
      `Load it with \`zfs load-key ${source.encryptionRoot}\` on the source, or send raw.`,
    );
    return { raw: wish, refusal, warnings: [] };
  }
  const inTheClear = !wish && !wanted && (pair.targetDataset?.encryption ?? 'off') === 'off';
  const warning = `"${source.name}" is encrypted, its copy "${pair.target}" is not: it is sent decrypted and stored in the clear`;
  return { raw: wish, refusal: null, warnings: inTheClear ? [warning] : [] };
}

/** Whether a run can load this root's key: it is one that this job made with a key it knows. */
function canLoad(root: string, options: PlanInput['options']): boolean {
  return options.encryption === 'key' && isWithin(root, options.targetDataset);
}

function locked(what: string, root: string): Refusal {
  return refuse(
    'KEY_NOT_LOADED',
    `${what}: the key of "${root}" is not loaded on the target`,
    `Load it with \`zfs load-key ${root}\` on the target.`,
  );
}

/** Where the key of a raw source is kept: the pair of its encryption root, where that is replicated too. */
export interface KeyRoot {
  source: string;
  /** Where its copy is now; '' where there is none. */
  at: string;
  /** This run sends it raw, and so brings the key as it is now. */
  isSent: boolean;
}

/**
 * Why a raw increment would end with a copy that no key opens; null when it would not. What is received raw is wrapped in the
 * key of the source's encryption root, whatever it was wrapped in before (openzfs issues 12614, 12123): where the copy takes
 * its key from another root, that one has to have the same.
 */
function wrongKey(pair: PairInput, target: DatasetRecord, keyRoot: KeyRoot | null): Refusal | null {
  const { source } = pair;
  const root = target.encryptionRoot;
  const isOwn = root === target.name || root === '';
  const isAlike = target.keySalt === source.keySalt;
  if (isOwn || (isAlike && target.keySalt !== '')) return null;
  const isCopy = keyRoot?.at === root;
  // Without a passphrase there is no salt: only that it is the copy of the right root can be seen.
  if (isCopy && (isAlike || keyRoot.isSent)) return null;
  return refuse(
    'ENCRYPTION_MISMATCH',
    `the copy "${pair.target}" has its key from "${root}" on the target, which is another key than that of "${source.encryptionRoot}": what is sent raw brings the source's key, and the copy could not be mounted any more`,
    isCopy
      ? `The key of one of them was changed: replicate "${keyRoot.source}" with a new snapshot in the same run.`
      : `Give it a key of its own (zfs change-key -o keyformat=… -o keylocation=… ${target.name}) to go on with the source's, or replicate to a new target dataset.`,
  );
}

/** What a copy with a key of its own gets back with the next raw increment, and what takes its key from it. */
function keyReturns(pair: PairInput, target: DatasetRecord, heirs: readonly string[]): string[] {
  if (target.encryptionRoot !== target.name || target.keySalt === pair.source.keySalt) return [];
  const others = heirs.length === 0 ? '' : `; until they are sent too, these cannot be mounted: ${heirs.join(', ')}`;
  return [
    `the key of "${pair.target}" is not that of "${pair.source.encryptionRoot}" as it is now: with what is sent raw, it becomes the source's${others}`,
  ];
}

/** Datasets that no raw stream will bring the new key to. */
function orphans(pair: PairInput, target: DatasetRecord, foreignHeirs: readonly string[]): Refusal | null {
  if (keyReturns(pair, target, []).length === 0 || foreignHeirs.length === 0) return null;
  return refuse(
    'ENCRYPTION_MISMATCH',
    `the key of "${pair.target}" is not that of its source as it is now, and would become it; but ${foreignHeirs.join(', ')}, which the source does not have, would then be without a key`,
    'Give them a key of their own first (zfs change-key -o keyformat=… -o keylocation=…).',
  );
}

/** A dataset that is there already: it keeps the encryption it has, or does not fit. */
function decideExisting(
  { pair, raw, keyRoot, heirs, hasChildren }: EncryptionInput,
  target: DatasetRecord,
  options: PlanInput['options'],
): EncryptionDecision {
  const decided: EncryptionDecision = { encryption: 'none', loadKey: '', refusal: null, warnings: [] };
  // Nothing is to be removed that has datasets below it: they may be copies; a pool's root dataset cannot be.
  const remove = (then: string): string =>
    !target.name.includes('/')
      ? `The root dataset of a pool cannot be replaced: choose a target below it (${target.name}/…).`
      : hasChildren
        ? `It is empty, but has datasets below it, which must not go with it: replicate to a new target dataset, or rename it (zfs rename ${target.name} …) and move them back when it is ${then}.`
        : `It is empty: remove it (zfs destroy ${target.name}), and it is ${then}.`;
  const empty = pair.targetSnapshots.length === 0;
  if (raw) {
    // A partial receive of our own kind is encrypted already; anything else would have to be replaced.
    if (empty && target.encryption === 'off') {
      decided.refusal = refuse(
        'ENCRYPTION_MISMATCH',
        `the target "${pair.target}" exists without encryption, and ZFS cannot receive an encrypted dataset onto it`,
        remove('created anew'),
      );
    } else if (!empty) {
      decided.refusal = wrongKey(pair, target, keyRoot) ?? orphans(pair, target, heirs.foreign);
      decided.warnings = keyReturns(pair, target, heirs.own);
    }
    return decided;
  }
  if (target.encryption === 'off') {
    if (options.encryption === 'none') return decided;
    decided.refusal = refuse(
      'ENCRYPTION_MISMATCH',
      `the target "${pair.target}" exists and is not encrypted, but encryption is "${options.encryption}"`,
      empty
        ? remove('created encrypted')
        : 'A dataset cannot be encrypted afterwards: replicate to a new target dataset.',
    );
    return decided;
  }
  if (target.keyStatus !== 'unavailable') return decided;
  const root = target.encryptionRoot;
  if (canLoad(root, options)) decided.loadKey = root;
  else decided.refusal = locked(`"${pair.target}" cannot receive`, root);
  return decided;
}

function decideNew(
  pair: PairInput,
  parent: ParentEncryption,
  isRoot: boolean,
  options: PlanInput['options'],
): EncryptionDecision {
  const decided: EncryptionDecision = { encryption: 'none', loadKey: '', refusal: null, warnings: [] };
  if (options.encryption === 'none') {
    if (parent.encrypted) {
      decided.refusal = refuse(
        'ENCRYPTION_MISMATCH',
        `"${pair.target}" would be created below an encrypted dataset, but is not sent raw and encryption is "none"`,
        'Set encryption to "inherit" to have it encrypted as its parent is, or choose a target below an unencrypted dataset.',
      );
    }
    return decided;
  }
  decided.encryption = options.encryption === 'key' && isRoot ? 'key' : 'inherit';
  if (decided.encryption === 'key') return decided;
  if (!parent.encrypted) {
    decided.refusal = refuse(
      'ENCRYPTION_MISMATCH',
      `"${pair.target}" would inherit its encryption, but nothing above it is encrypted`,
      options.encryption === 'key'
        ? 'Its parent was copied without encryption, or not yet, because it has no snapshot: take one of it too, or replicate the tree to a new target dataset.'
        : 'Choose a target below an encrypted dataset, or set encryption to "key".',
    );
  } else if (parent.locked) {
    if (canLoad(parent.encryptionRoot, options)) decided.loadKey = parent.encryptionRoot;
    else decided.refusal = locked(`"${pair.target}" cannot be created`, parent.encryptionRoot);
  }
  return decided;
}

export interface EncryptionInput {
  pair: PairInput;
  raw: boolean;
  /** The receive makes the dataset: there is none, or only a first partial receive that is discarded. */
  creates: boolean;
  /** No dataset of this job is above it. */
  isRoot: boolean;
  parent: ParentEncryption;
  /** Null where the encryption root of the source is not replicated too. */
  keyRoot: KeyRoot | null;
  /** Datasets on the target that take their key from this one: copies of this job, and others. */
  heirs: { own: readonly string[]; foreign: readonly string[] };
  /** Something is below it. */
  hasChildren: boolean;
}

/** How the target dataset of a send comes to its encryption, which key that needs, or why it cannot be. */
export function decideEncryption(input: EncryptionInput, options: PlanInput['options']): EncryptionDecision {
  const { pair, raw, creates, isRoot, parent } = input;
  const { targetDataset } = pair;
  if (!creates && targetDataset) return decideExisting(input, targetDataset, options);
  if (raw) return { encryption: 'none', loadKey: '', refusal: null, warnings: [] };
  return decideNew(pair, parent, isRoot, options);
}

/** What the children of a target will find above them. */
export function encryptionAbove(
  pair: PairInput,
  decision: EncryptionDecision,
  planned: { raw: boolean; creates: boolean },
  parent: ParentEncryption,
): ParentEncryption {
  const { targetDataset, target } = pair;
  if (!planned.creates) return targetDataset ? encryptionOf(targetDataset) : parent;
  if (planned.raw) return { encrypted: true, locked: true, encryptionRoot: target };
  if (decision.encryption === 'key') return { encrypted: true, locked: false, encryptionRoot: target };
  return decision.encryption === 'inherit' ? parent : { ...parent, encrypted: false };
}

/** Encryption of a dataset that exists. */
export function encryptionOf(dataset: DatasetRecord): ParentEncryption {
  return {
    encrypted: dataset.encryption !== 'off',
    locked: dataset.keyStatus === 'unavailable',
    encryptionRoot: dataset.encryptionRoot,
  };
}
