// Runs verifications against lab machines, without Node-RED, and says what they left on a machine.
import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/base/errors';
import { ZfsFlowError } from '../../src/base/errors';
import type { HostResolver } from '../../src/host/host';
import { parseVerifyOptions } from '../../src/verify/check-options';
import type { VerifiedDataset, VerifyResult } from '../../src/verify/options';
import { verify, type Turns } from '../../src/verify/verify';
import type { Machine } from '../lab/machine';
import { TestContext } from './test-context';

export interface Verified {
  result: VerifyResult;
  /** Null when all was well. */
  error: ZfsFlowError | null;
  ctx: TestContext<VerifyResult>;
}

/** The result, whether all was well or not; any other failure is thrown. */
export async function verifyWith(
  hosts: HostResolver,
  raw: Record<string, unknown>,
  more: { signal?: AbortSignal; now?: () => Date; turns?: Turns } = {},
): Promise<Verified> {
  const ctx = new TestContext<VerifyResult>(more.now, more.signal);
  try {
    return { result: await verify(parseVerifyOptions(raw), hosts, ctx, more.turns), error: null, ctx };
  } catch (error) {
    if (!(error instanceof ZfsFlowError) || error.code !== 'VERIFICATION_FAILED') throw error;
    assert.equal(ctx.last.ok, false);
    assert.ok(ctx.last.problems.length > 0);
    return { result: ctx.last, error, ctx };
  }
}

/** A run that ends with this code; the result as far as it got. */
export async function verifyFails(
  hosts: HostResolver,
  code: ErrorCode,
  raw: Record<string, unknown>,
  signal?: AbortSignal,
): Promise<{ error: ZfsFlowError; partial: VerifyResult }> {
  const ctx = new TestContext<VerifyResult>(undefined, signal);
  const error: unknown = await verify(parseVerifyOptions(raw), hosts, ctx).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ZfsFlowError, String(error));
  assert.equal(error.code, code, error.message);
  return { error, partial: ctx.last };
}

export function only({ datasets }: VerifyResult): VerifiedDataset {
  assert.equal(datasets.length, 1, JSON.stringify(datasets));
  return datasets[0] as VerifiedDataset;
}

/** What drills have left on a machine: datasets, mounts, directories. */
export async function leftOn(machine: Machine): Promise<string[]> {
  const { stdout } = await machine.sh(
    'set +e; zfs list -H -o name -t filesystem,volume | grep zfsflow-drill; grep zfsflow-drill /proc/mounts; ls -d /tmp/zfsflow-drill* 2>/dev/null; exit 0',
  );
  return stdout.split('\n').filter((line) => line !== '');
}
