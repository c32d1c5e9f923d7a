// The `zfs send` command of each planned step (pure). Estimates are made of the same commands that are sent.
import { sendArgv, type SendStep, type StreamFlags } from '../../zfs/send';
import type { DatasetPlan } from './plan-types';

export function streamFlags(plan: DatasetPlan): StreamFlags {
  const { raw, properties, largeBlocks, compressedBlocks, embeddedBlocks } = plan;
  return { raw, properties, largeBlocks, compressedBlocks, embeddedBlocks };
}

export function stepArgv(plan: DatasetPlan, step: SendStep): string[] {
  return sendArgv(step, streamFlags(plan));
}
