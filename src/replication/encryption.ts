// Raw or not, and what may not be mixed (pure): a chain goes on as it began (openzfs issues 8758, 10275, 15314).
import type { ErrorCode } from '../errors';
import { RAW_PROPERTY } from '../zfs/marks';
import type { PairInput, PlanInput, Refusal } from './plan-types';

export interface RawDecision {
  raw: boolean;
  refusal: Refusal | null;
  warnings: string[];
}

function encryptionRefusal(code: ErrorCode, message: string, hint: string): Refusal {
  return { code, message, hint, details: {} };
}

/** Whether the stream is raw: as the property says for a first copy, as the chain began afterwards. */
export function decideRaw(pair: PairInput, hasBase: boolean, options: PlanInput['options']): RawDecision {
  const { source } = pair;
  if (source.encryption === 'off') return { raw: false, refusal: null, warnings: [] };
  const mark = pair.targetDataset?.userProperties[RAW_PROPERTY];
  const begun = !hasBase ? null : mark === undefined ? pair.sameIvset : mark === 'on';
  const wish = options.raw === 'auto' ? (begun ?? true) : options.raw === 'always';
  let refusal: Refusal | null = null;
  if (begun !== null && begun !== wish) {
    refusal = encryptionRefusal(
      'ENCRYPTION_MISMATCH',
      `the copy "${pair.target}" was begun ${begun ? 'raw' : 'not raw'} and cannot be continued ${wish ? 'raw' : 'not raw'}`,
      'Set raw to "auto", or replicate to a new target dataset.',
    );
  } else if (!wish && source.keyStatus !== 'available') {
    refusal = encryptionRefusal(
      'KEY_NOT_LOADED',
      `the key of "${source.name}" is not loaded, so it cannot be sent decrypted`,
      'Load it with `zfs load-key`, or send raw.',
    );
  }
  const loses = !wish && options.includeProperties;
  return {
    raw: wish,
    refusal,
    warnings: loses ? ['properties are not included: ZFS refuses that for a decrypted stream'] : [],
  };
}

/** Plain data below an encrypted parent would be encrypted without anybody having asked for it. */
export function parentRefusal(pair: PairInput, parentEncrypted: boolean, raw: boolean): Refusal | null {
  if (raw || !parentEncrypted) return null;
  return encryptionRefusal(
    'ENCRYPTION_MISMATCH',
    `"${pair.target}" would be created below an encrypted dataset, but is not sent raw and no encryption is set`,
    'Choose a target below an unencrypted dataset.',
  );
}
