// `-L`, `-c` and `-e` of a dataset's sends (pure): as the options say, less what the target's pool cannot take, and `-L`
// where the chain began with it: ZFS refuses an increment without it once large blocks have arrived.
import type { PairInput, PlanInput, Refusal, StreamFeature } from './plan-types';
import { poolOf } from '../../zfs/names';

export interface FlagDecision {
  largeBlocks: boolean;
  compressedBlocks: boolean;
  /** An encrypted target does not take them unless the stream is raw (openzfs issue 12480). */
  embeddedBlocks: boolean;
  refusal: Refusal | null;
  warnings: string[];
}

const WITHOUT: Readonly<Record<Exclude<StreamFeature, 'encryption'>, string>> = {
  largeBlocks: 'large blocks are sent in smaller ones (no -L)',
  compressedBlocks: 'blocks are sent decompressed (no -c)',
  embeddedBlocks: 'embedded blocks are sent as ordinary ones (no -e)',
};

function cannotBeRaw({ target }: PairInput): Refusal {
  const pool = poolOf(target);
  return {
    code: 'UNSUPPORTED',
    message: `the pool "${pool}" lacks feature@encryption, so "${target}" cannot be received raw`,
    hint: `Upgrade the pool (zpool upgrade ${pool}), or set raw to "never" to store it in the clear.`,
    details: {},
  };
}

/** `encryptedThere`: the copy is, or will be, encrypted. */
export function decideFlags(
  pair: PairInput,
  { raw, encryptedThere }: { raw: boolean; encryptedThere: boolean },
  { options, lacking, keepLargeBlocks }: Pick<PlanInput, 'options' | 'lacking' | 'keepLargeBlocks'>,
): FlagDecision {
  const warnings: string[] = [];
  const kept = keepLargeBlocks?.has(pair.source.name) === true;
  if (kept && !options.largeBlocks) {
    warnings.push(`"${pair.target}" was begun with large blocks and goes on with them, although largeBlocks is off`);
  }
  const can = (feature: keyof typeof WITHOUT, wish: boolean): boolean => {
    if (!wish || lacking?.has(feature) !== true) return wish;
    // A raw stream has its blocks as they are, whatever the flags say.
    if (!raw) warnings.push(`the pool of "${pair.target}" lacks the feature for it: ${WITHOUT[feature]}`);
    return false;
  };
  return {
    largeBlocks: can('largeBlocks', options.largeBlocks || kept),
    compressedBlocks: can('compressedBlocks', options.compressedBlocks),
    embeddedBlocks: can('embeddedBlocks', options.embeddedBlocks && (raw || !encryptedThere)),
    refusal: raw && lacking?.has('encryption') === true ? cannotBeRaw(pair) : null,
    warnings,
  };
}
